// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/em/eer_internal.h"

namespace cnf::em {
namespace {

/// Bits from bytes, the lowest of the first byte first; zeros behind the last.
class Bits {
 public:
  explicit Bits(ByteSpan bytes) noexcept : bytes_(bytes) {}

  /// The next 32 bits or more, not taken.
  [[nodiscard]] std::uint64_t peek() const noexcept {
    const std::size_t byte = position_ / 8;
    std::uint64_t word = 0;
    if (byte + sizeof(word) <= bytes_.size()) {
      std::memcpy(&word, bytes_.data() + byte, sizeof(word));
    } else if (byte < bytes_.size()) {
      std::memcpy(&word, bytes_.data() + byte, bytes_.size() - byte);
    }
    return word >> (position_ % 8);
  }
  void take(unsigned bits) noexcept { position_ += bits; }
  /// More were taken than there are.
  [[nodiscard]] bool past_end() const noexcept { return position_ > bytes_.size() * 8; }

 private:
  ByteSpan bytes_;
  std::size_t position_ = 0;
};

/// The upper `finer` bits of a place in a pixel, counted from the pixel's low edge: the signed
/// number that stands there has its top bit turned over.
std::uint64_t place(std::uint64_t bits, unsigned width, unsigned finer) noexcept {
  if (finer == 0) return 0;
  const std::uint64_t value =
      (bits & ((std::uint64_t{1} << width) - 1)) ^ (std::uint64_t{1} << (width - 1));
  return value >> (width - finer);
}

}  // namespace

template <typename Count>
std::uint64_t add_electrons(ByteSpan codes, const EerFrame& frame, unsigned finer,
                            std::span<Count> counts, std::string_view subject) {
  const EerCode& code = frame.code;
  const std::uint64_t longest = (std::uint64_t{1} << code.run_bits) - 1;
  const std::uint64_t pixels = frame.width * frame.height;
  Bits bits(codes);
  std::uint64_t electrons = 0;
  std::uint64_t x = 0;
  std::uint64_t y = 0;
  for (std::uint64_t pixel = 0; true;) {
    const std::uint64_t word = bits.peek();
    const std::uint64_t run = word & longest;
    bits.take(code.run_bits);
    if (run > pixels - pixel || bits.past_end()) {
      throw Error(Errc::corrupt_data, "decode", subject,
                  fmt::format("its codes {} pixel {} of {}",
                              bits.past_end() ? "end at" : "pass the last from", pixel, pixels));
    }
    pixel += run;
    if (pixel == pixels) return electrons;
    x += run;
    while (x >= frame.width) {  // runs are short: seldom more than once
      x -= frame.width;
      ++y;
    }
    if (run == longest) {
      if (code.place_after_run) bits.take(code.x_bits + code.y_bits);
      continue;
    }
    const std::uint64_t fine_x = (x << finer) + place(word >> code.run_bits, code.x_bits, finer);
    const std::uint64_t fine_y =
        (y << finer) + place(word >> (code.run_bits + code.x_bits), code.y_bits, finer);
    bits.take(code.x_bits + code.y_bits);
    Count& count = counts[fine_y * (frame.width << finer) + fine_x];
    if (count != std::numeric_limits<Count>::max()) ++count;
    ++electrons;
    ++pixel;
    if (++x == frame.width) {
      x = 0;
      ++y;
    }
    if (pixel == pixels) return electrons;
  }
}

template std::uint64_t add_electrons(ByteSpan, const EerFrame&, unsigned, std::span<std::uint8_t>,
                                     std::string_view);
template std::uint64_t add_electrons(ByteSpan, const EerFrame&, unsigned, std::span<std::uint16_t>,
                                     std::string_view);

}  // namespace cnf::em
