// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cnf/core/compress/bit_mixer.h"
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
        sorted_(ploidy_ == 2 && shapes[0] == GenotypeShape{.ploidy = 2}),
        order_(slots_),
        previous_(samples),
        before_(samples),
        eligible_(slots_, 1),
        plane_(slots_),
        bits_(slots_),
        eighth_(slots_),
        seen_(sorted_ ? slots_ : 0),
        single_(std::bit_ceil(std::max<std::size_t>(slots_, 1))) {
    for (std::size_t place = 0; place < slots_; ++place) {
      eighth_[place] = static_cast<std::uint8_t>(place * kEighths / slots_);
    }
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
  static constexpr unsigned kRowLimit = 30;
  static constexpr unsigned kSingleLimit = 60;
  static constexpr unsigned kCellLimit = 255;
  static constexpr std::size_t kPlainShapes = 7;  // coded by one tree, later ones by their rank
  static constexpr unsigned kMatchClasses = 12;
  static constexpr std::size_t kLogClasses = 8;
  static constexpr std::size_t kEighths = 8;
  static constexpr std::uint32_t kSure = 256;  // of 2^16

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
      std::size_t left = 0, others = 0;  // others than the most frequent shape
      for (std::size_t sample = 0; sample < row.shapes.size(); ++sample) {
        const std::size_t share = log_class(others * 64 / (sample + 1));
        const std::size_t above = std::min<std::size_t>(previous_[sample], 2) * 2 +
                                  std::min<std::size_t>(before_[sample], 1);
        const std::size_t context = above * 3 + std::min<std::size_t>(left, 2);
        left = code_shape(shape_trees_[context * kLogClasses + share], row.shapes[sample]);
        others += left > 0 ? 1 : 0;
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

  /// How many slots are unlike the others: none, one, or more.
  using Unlike = std::size_t;
  static constexpr Unlike kNone = 0, kOne = 1, kSeveral = 2;

  /// Which of the eligible slots have `allele`; those are not eligible for the next one.
  void code_plane(GenotypeRow& row, std::uint8_t allele) {
    bool most = false;  // all the eligible slots have it, but one at most
    Unlike unlike = kNone;
    if constexpr (Coder::kWrites) {
      std::size_t all = 0, ones = 0;
      for (std::size_t slot = 0; slot < slots_; ++slot) {
        plane_[slot] = row.alleles[slot] == allele ? 1 : 0;
        all += eligible_[slot];
        ones += plane_[slot];
      }
      most = ones > 1 && all - ones <= 1;
      unlike = std::min(most ? all - ones : ones, kSeveral);
    }
    most = bit(most_have_, most, kRowLimit);
    unlike = code_unlike(most, unlike);
    if (unlike == kSeveral) {
      all_full_ ? code_bits<true>() : code_bits<false>();
    } else if (unlike == kOne) {
      code_single(most);
    } else if (most) {
      std::ranges::copy(eligible_, plane_.begin());
    } else {
      return;
    }
    const bool last = allele == row.max_allele;
    for (std::size_t slot = 0; slot < slots_; ++slot) {
      if constexpr (!Coder::kWrites) {
        if (plane_[slot] != 0) row.alleles[slot] = allele;
      }
      if (!last && plane_[slot] != 0) eligible_[slot] = 0;
    }
  }

  Unlike code_unlike(bool most, Unlike unlike) {
    auto& contexts = unlike_[most ? 1 : 0];
    std::size_t coded = bit(contexts[0], unlike > kNone, kRowLimit) ? kOne : kNone;
    if (coded == kOne && !most && bit(contexts[1], unlike > kOne, kRowLimit)) coded = kSeveral;
    return static_cast<Unlike>(coded);
  }

  /// The one slot that is unlike the others.
  void code_single(bool most) {
    std::size_t which = 0;
    if constexpr (Coder::kWrites) {
      while (eligible_[which] == 0 || (plane_[which] != 0) == most) ++which;
    }
    const auto bits = static_cast<unsigned>(std::bit_width(single_.size() - 1));
    which = std::min(number(single_, which, bits, kSingleLimit), slots_ - 1);
    if (most) {
      std::ranges::copy(eligible_, plane_.begin());
    } else {
      std::ranges::fill(plane_, std::uint8_t{0});
    }
    plane_[which] = most ? 0 : eligible_[which];
  }

  static unsigned match_class(std::uint32_t match) noexcept {
    return std::min(static_cast<unsigned>(std::bit_width(match)), kMatchClasses - 1);
  }

  /// What the near context is sure of is believed without the others: most slots are, in a third
  /// of the time.
  bool code_slot(Bit& near, Bit& far, unsigned changes, bool value) {
    const std::uint32_t one = near.probability();
    if (one < kSure || one > (1U << 16U) - kSure) return bit(near, value, kCellLimit);
    auto& mixer = mixers_[std::min<std::size_t>(changes, mixers_.size() - 1)];
    return compress::code_mixed(coder_, mixer, {&near, &far}, value, kCellLimit);
  }

  /// What was decided of the slots before, in the haplotypes' order.
  struct Before {
    std::size_t bits = 0;  // the last three
    unsigned run = 0;      // how many of the last ones were the same
    unsigned changes = 0;
    std::size_t found = 0;

    void add(std::size_t value) noexcept {
      const bool change = value != (bits & 1U);
      found += value;
      changes += change ? 1 : 0;
      run = change ? 1 : run + 1;
      bits = (bits * 2 + value) % 8;
    }
  };

  static std::size_t log_class(std::size_t number) noexcept {
    return std::min<std::size_t>(std::bit_width(number), kLogClasses - 1);
  }

  Bit& near_context(const Before& before, std::size_t slot, std::size_t match) noexcept {
    // Where alleles are sorted within a sample, the other allele tells more than bits farther off.
    const std::size_t bits =
        sorted_ ? 8 + (before.bits & 1U) * 6 + (slot & 1U) * 3 + seen_[slot ^ 1U] : before.bits;
    return near_[(bits * kMatchClasses + match) * kLogClasses + log_class(before.run)];
  }
  Bit& far_context(const Before& before, std::size_t place, std::size_t match) noexcept {
    const std::size_t found = (before.bits & 3U) * kLogClasses + log_class(before.found);
    return far_[(found * kEighths + eighth_[place]) * kMatchClasses + match];
  }

  /// Slot by slot in the haplotypes' order: how those before it have decided, and for how long they
  /// were like it, tells much of each.
  template <bool kFull>
  void code_bits() {
    const std::span<const std::uint32_t> order = order_.order();
    if (sorted_) std::ranges::fill(seen_, std::uint8_t{0});
    Before before;
    for (std::size_t place = 0; place < slots_; ++place) {
      const std::size_t slot = order[place];
      std::size_t value = before.bits & 1U;  // of a slot that is not eligible: as its neighbour
      if (kFull || eligible_[slot] != 0) {
        const std::size_t match = match_class(order_.match(place));
        value = code_slot(near_context(before, slot, match), far_context(before, place, match),
                          before.changes, plane_[slot] != 0)
                    ? 1
                    : 0;
        plane_[slot] = static_cast<std::uint8_t>(value);
        if (sorted_) seen_[slot] = static_cast<std::uint8_t>(value + 1);
      } else {
        plane_[slot] = 0;
      }
      bits_[place] = static_cast<std::uint8_t>(value);
      before.add(value);
    }
    order_.advance(bits_);
  }

  static constexpr unsigned kMaxRankBits = 32;

  Coder& coder_;
  const std::span<const GenotypeShape> shapes_;
  const std::size_t ploidy_;
  const std::size_t slots_;
  const bool sorted_;     // pairs of alleles that most likely are in ascending order
  bool all_full_ = true;  // every slot of every cell has an allele
  HaplotypeOrder order_;
  std::vector<std::uint32_t> previous_, before_;  // shapes of the last two rows
  std::size_t before_max_ = 0;                    // which of the last rows had an ALT allele
  std::vector<std::uint8_t> eligible_;            // by slot: what is not known yet
  std::vector<std::uint8_t> plane_;               // by slot
  std::vector<std::uint8_t> bits_;                // by place in the order
  std::vector<std::uint8_t> eighth_;              // by place: of the order
  std::vector<std::uint8_t> seen_;  // by slot, if sorted_: 0 not yet, else its bit + 1

  Bit same_shapes_;
  std::array<std::array<Bit, kPlainShapes + 1>, 18 * kLogClasses> shape_trees_ = {};
  std::array<Bit, kMaxRankBits> rank_width_ = {};
  std::array<std::array<Bit, 8>, 4> more_alleles_ = {};
  Bit most_have_;
  std::array<std::array<Bit, 2>, 2> unlike_ = {};
  std::vector<Bit> single_;
  std::array<Bit, 20 * kMatchClasses* kLogClasses> near_ = {};
  std::array<Bit, 4 * kLogClasses* kEighths* kMatchClasses> far_ = {};
  std::array<compress::BitMixer<2>, 8> mixers_ = {};
};

}  // namespace cnf::vcfs3
