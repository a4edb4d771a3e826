// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "cnf/core/util/buffer.h"

namespace cnf::vcfs3 {

/// What foretells the size of a number, besides the numbers before it.
enum class Foretold : std::uint8_t {
  by_nothing = 0,
  by_last = 1,      ///< The size of the number before it.
  by_contexts = 2,  ///< What the caller knows of it.
};
/// Contexts that callers give are below this.
inline constexpr std::size_t kMaxContexts = 64;

/// Numbers as bits by adaptive probabilities: first how many bits a number has, then these from the
/// highest on (SPEC.md, "Integers"). Smaller than a general compressor makes them where numbers are
/// noise of some distribution, and slower: about 0.1 us each.
///
/// \param contexts  one per value, or empty unless `foretold` is by_contexts.
[[nodiscard]] Buffer encode_modelled(std::span<const std::uint64_t> values, Foretold foretold,
                                     std::span<const std::uint8_t> contexts);

/// Fills `values`; false if the bytes cannot hold them. \param contexts  as they were encoded with.
[[nodiscard]] bool decode_modelled(ByteSpan bytes, Foretold foretold,
                                   std::span<const std::uint8_t> contexts,
                                   std::span<std::uint64_t> values);

}  // namespace cnf::vcfs3
