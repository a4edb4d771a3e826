// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "cnf/core/storage/local_file_internal.h"
#include "cnf/core/storage/local_walk_internal.h"
#include "cnf/core/storage/storage.h"

namespace cnf::storage::local {
namespace {

struct CloseFolder {
  void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};
using FolderHandle = std::unique_ptr<DIR, CloseFolder>;

// Whether an entry of a folder is a folder itself; nullopt for what no listing shows.
std::optional<bool> is_folder(DIR* folder, const dirent& entry) {
  const std::string_view name = entry.d_name;
  if (name == "." || name == ".." || name.starts_with(kReservedPrefix)) return std::nullopt;
  if (entry.d_type == DT_REG) return false;
  if (entry.d_type == DT_DIR) return true;
  if (entry.d_type != DT_LNK && entry.d_type != DT_UNKNOWN) return std::nullopt;
  struct stat status {};
  if (::fstatat(::dirfd(folder), entry.d_name, &status, 0) != 0) return std::nullopt;  // dangling
  if (S_ISDIR(status.st_mode)) return true;
  if (S_ISREG(status.st_mode)) return false;
  return std::nullopt;
}

}  // namespace

Walk::Walk(std::string root, std::string_view prefix, std::string after)
    : root_(std::move(root)), after_(std::move(after)) {
  // Only the folder that the prefix leads to is read, and of that only what begins with the rest.
  const std::size_t slash = prefix.rfind('/');
  const std::size_t split = slash == std::string_view::npos ? 0 : slash + 1;
  enter(std::string(prefix.substr(0, split)), prefix.substr(split));
}

std::optional<FileInfo> Walk::next() {
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.names.empty()) {
      levels_.pop_back();
      continue;
    }
    const std::string key = level.folder + level.names.back();
    level.names.pop_back();
    if (key.ends_with('/')) {
      enter(key, {});
      continue;
    }
    struct stat status {};
    const std::string path = root_ + '/' + key;
    if (::stat(path.c_str(), &status) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) continue;  // removed since its folder was read
      throw errno_error(errno, "list", path);
    }
    if (S_ISREG(status.st_mode)) return info_of(key, status);
  }
  return std::nullopt;
}

void Walk::skip(std::string_view prefix) {
  while (!levels_.empty() && levels_.back().folder.starts_with(prefix)) levels_.pop_back();
  if (levels_.empty()) return;
  Level& level = levels_.back();
  while (!level.names.empty() && (level.folder + level.names.back()).starts_with(prefix)) {
    level.names.pop_back();
  }
}

// A folder lies before `after_` if it sorts before it and after_ is not inside.
bool Walk::is_before(std::string_view entry) const {
  return entry <= after_ && !(entry.ends_with('/') && after_.starts_with(entry));
}

void Walk::enter(const std::string& folder, std::string_view name_prefix) {
  const std::string path = root_ + '/' + folder;
  const FolderHandle handle(::opendir(path.c_str()));
  if (!handle) {
    if (errno == ENOENT || errno == ENOTDIR) return;
    throw errno_error(errno, "list", path);
  }
  struct stat status {};
  if (::fstat(::dirfd(handle.get()), &status) != 0) throw errno_error(errno, "list", path);
  Level level{folder, {}, status.st_dev, status.st_ino};
  const auto is_same = [&](const Level& above) {
    return above.device == level.device && above.inode == level.inode;
  };
  if (std::any_of(levels_.begin(), levels_.end(), is_same)) return;  // a link back up

  for (errno = 0; const dirent* entry = ::readdir(handle.get()); errno = 0) {
    const std::optional<bool> is_below = is_folder(handle.get(), *entry);
    if (!is_below) continue;
    std::string name = entry->d_name;
    if (*is_below) name += '/';
    if (!name.starts_with(name_prefix) || is_before(folder + name)) continue;
    level.names.push_back(std::move(name));
  }
  if (errno != 0) throw errno_error(errno, "list", path);
  std::sort(level.names.begin(), level.names.end(), std::greater<>());
  levels_.push_back(std::move(level));
}

}  // namespace cnf::storage::local
