// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "cnf/core/storage/block_store_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"

namespace cnf::storage {
namespace {

constexpr std::uint64_t kOverhead = 256;  // of an entry: its name, twice, and the nodes

class MemoryBlocks final : public BlockStore {
 public:
  explicit MemoryBlocks(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}

  [[nodiscard]] std::shared_ptr<const Buffer> get(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) return nullptr;
    newest_first_.splice(newest_first_.begin(), newest_first_, found->second);
    return found->second->bytes;
  }

  void put(std::span<const Entry> entries) override {
    for (const Entry& entry : entries) {
      if (entry.bytes.size() + kOverhead > max_bytes_) continue;
      auto bytes =
          entry.owner ? entry.owner : std::make_shared<const Buffer>(Buffer::copy_of(entry.bytes));
      const std::lock_guard lock(mutex_);
      drop(entry.name);
      used_ += charge(*bytes);
      newest_first_.push_front({entry.name, std::move(bytes)});
      by_name_[entry.name] = newest_first_.begin();
      while (used_ > max_bytes_) drop(std::string(newest_first_.back().name));
    }
  }

  void forget(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    drop(name);
  }

  [[nodiscard]] bool is_usable() const override { return true; }

 private:
  struct Block {
    std::string name;
    std::shared_ptr<const Buffer> bytes;
  };

  static std::uint64_t charge(const Buffer& bytes) { return bytes.capacity() + kOverhead; }

  void drop(const std::string& name) {
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) return;
    used_ -= charge(*found->second->bytes);
    newest_first_.erase(found->second);
    by_name_.erase(found);
  }

  const std::uint64_t max_bytes_;
  std::mutex mutex_;  // guards all below
  std::list<Block> newest_first_;
  std::unordered_map<std::string, std::list<Block>::iterator> by_name_;
  std::uint64_t used_ = 0;
};

}  // namespace

std::string block_name(std::string_view identity) {
  const Sha256Digest digest = sha256(as_bytes(identity));
  return to_hex(std::span(digest).first(16));
}

std::unique_ptr<BlockStore> make_memory_blocks(std::uint64_t max_bytes) {
  return std::make_unique<MemoryBlocks>(max_bytes);
}

}  // namespace cnf::storage
