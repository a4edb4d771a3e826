// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/storage/block_store_internal.h"
#include "cnf/core/storage/cache.h"
#include "cnf/core/storage/cache_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/wrappers.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

constexpr std::uint64_t kLeastBlock = 4096;
constexpr std::uint64_t kLargestBlock = std::uint64_t{64} << 20;

class CachedWriter final : public Writer {
 public:
  CachedWriter(std::unique_ptr<Writer> inner, std::shared_ptr<Cache> cache, std::string key)
      : inner_(std::move(inner)), cache_(std::move(cache)), key_(std::move(key)) {}

  void write(ByteSpan bytes) override { inner_->write(bytes); }
  FileInfo commit() override {
    const ForgetAtEnd forget(*cache_, key_);
    return inner_->commit();
  }
  void abort() noexcept override { inner_->abort(); }

  // Whether a change was done or failed: one that failed may be there, or have met another.
  class ForgetAtEnd {
   public:
    ForgetAtEnd(Cache& cache, std::string_view key) : cache_(cache), key_(key) {}
    ~ForgetAtEnd() { cache_.forget(key_); }
    ForgetAtEnd(const ForgetAtEnd&) = delete;
    ForgetAtEnd& operator=(const ForgetAtEnd&) = delete;

   private:
    Cache& cache_;
    std::string_view key_;
  };

 private:
  std::unique_ptr<Writer> inner_;
  std::shared_ptr<Cache> cache_;
  std::string key_;
};

class CachedStorage final : public StorageWrapper, private CacheSource {
 public:
  CachedStorage(std::shared_ptr<Storage> inner, std::shared_ptr<Cache> cache)
      : StorageWrapper(std::move(inner)), cache_(std::move(cache)) {}

 private:
  void do_fetch(std::span<const Transfer> transfers, const Context& context,
                const TransferDone& done) const override {
    fetch_cached(*cache_, *this, transfers, context, done);
  }
  [[nodiscard]] Object do_read(std::string_view key, std::optional<std::uint64_t> tail,
                               std::uint64_t limit, const Context& context) const override;
  [[nodiscard]] std::unique_ptr<Writer> do_create(std::string_view key, const WriteOptions& options,
                                                  const Context& context) override {
    return std::make_unique<CachedWriter>(StorageWrapper::do_create(key, options, context), cache_,
                                          std::string(key));
  }
  void do_remove(std::span<const std::string> keys, const Context& context) override;
  [[nodiscard]] std::optional<FileInfo> do_stat(std::string_view key,
                                                const Context& context) const override;
  FileInfo do_copy(std::string_view from, std::string_view to, const WriteOptions& options,
                   const Context& context) override {
    const CachedWriter::ForgetAtEnd forget(*cache_, to);
    return StorageWrapper::do_copy(from, to, options, context);
  }

  // CacheSource
  void fetch_below(std::span<const Transfer> transfers, const Context& context,
                   const TransferDone& done) const override {
    StorageWrapper::do_fetch(transfers, context, done);
  }
  [[nodiscard]] std::optional<FileInfo> stat_below(std::string_view key,
                                                   const Context& context) const override {
    return StorageWrapper::do_stat(key, context);
  }
  [[nodiscard]] std::string uri_below(std::string_view key) const override { return do_uri(key); }
  [[nodiscard]] std::uint64_t max_request_below() const override {
    return do_read_profile().max_request;
  }

  [[nodiscard]] std::optional<Object> read_known(std::string_view key,
                                                 std::optional<std::uint64_t> tail,
                                                 std::uint64_t limit, const Context& context) const;
  void keep(const Object& object, std::uint64_t changes_before) const;

  std::shared_ptr<Cache> cache_;
};

Object CachedStorage::do_read(std::string_view key, std::optional<std::uint64_t> tail,
                              std::uint64_t limit, const Context& context) const {
  if (is_never_cached(key) || !cache_->blocks().is_usable()) {
    return StorageWrapper::do_read(key, tail, limit, context);
  }
  if (auto object = read_known(key, tail, limit, context)) return *std::move(object);

  const std::uint64_t changes = cache_->changes();
  if (!tail) {
    Object object = StorageWrapper::do_read(key, tail, limit, context);
    object.info.key = key;
    keep(object, changes);
    return object;
  }
  // A block more, so that the first of those wanted is whole, too.
  const std::uint64_t more = std::numeric_limits<std::uint64_t>::max() - cache_->block_size();
  const std::uint64_t asked = std::min(*tail, more) + cache_->block_size();
  Object object = StorageWrapper::do_read(key, asked, asked, context);
  object.info.key = key;
  keep(object, changes);
  const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(*tail, object.bytes.size()));
  if (length > limit) {
    throw Error(Errc::corrupt_data, "read", do_uri(key),
                "it has " + std::to_string(length) + " bytes, more than the " +
                    std::to_string(limit) + " it may have");
  }
  object.bytes = Buffer::copy_of(object.bytes.span().last(length));
  return object;
}

// Nothing if the store must be asked what the present version is.
std::optional<Object> CachedStorage::read_known(std::string_view key,
                                                std::optional<std::uint64_t> tail,
                                                std::uint64_t limit, const Context& context) const {
  std::optional<Cache::Known> known = cache_->known(key);
  if (!known || !known->fresh) return std::nullopt;
  const FileInfo& info = known->info;
  const std::uint64_t length = std::min(tail.value_or(info.size), info.size);
  if (length > limit || length == 0) return std::nullopt;
  Object object{Buffer(length), info};
  const Transfer transfer{.key = key,
                          .etag = info.etag,
                          .offset = info.size - length,
                          .length = length,
                          .pieces = {{0, object.bytes.span()}}};
  std::optional<Error> failure;
  fetch_cached(*cache_, *this, std::span(&transfer, 1), context,
               [&](std::size_t /*only*/, const Error* error) {
                 if (error != nullptr) failure = *error;
               });
  if (!failure) return object;
  if (failure->code() != Errc::corrupt_data && failure->code() != Errc::not_found) {
    throw Error(*failure);
  }
  cache_->forget(key);  // it was replaced or removed
  return std::nullopt;
}

// The blocks that lie in the end of an object that was read, or in all of it.
void CachedStorage::keep(const Object& object, std::uint64_t changes_before) const {
  const FileInfo& info = object.info;
  if (!is_strong(info.etag)) return;
  cache_->note(std::span(&info, 1), changes_before);
  const std::uint64_t size = cache_->block_size();
  const std::uint64_t begin = info.size - object.bytes.size();
  std::vector<BlockStore::Entry> entries;
  for (std::uint64_t number = (begin + size - 1) / size; number * size < info.size; ++number) {
    const auto from = static_cast<std::size_t>(number * size - begin);
    const auto length = static_cast<std::size_t>(std::min(size, info.size - number * size));
    entries.push_back(
        {cache_->name_of_block(info, number), object.bytes.span().subspan(from, length)});
  }
  cache_->blocks().put(entries);
}

void CachedStorage::do_remove(std::span<const std::string> keys, const Context& context) {
  struct ForgetAll {
    ~ForgetAll() {
      for (const std::string& key : keys) cache.forget(key);
    }
    Cache& cache;
    std::span<const std::string> keys;
  };
  const ForgetAll forget{*cache_, keys};
  StorageWrapper::do_remove(keys, context);
}

std::optional<FileInfo> CachedStorage::do_stat(std::string_view key, const Context& context) const {
  const std::uint64_t changes = cache_->changes();
  std::optional<FileInfo> info = StorageWrapper::do_stat(key, context);
  if (is_never_cached(key)) return info;
  if (info) {
    info->key = key;
    cache_->note(std::span(&*info, 1), changes);
  } else {
    cache_->forget(key);
  }
  return info;
}

}  // namespace

std::shared_ptr<Storage> cached(std::shared_ptr<Storage> inner, const CacheOptions& options) {
  if (options.block_size < kLeastBlock || options.block_size > kLargestBlock) {
    throw Error(Errc::invalid_argument, "cache", inner->uri(),
                "blocks have " + std::to_string(options.block_size) + " bytes",
                "give 4 KiB to 64 MiB");
  }
  std::unique_ptr<BlockStore> blocks = options.folder.empty()
                                           ? make_memory_blocks(options.max_bytes)
                                           : make_disk_blocks(options.folder, options.max_bytes);
  auto cache = std::make_shared<Cache>(std::move(blocks), inner->identity(), options.block_size,
                                       options.ttl);
  return std::make_shared<CachedStorage>(std::move(inner), std::move(cache));
}

}  // namespace cnf::storage
