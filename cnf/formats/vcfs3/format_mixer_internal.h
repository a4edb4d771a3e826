// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cnf/core/compress/range_coder.h"

namespace cnf::vcfs3 {

/// Codes symbols by what several contexts foretell of their bits, weighed by how well each did
/// (Mahoney 2005, "Adaptive Weighing of Context Models for Lossless Data Compression").
///
/// A symbol is its length in bits (15 and more go on) and the bits behind the first one, four
/// decisions at a time. Whole numbers only, so that every machine learns the same.
template <typename Coder>
class SymbolMixer {
 public:
  static constexpr std::size_t kInputs = 6;
  using Contexts = std::array<std::uint32_t, kInputs>;  ///< Hashes.

  /// \param symbols  as many as will be coded: sets how much memory is taken, at most 16 MiB.
  SymbolMixer(Coder& coder, std::size_t symbols);

  /// Writes or reads a symbol in contexts; returns it. A reader looks at no `symbol`.
  std::uint32_t code(const Contexts& contexts, std::uint32_t symbol);

 private:
  static constexpr std::size_t kTreeNodes = 16;
  static constexpr std::size_t kStages = 20;

  struct alignas(64) Tree {
    std::array<compress::AdaptiveBit, kTreeNodes> nodes;
  };

  /// Codes the lowest `bits` bits of a value, the highest first.
  std::uint32_t code_tree(const Contexts& contexts, std::uint32_t stage, std::uint32_t path,
                          unsigned bits, std::uint32_t value);
  bool code_bit(std::size_t set, std::size_t node, bool bit);

  Coder& coder_;
  unsigned shift_;
  std::vector<Tree> trees_;
  std::vector<std::array<std::int32_t, kInputs>> weights_;
  std::array<Tree*, kInputs> at_ = {};
};

extern template class SymbolMixer<compress::RangeEncoder>;
extern template class SymbolMixer<compress::RangeDecoder>;

}  // namespace cnf::vcfs3
