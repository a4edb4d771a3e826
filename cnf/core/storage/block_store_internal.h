// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "cnf/core/util/buffer.h"

namespace cnf::storage {

/// Bytes by name, of which the least recently used are dropped when there is no room. What was put
/// may be gone at any time; what is got is what was put.
/// Threads: every member may be called concurrently.
class BlockStore {
 public:
  /// `owner`, if set, holds `bytes`, and may be kept instead of a copy.
  struct Entry {
    std::string name;
    ByteSpan bytes;
    std::shared_ptr<const Buffer> owner = {};
  };

  virtual ~BlockStore() = default;
  BlockStore() = default;
  BlockStore(const BlockStore&) = delete;
  BlockStore& operator=(const BlockStore&) = delete;

  /// Null if it is not there.
  [[nodiscard]] virtual std::shared_ptr<const Buffer> get(const std::string& name) = 0;
  /// Keeps what there is room for; an entry that exists is replaced.
  virtual void put(std::span<const Entry> entries) = 0;
  virtual void forget(const std::string& name) = 0;
  /// False while nothing can be kept.
  [[nodiscard]] virtual bool is_usable() const = 0;
};

/// A name for whatever `identity` tells from all else: 32 hexadecimal digits.
[[nodiscard]] std::string block_name(std::string_view identity);

[[nodiscard]] std::unique_ptr<BlockStore> make_memory_blocks(std::uint64_t max_bytes);

/// In a folder "cnf-cache-1" of `folder`, which any number of processes may use at once. Every
/// failure of the disk is an absence; after one to write, nothing is kept for 30 s. Names are
/// block_name()s.
[[nodiscard]] std::unique_ptr<BlockStore> make_disk_blocks(const std::filesystem::path& folder,
                                                           std::uint64_t max_bytes);

}  // namespace cnf::storage
