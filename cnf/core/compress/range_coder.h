// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "cnf/core/util/buffer.h"

namespace cnf::compress {

/// How probable it is that a bit is 1, learned from the bits before it in the same context.
///
/// The n-th bit moves the estimate by 1 / (n + 1.6) of its error, so that few bits teach much; from
/// the `limit`-th on the share stays, so that old bits are forgotten. Integers only: every machine
/// learns the same.
class AdaptiveBit {
 public:
  /// Of 2^16: what a coder is told. Never nearer to 0 or 1 than kFloor / 2^16, or 0.0004 bit.
  static constexpr std::uint32_t kFloor = 20;
  static constexpr unsigned kMaxLimit = 1000;

  [[nodiscard]] std::uint32_t probability() const noexcept { return state_ >> 16U; }

  void learn(bool bit, unsigned limit) noexcept {
    const std::uint32_t count = state_ & kCountMask;
    const auto estimate = static_cast<std::int64_t>(state_ >> kCountBits);
    const std::int64_t target = bit ? kOne - (kFloor << 6U) : kFloor << 6U;
    const std::int64_t moved = estimate + ((target - estimate) * kShares[count] >> 16);
    state_ = static_cast<std::uint32_t>(moved) << kCountBits | (count + (count < limit ? 1U : 0U));
  }

 private:
  static constexpr unsigned kCountBits = 10;
  static constexpr std::uint32_t kCountMask = (1U << kCountBits) - 1;
  static constexpr std::int64_t kOne = std::int64_t{1} << 22;
  static constexpr auto kShares = [] {
    std::array<std::int64_t, kCountMask + 1> shares{};  // of 2^16: 1 / (n + 1.6)
    for (std::size_t n = 0; n < shares.size(); ++n) {
      shares[n] = static_cast<std::int64_t>(655'360 / (10 * n + 16));
    }
    return shares;
  }();

  std::uint32_t state_ = 1U << 31U;  // 22 bits of estimate, 10 of count
};

/// Writes bits as one number, each for about as many bits as it surprises: a range coder (Martin
/// 1979) with a 64-bit range that shrinks by the probability of each bit.
///
/// Bytes come out most significant first; of the last eight, zeros at the end are left out. Memory:
/// the output.
class RangeEncoder {
 public:
  static constexpr bool kWrites = true;

  /// Appends to `out`, which must outlive it and be touched by nobody else until finish().
  explicit RangeEncoder(Buffer& out) noexcept : out_(out), start_(out.size()) {}

  /// Writes `bit`, lets its context learn it, and returns it (as RangeDecoder::code does).
  bool code(AdaptiveBit& context, bool bit, unsigned limit) {
    const std::uint32_t probability = context.probability();
    context.learn(bit, limit);
    return code_with(probability, bit);
  }
  /// Writes a bit that is 1 with `probability` / 2^16, which is neither 0 nor 1: for models that
  /// weigh several contexts.
  bool code_with(std::uint32_t probability, bool bit) {
    narrow(bit, (range_ >> 16U) * probability);
    return bit;
  }
  /// Writes a bit that is as probable as not.
  bool code_even(bool bit) {
    narrow(bit, range_ >> 1U);
    return bit;
  }
  /// Call once, at the end.
  void finish();

 private:
  // Ones lie below zeros in the range.
  void narrow(bool bit, std::uint64_t ones) {
    if (bit) {
      range_ = ones;
    } else {
      low_ += ones;
      if (low_ < ones) carry();
      range_ -= ones;
    }
    if (range_ >> 32U == 0) shift();
  }
  void shift();
  void carry() noexcept;

  Buffer& out_;
  const std::size_t start_;
  std::uint64_t low_ = 0;
  std::uint64_t range_ = ~std::uint64_t{0};
};

/// Reads what RangeEncoder wrote, from bytes that may be hostile: behind their end come zeros, and
/// overrun() tells that more was read than an encoder can have left out.
class RangeDecoder {
 public:
  static constexpr bool kWrites = false;

  /// The bytes must outlive it.
  explicit RangeDecoder(ByteSpan bytes) noexcept;

  /// The `bit` is not looked at: it stands here so that one model can be both written and read.
  bool code(AdaptiveBit& context, bool /*bit*/, unsigned limit) noexcept {
    const bool bit = code_with(context.probability(), false);
    context.learn(bit, limit);
    return bit;
  }
  bool code_with(std::uint32_t probability, bool /*bit*/) noexcept {
    return narrow((range_ >> 16U) * probability);
  }
  bool code_even(bool /*bit*/) noexcept { return narrow(range_ >> 1U); }

  /// True if bits were asked for that the bytes cannot hold.
  [[nodiscard]] bool overrun() const noexcept { return at_ > bytes_.size() + sizeof(code_); }
  /// True if all the bytes were read.
  [[nodiscard]] bool at_end() const noexcept { return at_ >= bytes_.size(); }

 private:
  bool narrow(std::uint64_t ones) noexcept {
    const bool bit = code_ < ones;
    code_ -= bit ? 0 : ones;
    range_ = bit ? ones : range_ - ones;
    if (range_ >> 32U == 0) shift();
    return bit;
  }
  void shift() noexcept;

  ByteSpan bytes_;
  std::size_t at_ = 0;
  std::uint64_t code_ = 0;  // how far into the range the number lies
  std::uint64_t range_ = ~std::uint64_t{0};
};

}  // namespace cnf::compress
