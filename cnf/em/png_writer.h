// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cnf/core/util/buffer.h"

namespace cnf::em {

/// A grey image as PNG. \param grey  rows from the top, 8 or 16 bits a pixel (little-endian),
/// exactly width × height of them. Throws Error invalid_argument on any other number of bits or
/// bytes, and beyond PNG's 2^31 - 1 pixels a side.
[[nodiscard]] Buffer to_png(ByteSpan grey, std::uint64_t width, std::uint64_t height, int bits);

}  // namespace cnf::em
