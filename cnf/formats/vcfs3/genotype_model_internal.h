// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cnf/core/compress/range_coder.h"
#include "cnf/formats/vcfs3/genotype_shapes_internal.h"
#include "cnf/formats/vcfs3/haplotype_order_internal.h"

namespace cnf::vcfs3 {

/// A record's genotypes as a tile has them.
struct GenotypeRow {
  std::vector<std::uint32_t> shapes = {};  ///< Per sample.
  /// Per slot, which is sample × max_ploidy + place in the text; 0 where the shape has none.
  std::vector<std::uint8_t> alleles = {};
  std::uint8_t max_allele = 0;
};

/// What the bits of a tile mean, and with which probability each is coded: SPEC.md, "Genotype
/// tile". One text for writing and for reading: `Coder` is a RangeEncoder, which writes the bits
/// of the row it is given, or a RangeDecoder, which does not look at the row and fills it.
template <typename Coder>
class GenotypeModel {
 public:
  GenotypeModel(Coder& coder, std::span<const GenotypeShape> shapes, std::size_t samples)
      : coder_(coder),
        shapes_(shapes),
        ploidy_(max_ploidy(shapes)),
        slots_(samples * ploidy_),
        order_(slots_),
        previous_(samples),
        before_(samples),
        eligible_(slots_, 1),
        plane_(slots_),
        bits_(slots_),
        single_(std::bit_ceil(std::max<std::size_t>(slots_, 1))) {
    for (const GenotypeShape& shape : shapes) all_full_ &= shape.ploidy == ploidy_;
  }

  [[nodiscard]] std::size_t slots() const noexcept { return slots_; }

  void code(GenotypeRow& row) {
    if (shapes_.size() > 1) code_shapes(row);
    if (slots_ == 0) return;
    if (!all_full_) find_eligible(row);
    code_max_allele(row);
    for (std::uint8_t allele = 1; allele <= row.max_allele; ++allele) code_plane(row, allele);
    if (all_full_ && row.max_allele > 1) std::ranges::fill(eligible_, std::uint8_t{1});
  }

 private:
  using Bit = compress::AdaptiveBit;
  // How soon contexts forget: rows' counts change along a contig, neighbours' likeness hardly.
  static constexpr unsigned kRowLimit = 60;
  static constexpr unsigned kCellLimit = 255;
  static constexpr std::size_t kPlainShapes = 7;  // coded by one tree, later ones by their rank
  static constexpr std::size_t kExact = 8;        // counts up to this one are told exactly
  static constexpr std::size_t kBuckets = 64;
  static constexpr unsigned kMatchClasses = 12;

  bool bit(Bit& context, bool value, unsigned limit) { return coder_.code(context, value, limit); }

  /// A number below 2^bits by a tree of contexts, 2^bits of them.
  std::size_t number(std::span<Bit> tree, std::size_t value, unsigned bits, unsigned limit) {
    std::size_t node = 1;
    for (unsigned i = bits; i-- > 0;) {
      node = node * 2 + (bit(tree[node], (value >> i & 1U) != 0, limit) ? 1 : 0);
    }
    return node - (std::size_t{1} << bits);
  }

  void code_shapes(GenotypeRow& row) {
    // The row before tells most: the same shapes again, or one shape for all.
    bool same = std::ranges::equal(row.shapes, previous_);
    same = bit(same_shapes_, same, kRowLimit);
    if (same) {
      std::ranges::copy(previous_, row.shapes.begin());
    } else {
      std::size_t left = 0;
      for (std::size_t sample = 0; sample < row.shapes.size(); ++sample) {
        const std::size_t context = (std::min<std::size_t>(previous_[sample], 3) * 4 +
                                     std::min<std::size_t>(before_[sample], 3)) *
                                        4 +
                                    std::min<std::size_t>(left, 3);
        left = code_shape(shape_trees_[context], row.shapes[sample]);
        row.shapes[sample] = static_cast<std::uint32_t>(left);
      }
    }
    std::swap(before_, previous_);
    previous_ = row.shapes;
  }

  std::size_t code_shape(std::span<Bit> tree, std::size_t shape) {
    const std::size_t plain = number(tree, std::min(shape, kPlainShapes), 3, kCellLimit);
    const std::size_t last = shapes_.size() - 1;  // what the bits say may be more
    if (plain < kPlainShapes) return std::min(plain, last);
    // Elias' gamma code of the rank + 1: its bits in unary, then all but the first of them.
    const std::size_t rank = shape - kPlainShapes + 1;
    const auto width = static_cast<unsigned>(std::bit_width(rank));
    unsigned bits = 1;
    while (bits < kMaxRankBits && bit(rank_width_[bits], width > bits, kCellLimit)) ++bits;
    std::size_t value = 1;
    for (unsigned i = bits - 1; i-- > 0;) {
      value = value * 2 + (coder_.code_even((rank >> i & 1U) != 0) ? 1 : 0);
    }
    return std::min(kPlainShapes + value - 1, last);
  }

  void find_eligible(const GenotypeRow& row) {
    std::size_t slot = 0;
    for (const std::uint32_t shape : row.shapes) {
      for (std::size_t i = 0; i < ploidy_; ++i) {
        eligible_[slot++] = i < shapes_[shape].ploidy ? 1 : 0;
      }
    }
  }

  void code_max_allele(GenotypeRow& row) {
    std::uint8_t coded = 0;
    while (coded < kMaxAllele) {
      Bit& context = more_alleles_[std::min<std::size_t>(coded, 3)][before_max_];
      if (!bit(context, row.max_allele > coded, kRowLimit)) break;
      ++coded;
    }
    row.max_allele = coded;
    before_max_ = (before_max_ * 2 + (coded > 0 ? 1 : 0)) % more_alleles_[0].size();
  }

  /// Which of the eligible slots have `allele`; those are not eligible for the next one.
  void code_plane(GenotypeRow& row, std::uint8_t allele) {
    std::size_t all = 0, ones = 0;
    for (std::size_t slot = 0; slot < slots_; ++slot) {
      plane_[slot] = row.alleles[slot] == allele ? 1 : 0;
      all += eligible_[slot];
      ones += plane_[slot];
    }
    const bool most = bit(most_have_, ones * 2 > all, kRowLimit);
    const std::size_t few = most ? all - ones : ones;  // the rarer bit; unknown when reading
    const std::size_t bucket = number(std::span(buckets_).subspan(most ? kBuckets : 0, kBuckets),
                                      bucket_of(few), 6, kRowLimit);
    if (bucket == 1) {
      code_single(most);
    } else if (bucket > 1) {
      code_bits(bucket, most);
    } else if (most) {
      for (std::size_t slot = 0; slot < slots_; ++slot) plane_[slot] = eligible_[slot];
    } else {
      return;
    }
    const bool last = allele == row.max_allele;
    for (std::size_t slot = 0; slot < slots_; ++slot) {
      if (plane_[slot] == 0) continue;
      row.alleles[slot] = allele;
      if (!last) eligible_[slot] = 0;
    }
  }

  /// 0 to kExact for themselves, then two for each power of two.
  static std::size_t bucket_of(std::size_t count) noexcept {
    if (count <= kExact) return count;
    const auto width = static_cast<unsigned>(std::bit_width(count - 1));  // 4 or more
    const std::size_t half = (count - 1) >> (width - 2U) & 1U;
    return std::min<std::size_t>(kExact + 1 + (width - 4U) * 2 + half, kBuckets - 1);
  }

  /// The one slot that is unlike the others.
  void code_single(bool most) {
    std::size_t which = 0;
    while (which + 1 < slots_ && (eligible_[which] == 0 || (plane_[which] != 0) == most)) ++which;
    const auto bits = static_cast<unsigned>(std::bit_width(single_.size() - 1));
    which = std::min(number(single_, which, bits, kRowLimit), slots_ - 1);
    for (std::size_t slot = 0; slot < slots_; ++slot) {
      plane_[slot] = eligible_[slot] != 0 && (slot == which) != most ? 1 : 0;
    }
  }

  static unsigned match_class(std::uint32_t match) noexcept {
    return std::min(static_cast<unsigned>(std::bit_width(match)), kMatchClasses - 1);
  }

  /// Slot by slot in the haplotypes' order: how the one or two before it have decided, and for how
  /// long it was like them, tells much of each.
  void code_bits(std::size_t bucket, bool most) {
    std::size_t left_to_find = bucket <= kExact ? bucket : slots_ + 1;
    const std::span<const std::uint32_t> order = order_.order();
    unsigned left = 0, second = 0;
    unsigned match = 0;
    for (std::size_t place = 0; place < slots_; ++place) {
      const std::size_t slot = order[place];
      const unsigned next_match = match_class(order_.match(place + 1));
      unsigned value = left;  // of a slot without an allele: as its neighbour
      if (eligible_[slot] != 0) {
        value = 0;
        if (left_to_find > 0) {
          const std::size_t context =
              ((bucket * 4 + left * 2 + second) * 16 + match) * 2 + (next_match > match ? 1 : 0);
          value = bit(cells_[context], (plane_[slot] != 0) != most, kCellLimit) ? 1 : 0;
          left_to_find -= value;
        }
        plane_[slot] = static_cast<std::uint8_t>(value ^ (most ? 1U : 0U));
      } else {
        plane_[slot] = 0;
      }
      bits_[place] = static_cast<std::uint8_t>(value);
      second = left;
      left = value;
      match = next_match;
    }
    order_.advance(bits_);
  }

  static constexpr unsigned kMaxRankBits = 32;

  Coder& coder_;
  const std::span<const GenotypeShape> shapes_;
  const std::size_t ploidy_;
  const std::size_t slots_;
  bool all_full_ = true;  // every slot of every cell has an allele
  HaplotypeOrder order_;
  std::vector<std::uint32_t> previous_, before_;  // shapes of the last two rows
  std::size_t before_max_ = 0;                    // which of the last rows had an ALT allele
  std::vector<std::uint8_t> eligible_;            // by slot: what is not known yet
  std::vector<std::uint8_t> plane_;               // by slot
  std::vector<std::uint8_t> bits_;                // by place in the order

  Bit same_shapes_;
  std::array<std::array<Bit, kPlainShapes + 1>, 64> shape_trees_ = {};
  std::array<Bit, kMaxRankBits> rank_width_ = {};
  std::array<std::array<Bit, 8>, 4> more_alleles_ = {};
  Bit most_have_;
  std::array<Bit, 2 * kBuckets> buckets_ = {};
  std::vector<Bit> single_;
  std::array<Bit, kBuckets* 128> cells_ = {};
};

}  // namespace cnf::vcfs3
