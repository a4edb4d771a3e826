// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/output.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "cnf/cli/pipes.h"
#include "cnf/cli/session.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kGather = std::size_t{256} << 10;

// A link is followed, so that the file it names is replaced and not the link.
std::string followed(const std::string& target) {
  const std::optional<std::string> path = storage::local_path(target);
  std::error_code error;
  if (!path || !fs::is_symlink(*path, error)) return target;
  const fs::path real = fs::canonical(*path, error);
  return error ? target : real.string();
}

}  // namespace

bool is_special_file(const std::string& uri) {
  const std::optional<std::string> path = storage::local_path(uri);
  if (!path) return false;
  std::error_code error;
  const fs::file_status status = fs::status(*path, error);
  return fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status);
}

Output::Output(Session& session, const std::string& target, const storage::WriteOptions& options)
    : context_(session.context()) {
  if (target == "-") {
    pipe_.emplace(Pipe::standard_output());
  } else if (is_special_file(target)) {
    pipe_.emplace(Pipe::open_for_writing(*storage::local_path(target)));
  } else {
    const storage::Location place = session.locate(followed(target));
    if (place.key.empty() || place.key.back() == '/') {
      throw Error(Errc::invalid_argument, "write", target, "it is a folder", "name a file in it");
    }
    writer_ = place.storage->create(place.key, options, context_);
  }
  unbuffered_ = pipe_ && pipe_->is_terminal();
  if (unbuffered_) session.stop_drawing();
}

Output::~Output() {
  if (writer_) writer_->abort();
}

void Output::write(ByteSpan bytes) {
  if (gathered_.size() + bytes.size() >= kGather) {
    flush();
    if (bytes.size() >= kGather) {
      pipe_ ? pipe_->write(bytes, context_) : writer_->write(bytes);
      return;
    }
  }
  gathered_.append(bytes);
  if (unbuffered_) flush();
}

void Output::line(std::string_view text) { write(std::string(text) + "\n"); }

void Output::commit() {
  flush();
  if (writer_) writer_->commit();
  writer_.reset();
}

void Output::flush() {
  if (gathered_.empty()) return;
  pipe_ ? pipe_->write(gathered_.span(), context_) : writer_->write(gathered_.span());
  gathered_.clear();
}

}  // namespace cnf::cli
