// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/wrappers.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/storage/keys.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"

namespace cnf::storage {

std::string StorageWrapper::do_uri(std::string_view key) const { return inner_->do_uri(key); }

std::string StorageWrapper::do_identity() const { return inner_->do_identity(); }

ReadProfile StorageWrapper::do_read_profile() const { return inner_->do_read_profile(); }

const PriceTable& StorageWrapper::do_prices() const { return inner_->do_prices(); }

void StorageWrapper::do_fetch(std::span<const Transfer> transfers, const Context& context,
                              const TransferDone& done) const {
  inner_->do_fetch(transfers, context, done);
}

Object StorageWrapper::do_read(std::string_view key, std::optional<std::uint64_t> tail,
                               std::uint64_t limit, const Context& context) const {
  return inner_->do_read(key, tail, limit, context);
}

std::unique_ptr<Writer> StorageWrapper::do_create(std::string_view key, const WriteOptions& options,
                                                  const Context& context) {
  return inner_->do_create(key, options, context);
}

ListPage StorageWrapper::do_list_page(const ListOptions& options, const std::string& token,
                                      const Context& context) const {
  return inner_->do_list_page(options, token, context);
}

void StorageWrapper::do_remove(std::span<const std::string> keys, const Context& context) {
  inner_->do_remove(keys, context);
}

std::optional<FileInfo> StorageWrapper::do_stat(std::string_view key,
                                                const Context& context) const {
  return inner_->do_stat(key, context);
}

FileInfo StorageWrapper::do_copy(std::string_view from, std::string_view to,
                                 const WriteOptions& options, const Context& context) {
  return inner_->do_copy(from, to, options, context);
}

std::vector<UnfinishedUpload> StorageWrapper::do_uploads(std::string_view prefix,
                                                         const Context& context) const {
  return inner_->do_uploads(prefix, context);
}

void StorageWrapper::do_abort_uploads(std::span<const UnfinishedUpload> uploads,
                                      const Context& context) {
  inner_->do_abort_uploads(uploads, context);
}

std::string KeyMappingStorage::do_uri(std::string_view key) const {
  return key.empty() ? StorageWrapper::do_uri({}) : StorageWrapper::do_uri(inner_key(key));
}

void KeyMappingStorage::do_fetch(std::span<const Transfer> transfers, const Context& context,
                                 const TransferDone& done) const {
  std::vector<std::string> keys;
  keys.reserve(transfers.size());  // the transfers below hold views of them
  std::vector<Transfer> mapped(transfers.begin(), transfers.end());
  for (Transfer& transfer : mapped) {
    keys.push_back(inner_key(transfer.key));
    transfer.key = keys.back();
  }
  StorageWrapper::do_fetch(mapped, context, done);
}

Object KeyMappingStorage::do_read(std::string_view key, std::optional<std::uint64_t> tail,
                                  std::uint64_t limit, const Context& context) const {
  return StorageWrapper::do_read(inner_key(key), tail, limit, context);
}

std::unique_ptr<Writer> KeyMappingStorage::do_create(std::string_view key,
                                                     const WriteOptions& options,
                                                     const Context& context) {
  return StorageWrapper::do_create(inner_key(key), options, context);
}

void KeyMappingStorage::do_remove(std::span<const std::string> keys, const Context& context) {
  std::vector<std::string> mapped;
  mapped.reserve(keys.size());
  for (const std::string& key : keys) mapped.push_back(inner_key(key));
  StorageWrapper::do_remove(mapped, context);
}

std::optional<FileInfo> KeyMappingStorage::do_stat(std::string_view key,
                                                   const Context& context) const {
  return StorageWrapper::do_stat(inner_key(key), context);
}

FileInfo KeyMappingStorage::do_copy(std::string_view from, std::string_view to,
                                    const WriteOptions& options, const Context& context) {
  return StorageWrapper::do_copy(inner_key(from), inner_key(to), options, context);
}

void KeyMappingStorage::do_abort_uploads(std::span<const UnfinishedUpload> uploads,
                                         const Context& context) {
  std::vector<UnfinishedUpload> mapped(uploads.begin(), uploads.end());
  for (UnfinishedUpload& upload : mapped) upload.key = inner_key(upload.key);
  StorageWrapper::do_abort_uploads(mapped, context);
}

namespace {

class PrefixedStorage final : public KeyMappingStorage {
 public:
  PrefixedStorage(std::shared_ptr<Storage> inner, std::string prefix)
      : KeyMappingStorage(std::move(inner)), prefix_(std::move(prefix)) {}

 private:
  [[nodiscard]] std::string inner_key(std::string_view key) const override {
    return join_key(prefix_, key);
  }
  [[nodiscard]] std::string do_uri(std::string_view key) const override {
    // NOLINTNEXTLINE(bugprone-parent-virtual-call): the root's URI has the prefix too
    return StorageWrapper::do_uri(inner_key(key));
  }
  [[nodiscard]] std::string do_identity() const override {
    // NOLINTNEXTLINE(bugprone-parent-virtual-call): KeyMappingStorage leaves it pure
    return join_key(StorageWrapper::do_identity(), prefix_);
  }

  [[nodiscard]] ListPage do_list_page(const ListOptions& options, const std::string& token,
                                      const Context& context) const override {
    ListOptions below = options;
    below.prefix = prefix_ + '/' + options.prefix;
    if (!options.start_after.empty()) below.start_after = inner_key(options.start_after);
    // NOLINTNEXTLINE(bugprone-parent-virtual-call): KeyMappingStorage leaves it pure
    ListPage page = StorageWrapper::do_list_page(below, token, context);
    for (FileInfo& info : page.objects) info.key.erase(0, prefix_.size() + 1);
    for (std::string& prefix : page.prefixes) prefix.erase(0, prefix_.size() + 1);
    return page;
  }

  [[nodiscard]] std::vector<UnfinishedUpload> do_uploads(std::string_view prefix,
                                                         const Context& context) const override {
    // NOLINTNEXTLINE(bugprone-parent-virtual-call): KeyMappingStorage leaves it pure
    auto uploads = StorageWrapper::do_uploads(prefix_ + '/' + std::string(prefix), context);
    for (UnfinishedUpload& upload : uploads) upload.key.erase(0, prefix_.size() + 1);
    return uploads;
  }

  std::string prefix_;
};

}  // namespace

std::shared_ptr<Storage> prefixed(std::shared_ptr<Storage> inner, std::string prefix) {
  if (prefix.ends_with('/')) prefix.pop_back();
  if (prefix.empty()) return inner;
  check_key("open", prefix, inner->uri());
  return std::make_shared<PrefixedStorage>(std::move(inner), std::move(prefix));
}

}  // namespace cnf::storage
