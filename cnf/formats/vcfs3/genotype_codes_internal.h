// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cnf/formats/vcfs3/genotypes.h"

namespace cnf::vcfs3 {

/// Finds strings of a std::string map by view.
struct TextHash {
  // NOLINTNEXTLINE(readability-identifier-naming): the name that the standard looks for
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};

/// Indices of GT texts in a dictionary that grows: order of first appearance.
class GenotypeTexts {
 public:
  /// \param texts  the dictionary; must outlive this, and change by it alone.
  explicit GenotypeTexts(std::vector<std::string>& texts) : texts_(texts) {}

  [[nodiscard]] std::uint32_t index_of(std::string_view text) {
    const auto found = indices_.find(text);
    if (found != indices_.end()) return found->second;
    const auto index = static_cast<std::uint32_t>(texts_.size());
    texts_.emplace_back(text);
    indices_.emplace(texts_.back(), index);
    return index;
  }

 private:
  std::vector<std::string>& texts_;
  std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>> indices_;
};

/// A cache from up to seven bytes to one-byte codes: what is not in it is looked up elsewhere.
///
/// Direct-mapped: a key that meets another's slot takes it. Key 0 is no key.
class CodeCache {
 public:
  static constexpr int kMissing = -1;

  /// \param key  less than 2^56.
  [[nodiscard]] int find(std::uint64_t key) const noexcept {
    const std::uint64_t slot = slots_[slot_of(key)];
    return slot >> 8U == key ? static_cast<int>(slot & 0xffU) : kMissing;
  }
  void put(std::uint64_t key, std::uint8_t code) noexcept {
    slots_[slot_of(key)] = key << 8U | code;
  }

 private:
  static constexpr unsigned kBits = 9;  // 4 KiB: a corner of the first-level cache
  static constexpr std::uint64_t kMultiplier = 0x9e3779b97f4a7c15;  // Knuth's golden ratio
  static std::size_t slot_of(std::uint64_t key) noexcept {
    return static_cast<std::size_t>(key * kMultiplier >> (64U - kBits));
  }
  std::array<std::uint64_t, std::size_t{1} << kBits> slots_{};
};

}  // namespace cnf::vcfs3
