// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/sharding.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/storage/page_internal.h"
#include "cnf/core/storage/parallel_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/wrappers.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// Every page asks every shard; so many are asked at once.
constexpr std::size_t kShardsAtOnce = 16;

std::string spell(unsigned value, int bits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  if (bits > 4) text += kDigits[value >> 4U];
  text += kDigits[value & 0xfU];
  return text;
}

// The next entries of one shard, without its prefix.
struct ShardPage {
  std::vector<FileInfo> entries;
  bool last = true;
};

class ShardedStorage final : public KeyMappingStorage {
 public:
  ShardedStorage(std::shared_ptr<Storage> inner, HashSharding sharding)
      : KeyMappingStorage(std::move(inner)), sharding_(sharding) {}

 private:
  [[nodiscard]] std::string inner_key(std::string_view key) const override {
    return sharding_.prefix(key).append("/").append(key);
  }

  [[nodiscard]] std::string do_identity() const override {
    // NOLINTNEXTLINE(bugprone-parent-virtual-call): KeyMappingStorage leaves it pure
    return StorageWrapper::do_identity() + "#sharded-" + std::to_string(sharding_.bits());
  }
  [[nodiscard]] ListPage do_list_page(const ListOptions& options, const std::string& token,
                                      const Context& context) const override;
  [[nodiscard]] std::vector<UnfinishedUpload> do_uploads(std::string_view prefix,
                                                         const Context& context) const override;
  [[nodiscard]] ShardPage shard_page(int shard, const ListOptions& options,
                                     const std::string& after, const Context& context) const;
  [[nodiscard]] bool is_ours(const FileInfo& entry, const std::string& shard,
                             const ListOptions& options) const;

  HashSharding sharding_;
};

// A page is one page of every shard, merged up to where the first of those with more to tell ends:
// keys spread evenly, so that is most of what came, and nothing need be kept between pages.
ListPage ShardedStorage::do_list_page(const ListOptions& options, const std::string& token,
                                      const Context& context) const {
  const std::string& after = listed_up_to(options, token);
  std::vector<ShardPage> shards(static_cast<std::size_t>(sharding_.prefixes()));
  parallel_for(shards.size(), kShardsAtOnce, [&](std::size_t i) {
    shards[i] = shard_page(static_cast<int>(i), options, after, context);
  });

  ListPage page;
  for (const ShardPage& shard : shards) {
    if (shard.last) continue;
    const std::string& end = shard.entries.back().key;
    page.next = page.next.empty() ? end : std::min(page.next, end);
  }
  std::vector<FileInfo> entries;
  for (ShardPage& shard : shards) {
    for (FileInfo& entry : shard.entries) {
      if (page.next.empty() || entry.key <= page.next) entries.push_back(std::move(entry));
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const FileInfo& a, const FileInfo& b) { return a.key < b.key; });
  for (FileInfo& entry : entries) {
    if (!fold(entry.key, options)) {
      page.objects.push_back(std::move(entry));
    } else if (page.prefixes.empty() || page.prefixes.back() != entry.key) {
      page.prefixes.push_back(std::move(entry.key));
    }
  }
  return page;
}

ShardPage ShardedStorage::shard_page(int shard, const ListOptions& options,
                                     const std::string& after, const Context& context) const {
  const std::string name = sharding_.prefix_at(shard);
  const std::string folder = name + '/';
  ListOptions below = options;
  below.prefix = folder + options.prefix;
  below.start_after = after.empty() ? std::string() : folder + after;
  ShardPage result;
  std::string token;
  do {  // a page may be empty and not the last
    // NOLINTNEXTLINE(bugprone-parent-virtual-call): KeyMappingStorage leaves it pure
    ListPage page = StorageWrapper::do_list_page(below, token, context);
    token = page.next;
    for (FileInfo& entry : entries_of(std::move(page))) {
      entry.key.erase(0, folder.size());
      // A store may give the common prefix again in which the last page ended.
      if (entry.key > after && is_ours(entry, name, options)) {
        result.entries.push_back(std::move(entry));
      }
    }
  } while (result.entries.empty() && !token.empty());
  result.last = token.empty();
  return result;
}

std::vector<UnfinishedUpload> ShardedStorage::do_uploads(std::string_view prefix,
                                                         const Context& context) const {
  std::vector<UnfinishedUpload> out;
  for (int shard = 0; shard < sharding_.prefixes(); ++shard) {
    const std::string name = sharding_.prefix_at(shard);
    const std::string folder = name + '/';
    // NOLINTNEXTLINE(bugprone-parent-virtual-call): KeyMappingStorage leaves it pure
    for (auto& upload : StorageWrapper::do_uploads(folder + std::string(prefix), context)) {
      upload.key.erase(0, folder.size());
      if (sharding_.prefix(upload.key) == name) out.push_back(std::move(upload));
    }
  }
  return out;
}

// Other objects may lie in a folder that is named like a shard.
bool ShardedStorage::is_ours(const FileInfo& entry, const std::string& shard,
                             const ListOptions& options) const {
  return fold(entry.key, options) || sharding_.prefix(entry.key) == shard;
}

}  // namespace

HashSharding::HashSharding(int bits) : bits_(bits) {
  if (bits < 4 || bits > 8) {
    throw Error(Errc::invalid_argument, "shard", "keys",
                "sharding bits are " + std::to_string(bits), "give 4 to 8");
  }
}

std::string HashSharding::prefix(std::string_view key) const {
  const auto leading = std::to_integer<unsigned>(sha256(as_bytes(key)).front());
  return spell(leading >> static_cast<unsigned>(8 - bits_), bits_);
}

std::string HashSharding::prefix_at(int index) const {
  return spell(static_cast<unsigned>(index), bits_);
}

std::shared_ptr<Storage> sharded(std::shared_ptr<Storage> inner, HashSharding sharding) {
  return std::make_shared<ShardedStorage>(std::move(inner), sharding);
}

}  // namespace cnf::storage
