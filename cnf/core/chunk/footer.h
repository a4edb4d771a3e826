// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cnf/core/util/buffer.h"

namespace cnf::chunk {

/// How a chunk says of itself what it holds: a footer, which is the format's own, and behind it a
/// trailer (u32 length of the footer, u32 its CRC32C, the format's magic of eight bytes), by which
/// the footer is found from the chunk's end. Pure. All throw Error corrupt_data naming `subject`.
inline constexpr std::size_t kMagicBytes = 8;
inline constexpr std::size_t kTrailerBytes = 4 + 4 + kMagicBytes;

/// Appends the trailer to a footer.
void append_trailer(Buffer& footer, std::string_view magic);

/// How many bytes from the chunk's end are footer and trailer. \param tail  at least the trailer.
[[nodiscard]] std::uint64_t tail_length(ByteSpan tail, std::string_view magic,
                                        std::string_view subject);

/// The footer, checked; a view of `tail`, which must hold all of it.
[[nodiscard]] ByteSpan footer_of(ByteSpan tail, std::string_view magic, std::string_view subject);

}  // namespace cnf::chunk
