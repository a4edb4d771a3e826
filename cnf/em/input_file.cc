// SPDX-License-Identifier: Apache-2.0
#include "cnf/em/input_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

#include <fcntl.h>
#include <poll.h>
#include <sys/poll.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "cnf/core/storage/options.h"
#include "cnf/core/storage/scan.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/temporary_file.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/em/unpack_internal.h"

namespace cnf::em {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;
constexpr int kPollMilliseconds = 100;
constexpr std::string_view kDoing = "unpack into";

// Where the pieces of an input go as they come: to a temporary file, unpacked if they are packed.
class Inlet {
 public:
  explicit Inlet(std::string subject) : subject_(std::move(subject)) {}

  void take(ByteSpan piece) {
    if (!begun_) {
      head_.append(piece);
      if (head_.size() < kMagic) return;
      begin();
      return;
    }
    pass(piece);
  }
  storage::MappedFile finish() {
    if (!begun_) begin();
    if (unpacker_) unpacker_->finish();
    return storage::MappedFile(file_);
  }

 private:
  static constexpr std::size_t kMagic = 4;  // bytes that tell how it is packed

  void begin() {
    begun_ = true;
    const Packing packing = packing_of(head_);
    if (packing != Packing::none) unpacker_ = make_unpacker(packing, file_, subject_);
    pass(std::exchange(head_, {}));
  }
  void pass(ByteSpan piece) {
    if (unpacker_) {
      unpacker_->take(piece);
    } else {
      file_.append(piece);
    }
  }

  const std::string subject_;
  storage::TemporaryFile file_{{}, std::string(kDoing)};
  std::unique_ptr<Unpacker> unpacker_;
  Buffer head_;  // until it is known how the input is packed
  bool begun_ = false;
};

[[noreturn]] void fail_errno(std::string_view doing, const std::string& name) {
  const int code = errno;
  const Errc meaning = code == ENOENT || code == ENOTDIR ? Errc::not_found
                       : code == EACCES || code == EPERM ? Errc::permission_denied
                                                         : Errc::unavailable;
  throw Error(meaning, doing, name, std::generic_category().message(code));
}

// What a pipe, a FIFO or a terminal gives.
void read_stream(int fd, const std::string& name, const Context& context, Inlet& inlet) {
  Buffer buffer(kPiece);
  for (;;) {
    context.check("read", name);
    pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&entry, 1, kPollMilliseconds);
    if (ready < 0 && errno != EINTR) fail_errno("read", name);
    if (ready <= 0) continue;
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got == 0) return;
    if (got > 0) {
      inlet.take(buffer.span().first(static_cast<std::size_t>(got)));
    } else if (errno != EINTR && errno != EAGAIN) {
      fail_errno("read", name);
    }
  }
}

bool is_stream(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

storage::MappedFile open_stream(const std::string& path, const std::string& name,
                                const Context& context) {
  Inlet inlet(name);
  if (path == "-") {
    read_stream(STDIN_FILENO, name, context, inlet);
    return inlet.finish();
  }
  // Without O_NONBLOCK, opening a FIFO would wait for its writer, deaf to the context.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) fail_errno("open", name);
  struct Close {
    int fd;
    ~Close() { (void)::close(fd); }
  };
  const Close close{fd};
  read_stream(fd, name, context, inlet);
  return inlet.finish();
}

storage::MappedFile open_path(const std::string& path, const Context& context) {
  storage::MappedFile mapped(path);
  if (packing_of(mapped.bytes()) == Packing::none) return mapped;
  Inlet inlet(path);
  for (ByteSpan rest = mapped.bytes(); !rest.empty();) {
    context.check("unpack", path);
    const ByteSpan piece = rest.first(std::min(rest.size(), kPiece));
    inlet.take(piece);
    rest = rest.subspan(piece.size());
  }
  return inlet.finish();
}

storage::MappedFile open_object(const std::string& uri, const storage::Options& options,
                                const Context& context, std::string& name) {
  const storage::Location location = storage::locate(uri, options);
  name = location.storage->uri(location.key);
  if (location.key.empty()) {
    throw Error(Errc::invalid_argument, "open", name, "it is a folder, not a file");
  }
  Inlet inlet(name);
  const storage::FileInfo info = location.storage->stat(location.key, context);
  storage::scan(*location.storage, info, {}, context, [&](ByteSpan piece) { inlet.take(piece); });
  return inlet.finish();
}

std::string plain_name_of(std::string_view name) {
  name = name.substr(0, name.find('?'));  // a signed URL's query
  const std::size_t slash = name.rfind('/');
  if (slash != std::string_view::npos) name.remove_prefix(slash + 1);
  std::string plain(name);
  for (char& c : plain) c = (c >= 'A' && c <= 'Z') ? static_cast<char>(c | 0x20) : c;
  constexpr std::array<std::string_view, 3> kPacked{".gz", ".bz2", ".bgz"};
  for (const std::string_view ending : kPacked) {
    if (plain.ends_with(ending)) plain.resize(plain.size() - ending.size());
  }
  return plain;
}

}  // namespace

InputFile::InputFile(const std::string& uri, const storage::Options& options,
                     const Context& context)
    : name_(uri) {
  const std::optional<std::string> path =
      uri == "-" ? std::optional<std::string>("-") : storage::local_path(uri);
  if (!path) {
    bytes_ = open_object(uri, options, context, name_);
  } else if (*path == "-" || is_stream(*path)) {
    if (*path == "-") name_ = "standard input";
    bytes_ = open_stream(*path, name_, context);
  } else {
    name_ = *path;
    bytes_ = open_path(*path, context);
  }
  plain_name_ = plain_name_of(name_);
}

InputFile::InputFile(Buffer bytes, std::string name)
    : name_(std::move(name)), plain_name_(plain_name_of(name_)), bytes_(std::move(bytes)) {}

ByteSpan InputFile::bytes() const noexcept {
  if (const auto* buffer = std::get_if<Buffer>(&bytes_)) return buffer->span();
  const auto* mapped = std::get_if<storage::MappedFile>(&bytes_);
  return mapped != nullptr ? mapped->bytes() : ByteSpan{};
}

}  // namespace cnf::em
