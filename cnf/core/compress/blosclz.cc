// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstring>

#include "cnf/core/compress/blosc_internal.h"
#include "cnf/core/util/buffer.h"

namespace cnf::compress {
namespace {

constexpr std::size_t kMatchBit = 32;   // controls below it tell of literals
constexpr std::size_t kLongLength = 6;  // more bytes of length follow
constexpr std::size_t kShortest = 3;    // bytes that the least length stands for
constexpr std::size_t kFarOffset = 31
                                   << 8;    // with a last byte of 255: two bytes of distance follow
constexpr std::size_t kFarDistance = 8191;  // is what they count from
constexpr std::size_t kMore = 255;

class Input {
 public:
  explicit Input(ByteSpan bytes) noexcept : bytes_(bytes) {}
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - at_; }
  /// 0 past the end, after which failed() is true.
  [[nodiscard]] std::size_t get() noexcept {
    if (at_ == bytes_.size()) {
      failed_ = true;
      return 0;
    }
    return std::to_integer<std::size_t>(bytes_[at_++]);
  }
  [[nodiscard]] ByteSpan get(std::size_t size) noexcept {
    at_ += size;
    return bytes_.subspan(at_ - size, size);
  }
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  ByteSpan bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

struct Match {
  std::size_t length = 0, distance = 0;
};

Match get_match(std::size_t control, Input& in) noexcept {
  Match match{.length = (control >> 5U) - 1, .distance = (control & 31U) << 8U};
  if (match.length == kLongLength) {
    std::size_t more = kMore;
    while (more == kMore) {
      more = in.get();
      match.length += more;
    }
  }
  match.length += kShortest;
  const std::size_t low = in.get();
  if (low == kMore && match.distance == kFarOffset) {
    const std::size_t high = in.get();
    match.distance = kFarDistance + (high << 8U | in.get());
  } else {
    match.distance += low;
  }
  ++match.distance;
  return match;
}

}  // namespace

bool blosclz_decompress(ByteSpan stored, MutableByteSpan raw) noexcept {
  Input in(stored);
  std::size_t filled = 0;
  std::size_t control = in.get() & (kMatchBit - 1);  // the first always tells of literals
  while (!in.failed()) {
    if (control < kMatchBit) {
      const std::size_t literals = control + 1;
      if (literals > in.left() || literals > raw.size() - filled) return false;
      std::memcpy(&raw[filled], in.get(literals).data(), literals);
      filled += literals;
    } else {
      const Match match = get_match(control, in);
      if (in.failed() || match.distance > filled || match.length > raw.size() - filled) {
        return false;
      }
      for (std::size_t i = 0; i < match.length; ++i, ++filled) {  // may overlap itself
        raw[filled] = raw[filled - match.distance];
      }
    }
    if (in.left() == 0) return filled == raw.size();
    control = in.get();
  }
  return false;
}

}  // namespace cnf::compress
