// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/compress/range_coder.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "cnf/core/util/buffer.h"

namespace cnf::compress {
namespace {

// The range is refilled by so many bytes at a time, when fewer than 32 of its bits are left.
constexpr std::size_t kStep = 4;

}  // namespace

void RangeEncoder::shift() {
  const MutableByteSpan bytes = out_.extend(kStep);
  for (std::size_t i = 0; i < kStep; ++i) {
    bytes[i] = static_cast<std::byte>(low_ >> (56U - 8U * i));
  }
  low_ <<= 32U;
  range_ <<= 32U;
}

void RangeEncoder::carry() noexcept {
  for (std::size_t i = out_.size(); i-- > start_;) {
    std::byte& byte = out_.data()[i];
    byte = static_cast<std::byte>(std::to_integer<unsigned>(byte) + 1U);
    if (byte != std::byte{0}) return;
  }
}

void RangeEncoder::finish() {
  // Any number in [low, low + range) will do: the one with the most zero bits behind it.
  for (unsigned kept = 8; kept <= 64; kept += 8) {
    const std::uint64_t rest = kept == 64 ? 0 : ~std::uint64_t{0} >> kept;
    const std::uint64_t number = (low_ + rest) & ~rest;
    if (number - low_ >= range_) continue;
    if (number < low_) carry();
    low_ = number;
    break;
  }
  // Only of these eight are zeros dropped: so a reader knows how far behind the end it may get.
  const std::size_t least = out_.size();
  shift();
  shift();
  std::size_t size = out_.size();
  while (size > least && out_.data()[size - 1] == std::byte{0}) --size;
  out_.resize(size);
}

RangeDecoder::RangeDecoder(ByteSpan bytes) noexcept : bytes_(bytes) {
  range_ = 1;
  shift();
  shift();
  range_ = ~std::uint64_t{0};
}

void RangeDecoder::shift() noexcept {
  for (std::size_t i = 0; i < kStep; ++i, ++at_) {
    const std::byte next = at_ < bytes_.size() ? bytes_[at_] : std::byte{0};
    code_ = code_ << 8U | std::to_integer<std::uint64_t>(next);
  }
  range_ <<= 32U;
}

}  // namespace cnf::compress
