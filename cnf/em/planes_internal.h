// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"

namespace cnf::em {

/// The name of the slowest axis of images of a kind: "z", "n" or "t". Throws Error
/// invalid_argument for a stack of volumes, which pages cannot tell apart.
[[nodiscard]] std::string page_axis(Kind kind, std::string_view subject);

/// Rows [begin, end) along y, and along x, of a plane of `width` elements a row, appended to `into`
/// from `at` on; returns where they end.
std::size_t copy_window(ByteSpan plane, const Box& box, std::uint64_t width, std::size_t element,
                        MutableByteSpan into, std::size_t at);

/// Turns the bytes of each of the `word`-byte elements around.
void swap_bytes(MutableByteSpan elements, std::size_t word) noexcept;

}  // namespace cnf::em
