// SPDX-License-Identifier: Apache-2.0
#include "cnf/hts/input.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <htslib/hfile.h>
#include <htslib/hts.h>
#include <htslib/hts_log.h>
#include <poll.h>
#include <sys/poll.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/hts/feed.h"
#include "cnf/hts/messages.h"

namespace cnf::hts {
namespace {

// Two windows are held: one is sent to the decoder while the next is fetched.
constexpr std::uint64_t kWindow = std::uint64_t{16} << 20;
constexpr std::uint64_t kRequest = std::uint64_t{2} << 20;
constexpr std::size_t kPipeRead = std::size_t{1} << 18;

[[noreturn]] void fail_errno(const std::string& name, int code) {
  const std::string why = std::strerror(code);
  switch (code) {
    case ENOENT:
    case ENOTDIR:
      throw Error(Errc::not_found, "open", name, why);
    case EACCES:
    case EPERM:
      throw Error(Errc::permission_denied, "open", name, why);
    default:
      throw Error(Errc::unavailable, "read", name, why);
  }
}

// "s3://b/k", "memory:x/k", "file:/k"; a file named "chr1:2.bam" is a path.
bool is_store_uri(std::string_view text) {
  const auto is_scheme_char = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '-' || c == '.';
  };
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view scheme = text.substr(0, colon);
  if (!std::all_of(scheme.begin(), scheme.end(), is_scheme_char)) return false;
  return scheme == "file" || scheme == "memory" || text.substr(colon).starts_with("://");
}

// What a pipe, a FIFO or a terminal gives.
Feed::Producer read_from(Descriptor descriptor, std::string name) {
  const auto fd = std::make_shared<Descriptor>(std::move(descriptor));
  const auto buffer = std::make_shared<Buffer>(kPipeRead);
  return [fd, buffer, name = std::move(name)](const Context& context) -> ByteSpan {
    for (;;) {
      context.check("read", name);
      if (!wait_for(fd->get(), POLLIN)) continue;
      const ssize_t got = ::read(fd->get(), buffer->data(), buffer->size());
      if (got >= 0) return buffer->span().first(static_cast<std::size_t>(got));
      if (errno != EINTR && errno != EAGAIN) fail_errno(name, errno);
    }
  };
}

// An object of a store, window by window; the next one is fetched while this one is used.
class ObjectWindows {
 public:
  ObjectWindows(storage::Location location, storage::FileInfo info)
      : location_(std::move(location)), info_(std::move(info)) {}

  ByteSpan next(const Context& context) {
    if (!ahead_.valid()) ahead_ = fetch(context);
    current_ = ahead_.get();
    ahead_ = fetch(context);
    return current_;
  }

 private:
  std::future<Buffer> fetch(const Context& context) {
    const std::uint64_t offset = offset_;
    const std::uint64_t size = std::min(kWindow, info_.size - offset);
    offset_ += size;
    return std::async(std::launch::async, [this, offset, size, context] {
      Buffer window(size);
      if (size == 0) return window;
      storage::FetchRequest request{.key = location_.key, .offset = offset, .into = window.span()};
      request.etag = info_.etag;  // an object that is replaced meanwhile must not be spliced
      location_.storage->fetch({&request, 1}, context, {}, {.gap = 0, .max_request = kRequest});
      return window;
    });
  }

  const storage::Location location_;
  const storage::FileInfo info_;
  std::uint64_t offset_ = 0;
  Buffer current_;
  std::future<Buffer> ahead_;  // last: its task uses the others
};

Feed::Producer read_object(storage::Location location, const Context& context) {
  storage::FileInfo info = location.storage->stat(location.key, context);
  const auto windows = std::make_shared<ObjectWindows>(std::move(location), std::move(info));
  return [windows](const Context& until) { return windows->next(until); };
}

Descriptor open_descriptor(const std::string& path, const std::string& name) {
  // Without O_NONBLOCK, opening a FIFO would wait for its writer, deaf to the context.
  Descriptor descriptor(path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                    : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (descriptor.get() < 0) fail_errno(name, errno);
  return descriptor;
}

bool is_regular(const Descriptor& descriptor, const std::string& name) {
  struct stat info {};
  if (::fstat(descriptor.get(), &info) != 0) fail_errno(name, errno);
  if (S_ISDIR(info.st_mode)) {
    throw Error(Errc::invalid_argument, "open", name, "it is a folder, not a file");
  }
  return S_ISREG(info.st_mode);
}

std::string describe(const htsFormat& format) {
  const std::unique_ptr<char, void (*)(void*)> text(hts_format_description(&format), std::free);
  return text ? text.get() : "unknown data";
}

bool holds(const htsFormat& format, Content content) {
  // VCF without its first line, "##fileformat=VCF", is text to htslib.
  if (content == Content::variants) {
    return format.format == vcf || format.format == bcf || format.format == text_format;
  }
  return format.format == sam || format.format == bam || format.format == cram;
}

void check_format(const htsFormat& format, Content content, const std::string& name) {
  const bool alignments = content == Content::alignments;
  const std::string_view remedy =
      alignments ? "give a SAM, BAM or CRAM file" : "give a VCF or BCF file";
  if (format.format == empty_format) {
    throw Error(Errc::corrupt_data, "open", name, "it is empty", remedy);
  }
  if (!holds(format, content)) {
    throw Error(Errc::corrupt_data, "open", name,
                std::string("it is no ") + (alignments ? "alignment" : "variant") +
                    " file but looks like " + describe(format),
                remedy);
  }
  // htslib recognises SAM inside xz but cannot read it, and ends the process when it tries.
  if (format.compression != no_compression && format.compression != gzip &&
      format.compression != bgzf && format.compression != custom) {
    throw Error(Errc::unsupported, "open", name, "it is " + describe(format),
                "decompress it first, or compress it with bgzip");
  }
}

}  // namespace

Input::Input(const std::string& uri, Content content, const storage::Options& options,
             const Context& context)
    : name_(uri == "-" ? "standard input" : uri), content_(content), context_(context) {
  if (is_store_uri(uri)) {
    open_object(storage::locate(uri, options));
  } else {
    open_path(uri);
  }
}

Input::Input(storage::Location location, Content content, const Context& context)
    : content_(content), context_(context) {
  open_object(std::move(location));
}

// The feed first: threads of htslib's that read ahead meet the end of input, and are not waited for
// as long as a pipe gives nothing.
Input::~Input() { feed_.reset(); }

void Input::open_path(const std::string& path) {
  context_.check("open", name_);
  Descriptor descriptor = open_descriptor(path, name_);
  if (!is_regular(descriptor, name_)) {
    feed_ = std::make_unique<Feed>(read_from(std::move(descriptor), name_), context_);
    descriptor = feed_->take_reader();
  }
  open_file(std::move(descriptor));
}

void Input::open_object(storage::Location location) {
  name_ = location.storage->uri(location.key);  // without what secrets the URI that was given holds
  context_.check("open", name_);
  feed_ = std::make_unique<Feed>(read_object(std::move(location), context_), context_);
  open_file(feed_->take_reader());
}

void Input::open_file(Descriptor descriptor) {
  silence_htslib();
  const auto close_stream = [](hFILE* stream) { hclose_abruptly(stream); };
  std::unique_ptr<hFILE, decltype(close_stream)> stream(hdopen(descriptor.get(), "r"));
  if (!stream) fail_errno(name_, errno);
  (void)descriptor.release();
  htsFormat format{};
  // Looked at before htslib opens it: some formats would send htslib to other files, or the
  // network.
  if (hts_detect_format(stream.get(), &format) != 0) {
    const int code = errno;
    if (feed_) feed_->check();
    fail_errno(name_, code);
  }
  if (format.format == empty_format && feed_) feed_->check();
  check_format(format, content_, name_);
  file_.reset(hts_hopen(stream.get(), name_.c_str(), "r"));
  if (!file_) {
    if (feed_) feed_->check();
    throw Error(Errc::corrupt_data, "open", name_, "its first block is damaged",
                "the file is damaged or cut short: make it again");
  }
  stream_ = stream.release();
}

std::uint64_t Input::consumed() const noexcept {
  return static_cast<std::uint64_t>(htell(stream_));
}

void Input::check_reading() const {
  if (feed_) feed_->check();
  context_.check("read", name_);
  if (herrno(stream_) != 0) fail_errno(name_, herrno(stream_));
}

}  // namespace cnf::hts
