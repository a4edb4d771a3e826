// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cnf/core/storage/block_store_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"

namespace cnf::storage {

/// True if what is under this key is never kept: see cache.h.
[[nodiscard]] bool is_never_cached(std::string_view key);
/// True for an ETag that tells one version's bytes from all others'.
[[nodiscard]] bool is_strong(std::string_view etag);

/// A block that one of several threads gets for all of them.
class Flight {
 public:
  /// Null if whoever was to get it failed.
  void land(std::shared_ptr<const Buffer> bytes);

  struct Outcome {
    bool landed = false;  ///< False if the context ended the wait.
    std::shared_ptr<const Buffer> bytes;
  };
  [[nodiscard]] Outcome wait(const Context& context);

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool landed_ = false;                  // guarded by mutex_
  std::shared_ptr<const Buffer> bytes_;  // guarded by mutex_
};

/// What is known of one store's objects, and their blocks; shared with writers, which may outlive
/// the store. Threads: every member may be called concurrently.
class Cache {
 public:
  /// \param identity  Storage::identity() of the store whose objects these are.
  Cache(std::unique_ptr<BlockStore> blocks, std::string identity, std::uint64_t block_size,
        std::chrono::milliseconds ttl);

  [[nodiscard]] std::uint64_t block_size() const noexcept { return block_size_; }
  [[nodiscard]] BlockStore& blocks() const noexcept { return *blocks_; }
  [[nodiscard]] std::string name_of_block(const FileInfo& info, std::uint64_t number) const;

  struct Known {
    FileInfo info;
    bool fresh = false;  ///< The store said so less than the time to live ago.
  };
  /// The version that was the present one when the store was asked last.
  [[nodiscard]] std::optional<Known> known(std::string_view key) const;

  /// Changes that were made through this process so far: what the store is asked now is only noted
  /// if there is no other by then.
  [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }
  void note(std::span<const FileInfo> infos, std::uint64_t changes_before);
  /// The object is not what it was.
  void forget(std::string_view key);

  struct Claim {
    std::shared_ptr<Flight> flight;
    bool is_ours = false;  ///< To be landed, and then ended with end().
  };
  /// Whoever asks first for a block gets it for all that ask until end().
  [[nodiscard]] Claim claim(const std::string& block);
  void end(const std::string& block);

 private:
  [[nodiscard]] std::string name_of_info(std::string_view key) const;

  const std::unique_ptr<BlockStore> blocks_;
  const std::string identity_;
  const std::uint64_t block_size_;
  const std::chrono::milliseconds ttl_;
  std::atomic<std::uint64_t> changes_{0};
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights_;  // guarded by mutex_
};

/// What a cached read asks of the store that it stands before.
class CacheSource {
 public:
  virtual ~CacheSource() = default;
  virtual void fetch_below(std::span<const Transfer> transfers, const Context& context,
                           const TransferDone& done) const = 0;
  [[nodiscard]] virtual std::optional<FileInfo> stat_below(std::string_view key,
                                                           const Context& context) const = 0;
  [[nodiscard]] virtual std::string uri_below(std::string_view key) const = 0;
  [[nodiscard]] virtual std::uint64_t max_request_below() const = 0;
};

/// One call of do_fetch() through a cache. Calls `done` once for each transfer.
void fetch_cached(Cache& cache, const CacheSource& source, std::span<const Transfer> transfers,
                  const Context& context, const TransferDone& done);

}  // namespace cnf::storage
