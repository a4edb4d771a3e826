// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/place.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "cnf/cli/output.h"
#include "cnf/cli/session.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/storage/keys.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/error.h"

namespace cnf::cli {
namespace {

namespace fs = std::filesystem;

std::string absolute(const std::string& path) {
  return fs::absolute(path).lexically_normal().string();
}

}  // namespace

bool is_manifest(std::string_view key) {
  const std::string_view name = key.substr(key.rfind('/') + 1);  // npos + 1 is 0
  return name == metadata::kManifestKey || name == metadata::kGroupKey;
}

Place::Place(Session& session, std::string uri) : session_(&session), uri_(std::move(uri)) {
  if (uri_.empty()) {
    throw Error(Errc::invalid_argument, "open", "\"\"", "it is empty", "give a path or a URI");
  }
  const std::optional<std::string> local = storage::local_path(uri_);
  const bool has_scheme = !local || *local != uri_;
  const std::size_t mark = has_scheme ? std::min(uri_.find('?'), uri_.size()) : uri_.size();
  std::string path = local ? absolute(*local) : uri_.substr(0, mark);
  if (local) {
    std::error_code error;
    local_folder_ = fs::is_directory(path, error);
  }
  typed_as_folder_ = path.ends_with('/');
  const std::size_t authority = local ? 0 : path.find("://");
  const std::size_t shortest = local || authority == std::string::npos ? 1 : authority + 3;
  while (path.size() > shortest && path.back() == '/') path.pop_back();
  normal_ = (local && has_scheme ? "file:" + storage::key_in_uri(path) : path) + uri_.substr(mark);
  location_ = session.locate(normal_);
}

std::string Place::name() const {
  return location_.key.substr(location_.key.rfind('/') + 1);  // npos + 1 is 0
}

std::optional<storage::FileInfo> Place::object() const {
  if (is_root() || typed_as_folder_ || is_local_folder()) return std::nullopt;
  return location_.storage->try_stat(location_.key, session_->context());
}

storage::FileInfo Place::require_object(std::string_view doing) const {
  if (std::optional<storage::FileInfo> info = object()) return *std::move(info);
  if (is_folder()) {
    throw Error(Errc::invalid_argument, doing, uri_, "it is a folder", "name an object in it");
  }
  nothing_here(doing);
}

const std::shared_ptr<storage::Storage>& Place::folder() const {
  if (!folder_) folder_ = session_->open(normal_);
  return folder_;
}

bool Place::is_folder() const {
  if (local_folder_) return *local_folder_;
  const storage::ListPage page = folder()->list_page({.delimiter = "/"}, {}, session_->context());
  return !page.objects.empty() || !page.prefixes.empty();
}

void Place::nothing_here(std::string_view doing) const {
  throw Error(Errc::not_found, doing, uri_, "there is nothing of this name",
              "cnf ls shows what there is");
}

}  // namespace cnf::cli
