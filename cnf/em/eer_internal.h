// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/em/input_file.h"
#include "cnf/em/source.h"

namespace cnf::em {

/// How the electrons of a frame are spelled: bits, the lowest first. A code of `run_bits` tells how
/// many pixels are passed over; if it is not the largest one, an electron follows, and where in its
/// pixel it lies in `x_bits` and then `y_bits`, as signed numbers.
/// Source: Thermo Fisher's EerReaderLib (TIFF compressions 65000 to 65002).
struct EerCode {
  unsigned run_bits = 7;
  unsigned x_bits = 2;
  unsigned y_bits = 2;
  /// The largest code has bits of a place too, which mean nothing: so in 65000, of prototypes.
  bool place_after_run = false;
  bool operator==(const EerCode&) const = default;
};

struct EerFrame {
  std::uint64_t width = 0;
  std::uint64_t height = 0;
  EerCode code = {};
  bool operator==(const EerFrame&) const = default;
};

/// Adds the electrons of a frame to `counts`, an image of (width << finer) × (height << finer),
/// where `finer` is at most x_bits and y_bits. Returns how many there were.
///
/// A count that would pass its type's largest value stays there. Throws Error corrupt_data with
/// `subject` where the codes end before the last pixel or pass beyond it.
template <typename Count>
std::uint64_t add_electrons(ByteSpan codes, const EerFrame& frame, unsigned finer,
                            std::span<Count> counts, std::string_view subject);

/// A TIFF file whose pages are EER frames; one that is the sum of all may stand before them.
[[nodiscard]] bool is_eer(const InputFile& file);

/// EER frames, summed: SourceOptions::eer tells how many make an image of the movie, and how finely
/// electrons are placed. Frames that are left over at the end are left out, as RELION does, and
/// told in `fields`. Images are decoded as TIFF pages are. Rows are not turned over.
/// Throws Error corrupt_data, unsupported, invalid_argument.
[[nodiscard]] std::unique_ptr<Source> open_eer(InputFile file, const SourceOptions& options);

}  // namespace cnf::em
