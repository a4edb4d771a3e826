// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/index/btree.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "cnf/core/compress/integers.h"
#include "cnf/core/index/btree_internal.h"
#include "cnf/core/index/page_internal.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/index/paged_tree_internal.h"  // IWYU pragma: keep: instantiated here
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"

namespace cnf::index {
namespace {

using Bounds = BTreeTraits::Bounds;

std::size_t shared_prefix(std::string_view a, std::string_view b) noexcept {
  const auto [end, other] = std::ranges::mismatch(a, b);
  return static_cast<std::size_t>(std::distance(a.begin(), end));
}

// Keys in order, each as the length of what it shares with the one before and what follows that:
// all shared lengths, all other lengths, then the bytes.
void put_strings(std::span<const std::string> keys, ByteWriter& out) {
  std::vector<std::uint64_t> shared;
  std::vector<std::uint64_t> lengths;
  std::string_view previous;
  for (const std::string& key : keys) {
    shared.push_back(shared_prefix(previous, key));
    lengths.push_back(key.size() - shared.back());
    previous = key;
  }
  compress::put_varints(shared, out);
  compress::put_varints(lengths, out);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    out.put_bytes(as_bytes(std::string_view(keys[i]).substr(shared[i])));
  }
}

std::vector<std::string> get_strings(ByteReader& in, std::size_t count) {
  std::vector<std::uint64_t> shared(count);
  std::vector<std::uint64_t> lengths(count);
  compress::get_varints(in, shared);
  compress::get_varints(in, lengths);
  std::vector<std::string> keys(count);
  std::string_view previous;
  std::size_t total = 0;  // a shared prefix costs its writer nothing, so the sum is bounded here
  for (std::size_t i = 0; i < count; ++i) {
    if (shared[i] > previous.size()) in.fail("a key that shares more than there is");
    const std::string_view rest = as_text(in.get_bytes(lengths[i]));
    total += shared[i] + rest.size();
    if (total > kMaxPageBytes) in.fail("keys that are longer than a page");
    keys[i].reserve(shared[i] + rest.size());
    keys[i].append(previous.substr(0, shared[i])).append(rest);
    if (keys[i] < previous) in.fail("keys that are not in order");
    previous = keys[i];
  }
  return keys;
}

bool is_empty(const KeyRange& range) noexcept { return range.last && *range.last <= range.first; }

// True if the range ends at or before the key. Ends ascend, as the ranges are apart and in order.
bool ends_before(const KeyRange& range, const std::string& key) noexcept {
  return range.last && *range.last <= key;
}

auto first_behind(const std::vector<KeyRange>& wanted, const std::string& key) noexcept {
  return std::ranges::partition_point(
      wanted, [&](const KeyRange& range) { return ends_before(range, key); });
}

}  // namespace

KeyRange KeyRange::exactly(std::string key) {
  std::string next = key;
  next.push_back('\0');  // nothing sorts between a key and it
  return {.first = std::move(key), .last = std::move(next)};
}

KeyRange KeyRange::with_prefix(std::string prefix) {
  std::string next = prefix;
  while (!next.empty() && next.back() == '\xff') next.pop_back();
  KeyRange range{.first = std::move(prefix)};
  if (next.empty()) return range;
  next.back() = static_cast<char>(static_cast<unsigned char>(next.back()) + 1);
  range.last = std::move(next);
  return range;
}

std::string big_endian_key(std::uint64_t number) {
  std::string key(sizeof(number), '\0');
  for (std::size_t i = 0; i < key.size(); ++i) {
    key[i] = static_cast<char>(number >> (8 * (key.size() - 1 - i)));
  }
  return key;
}

std::uint64_t number_of_key(const std::string& key) {
  if (key.size() != sizeof(std::uint64_t)) {
    throw Error(Errc::invalid_argument, "read", "key",
                fmt::format("it has {} bytes, a number has 8", key.size()));
  }
  std::uint64_t number = 0;
  for (const char byte : key) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

void BTreeTraits::Codec::check(const std::string& key, const std::string* previous) {
  if (key.size() > kMaxKeyBytes) {
    throw Error(Errc::invalid_argument, "add to index", "key",
                fmt::format("it has {} bytes, {} is the most", key.size(), kMaxKeyBytes));
  }
  if (previous != nullptr && key < *previous) {
    throw Error(Errc::invalid_argument, "add to index", fmt::format("key '{}'", key),
                fmt::format("it comes after '{}'", *previous), "sort by the keys' bytes");
  }
}

std::size_t BTreeTraits::Codec::size(const std::string& key) noexcept {
  return key.size() + 2 * compress::varint_size(kMaxKeyBytes);
}

std::size_t BTreeTraits::Codec::size(const Bounds& bounds) noexcept {
  return size(bounds.first) + size(bounds.last);
}

void BTreeTraits::Codec::put_keys(std::span<const std::string> keys, ByteWriter& out) {
  put_strings(keys, out);
}

std::vector<std::string> BTreeTraits::Codec::get_keys(ByteReader& in, std::size_t count) {
  return get_strings(in, count);
}

// First and last keys of the children in turn are in order, too.
void BTreeTraits::Codec::put_bounds(std::span<const Bounds> all, ByteWriter& out) {
  std::vector<std::string> keys;
  keys.reserve(2 * all.size());
  for (const Bounds& bounds : all) {
    keys.push_back(bounds.first);
    keys.push_back(bounds.last);
  }
  put_strings(keys, out);
}

std::vector<Bounds> BTreeTraits::Codec::get_bounds(ByteReader& in, std::size_t count) {
  std::vector<std::string> keys = get_strings(in, 2 * count);
  std::vector<Bounds> all(count);
  for (std::size_t i = 0; i < count; ++i) {
    all[i] = {std::move(keys[2 * i]), std::move(keys[2 * i + 1])};
  }
  return all;
}

std::vector<KeyRange> BTreeTraits::Codec::prepare(std::vector<KeyRange> query) {
  std::erase_if(query, is_empty);
  std::ranges::sort(query, {}, &KeyRange::first);
  std::vector<KeyRange> merged;
  for (KeyRange& range : query) {
    if (merged.empty() || ends_before(merged.back(), range.first)) {
      merged.push_back(std::move(range));
    } else if (merged.back().last && (!range.last || *range.last > *merged.back().last)) {
      merged.back().last = std::move(range.last);
    }
  }
  return merged;
}

bool BTreeTraits::Codec::matches(const std::vector<KeyRange>& wanted,
                                 const std::string& key) noexcept {
  const auto found = first_behind(wanted, key);
  return found != wanted.end() && found->first <= key;
}

bool BTreeTraits::Codec::may_match(const std::vector<KeyRange>& wanted,
                                   const Bounds& bounds) noexcept {
  const auto found = first_behind(wanted, bounds.first);
  return found != wanted.end() && found->first <= bounds.last;
}

template class TreeBuilder<BTreeTraits>;
template class Tree<BTreeTraits>;

}  // namespace cnf::index
