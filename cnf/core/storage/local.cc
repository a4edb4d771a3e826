// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/local.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "cnf/core/storage/keys.h"
#include "cnf/core/storage/local_file_internal.h"
#include "cnf/core/storage/local_read_internal.h"
#include "cnf/core/storage/local_walk_internal.h"
#include "cnf/core/storage/local_writer_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/page_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// A page begins with the folders that lead to it being read anew, so it is longer than S3's.
constexpr std::size_t kPageEntries = 10'000;
constexpr std::string_view kReservedSegment = "/.cnf-";

std::string without_slash(std::string path) {
  while (path.ends_with('/')) path.pop_back();
  return path;
}

class LocalStorage final : public Storage {
 public:
  LocalStorage(const std::filesystem::path& root, const Options& options)
      : shown_(root.string()),
        root_(without_slash(std::filesystem::absolute(root).string())),
        durability_(options.durability),
        concurrency_(options.concurrency) {
    if (shown_.size() > 1) shown_ = without_slash(std::move(shown_));
  }

 private:
  [[nodiscard]] std::string do_uri(std::string_view key) const override {
    return shown_.ends_with('/') ? shown_ + std::string(key) : join_key(shown_, key);
  }
  [[nodiscard]] std::string do_identity() const override { return "file:" + root_; }
  [[nodiscard]] ReadProfile do_read_profile() const override { return local::kReadProfile; }

  void do_fetch(std::span<const Transfer> transfers, const Context& context,
                const TransferDone& done) const override {
    const auto path_of = [this](std::string_view key) { return path("read", key); };
    local::read_transfers(transfers, path_of, concurrency_, context, done);
  }

  [[nodiscard]] Object do_read(std::string_view key, std::optional<std::uint64_t> tail,
                               std::uint64_t limit, const Context& context) const override {
    return local::read_object(path("read", key), tail, limit, context);
  }

  [[nodiscard]] std::unique_ptr<Writer> do_create(std::string_view key, const WriteOptions& options,
                                                  const Context& context) override {
    const std::string target = path("create", key);
    const std::size_t slash = target.rfind('/');
    return std::make_unique<local::LocalWriter>(
        local::LocalWriter::Target{slash == 0 ? "/" : target.substr(0, slash),
                                   target.substr(slash + 1), do_uri(key)},
        options.condition, durability_, context);
  }

  [[nodiscard]] ListPage do_list_page(const ListOptions& options, const std::string& token,
                                      const Context& context) const override;
  void do_remove(std::span<const std::string> keys, const Context& context) override;
  void remove_one(const std::string& key, const Context& context) const;
  [[nodiscard]] std::optional<FileInfo> do_stat(std::string_view key,
                                                const Context& context) const override;

  // Keys have no "." or ".." segments (Storage sees to that), so this never leaves the root.
  [[nodiscard]] std::string path(std::string_view doing, std::string_view key) const {
    std::string path(root_);
    path.append("/").append(key);
    if (path.find(kReservedSegment, root_.size()) != std::string::npos) {
      throw Error(Errc::invalid_argument, doing, do_uri(key),
                  "on a disk, names that begin with '.cnf-' are the store's own");
    }
    return path;
  }

  std::string shown_;  // as it was given
  std::string root_;   // absolute, without '/' at the end
  Options::Durability durability_;
  unsigned concurrency_;
};

ListPage LocalStorage::do_list_page(const ListOptions& options, const std::string& token,
                                    const Context& context) const {
  context.accounting().add_request(RequestKind::list);
  PageBuilder page(options, token, kPageEntries);
  local::Walk walk(root_, options.prefix, page.after());
  while (std::optional<FileInfo> info = walk.next()) {
    context.check("list", shown_);
    switch (page.see(info->key)) {
      case PageBuilder::Step::object:
        page.add(*std::move(info));
        break;
      case PageBuilder::Step::folded:
        walk.skip(page.folded_into());
        break;
      case PageBuilder::Step::before:
        break;
      case PageBuilder::Step::full:
        return page.take();
    }
  }
  return page.take();
}

void LocalStorage::do_remove(std::span<const std::string> keys, const Context& context) {
  for (const std::string& key : keys) {
    context.check("remove", shown_);
    context.accounting().add_request(RequestKind::remove);
    remove_one(key, context);
  }
}

void LocalStorage::remove_one(const std::string& key, const Context& context) const {
  const std::string target = path("remove", key);
  const std::size_t slash = target.rfind('/');
  const std::string folder_path = slash == 0 ? "/" : target.substr(0, slash);
  {
    const local::FileDescriptor folder = local::open_folder(folder_path, do_uri(key));
    if (!folder) return;
    const local::FolderLock lock(folder, do_uri(key), context);
    if (::unlinkat(folder.get(), target.c_str() + slash + 1, 0) != 0) {
      // A folder of that name is not the object.
      if (errno == ENOENT || errno == EISDIR) return;
      throw local::errno_error(errno, "remove", do_uri(key));
    }
  }
  const std::size_t below_root = key.find('/');
  if (below_root == std::string::npos) return;
  local::prune_folders(folder_path, path("remove", std::string_view(key).substr(0, below_root)));
}

std::optional<FileInfo> LocalStorage::do_stat(std::string_view key, const Context& context) const {
  context.accounting().add_request(RequestKind::head);
  struct stat status {};
  if (::stat(path("stat", key).c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw local::errno_error(errno, "stat", do_uri(key));
  }
  if (!S_ISREG(status.st_mode)) return std::nullopt;
  return local::info_of(key, status);
}

}  // namespace

std::shared_ptr<Storage> open_local(const std::filesystem::path& root, const Options& options) {
  return std::make_shared<LocalStorage>(root, options);
}

}  // namespace cnf::storage
