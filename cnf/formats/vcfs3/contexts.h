// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace cnf::vcfs3 {

/// Texts of a column as small numbers that tell what other columns of the same records hold: equal
/// for numbers of about one size, and for equal texts (SPEC.md, "Contexts"). Below kMaxContexts; 0
/// is left for records without a text.
[[nodiscard]] std::vector<std::uint8_t> contexts_of(std::span<const std::string_view> texts);

/// About how many bits it takes to tell `values` to somebody who knows `contexts`, which are as
/// many, and how often each value goes with each context.
[[nodiscard]] double bits_given(std::span<const std::uint8_t> values,
                                std::span<const std::uint8_t> contexts);

}  // namespace cnf::vcfs3
