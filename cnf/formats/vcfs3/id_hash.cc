// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/id_hash.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace cnf::vcfs3 {
namespace {

constexpr unsigned kSpareBits = 4;       // beyond those that number the IDs
constexpr unsigned kBitsWithinKey = 13;  // so that a key has 2^(13 - 4) rows at most, on average

}  // namespace

// FNV-1a of 64 bits (draft-eastlake-fnv), then the finalizer of MurmurHash3: FNV alone leaves the
// first bits of short texts alike, and they are what is kept.
std::uint64_t hash_id(std::string_view id) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  hash = (hash ^ hash >> 33U) * 0xff51afd7ed558ccdU;
  hash = (hash ^ hash >> 33U) * 0xc4ceb9fe1a85ec53U;
  return hash ^ hash >> 33U;
}

IdBits IdBits::for_count(std::uint64_t ids) noexcept {
  return of(std::min(64U, static_cast<unsigned>(std::bit_width(ids)) + kSpareBits));
}

IdBits IdBits::of(unsigned kept) noexcept {
  return {.kept = kept, .key = kept > kBitsWithinKey ? kept - kBitsWithinKey : 0};
}

std::uint64_t IdBits::kept_of(std::uint64_t hash) const noexcept { return hash >> (64 - kept); }
std::uint64_t IdBits::key_of(std::uint64_t hash) const noexcept {
  return kept_of(hash) >> (kept - key);
}

std::vector<std::string_view> split_ids(std::string_view column) {
  std::vector<std::string_view> ids;
  while (true) {
    const std::size_t end = column.find(';');
    const std::string_view id = column.substr(0, end);
    if (!id.empty() && id != ".") ids.push_back(id);
    if (end == std::string_view::npos) return ids;
    column.remove_prefix(end + 1);
  }
}

}  // namespace cnf::vcfs3
