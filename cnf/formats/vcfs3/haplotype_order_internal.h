// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace cnf::vcfs3 {

/// Haplotypes such that those which were alike in the last rows stand side by side: the positional
/// Burrows-Wheeler transform (Durbin 2014, Bioinformatics 30:1266, algorithms 1 and 2).
class HaplotypeOrder {
 public:
  explicit HaplotypeOrder(std::size_t slots)
      : order_(slots), since_(slots + 1), ones_(slots), ones_since_(slots) {
    std::iota(order_.begin(), order_.end(), std::uint32_t{0});
  }

  [[nodiscard]] std::span<const std::uint32_t> order() const noexcept { return order_; }
  /// For how many rows the haplotype at `place` has been like the one before it; 0 for the first
  /// one, and for the place behind the last.
  [[nodiscard]] std::uint32_t match(std::size_t place) const noexcept {
    return rows_ - since_[place];
  }

  /// Sorts by one row more. \param bits  0 or 1 by place.
  void advance(std::span<const std::uint8_t> bits) noexcept {
    ++rows_;
    std::size_t zeros = 0, ones = 0;
    std::uint32_t zero_since = rows_, one_since = rows_;  // nothing is before the first of either
    for (std::size_t place = 0; place < order_.size(); ++place) {
      zero_since = std::max(zero_since, since_[place]);
      one_since = std::max(one_since, since_[place]);
      if (bits[place] == 0) {
        order_[zeros] = order_[place];
        since_[zeros++] = std::exchange(zero_since, 0);
      } else {
        ones_[ones] = order_[place];
        ones_since_[ones++] = std::exchange(one_since, 0);
      }
    }
    std::copy_n(ones_.begin(), ones, order_.begin() + static_cast<std::ptrdiff_t>(zeros));
    std::copy_n(ones_since_.begin(), ones, since_.begin() + static_cast<std::ptrdiff_t>(zeros));
    since_.back() = rows_;
  }

 private:
  std::uint32_t rows_ = 0;
  std::vector<std::uint32_t> order_, since_;
  std::vector<std::uint32_t> ones_, ones_since_;  // of the row that is being sorted by
};

}  // namespace cnf::vcfs3
