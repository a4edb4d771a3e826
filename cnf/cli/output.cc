// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/output.h"

#include <algorithm>
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
  const std::optional<std::string> path = local_path(target);
  std::error_code error;
  if (!path || !fs::is_symlink(*path, error)) return target;
  const fs::path real = fs::canonical(*path, error);
  return error ? target : real.string();
}

int hex_value(char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  return static_cast<int>(kDigits.find(static_cast<char>(c | 0x20)));
}

// What stands behind "file:", without authority and query, percent-decoded. What is malformed stays
// as it is: the store's own reading of the URI refuses it.
std::string path_of_file_uri(std::string_view rest) {
  if (rest.starts_with("//")) rest.remove_prefix(std::min(rest.find('/', 2), rest.size()));
  rest = rest.substr(0, rest.find('?'));
  std::string path;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const int high = rest[i] == '%' && i + 2 < rest.size() ? hex_value(rest[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(rest[i + 2]) : -1;
    path += low >= 0 ? static_cast<char>(high * 16 + low) : rest[i];
    if (low >= 0) i += 2;
  }
  return path;
}

}  // namespace

std::optional<std::string> local_path(std::string_view uri) {
  const auto has_scheme = [uri](std::string_view scheme) {
    const auto same = [](char a, char b) { return (a | 0x20) == b || a == b; };
    return uri.size() >= scheme.size() &&
           std::equal(scheme.begin(), scheme.end(), uri.begin(),
                      [&](char want, char have) { return same(have, want); });
  };
  if (has_scheme("file:")) return path_of_file_uri(uri.substr(5));
  if (uri.find("://") != std::string_view::npos || has_scheme("memory:")) return std::nullopt;
  return std::string(uri);
}

bool is_special_file(const std::string& uri) {
  const std::optional<std::string> path = local_path(uri);
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
    pipe_.emplace(Pipe::open_for_writing(*local_path(target)));
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
