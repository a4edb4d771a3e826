// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/compress/integers.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <fmt/core.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"

namespace cnf::compress {
namespace {

constexpr std::size_t kLongest = 10;  // bytes of a 64-bit varint
constexpr std::uint8_t kPlain = 0;
constexpr std::uint8_t kDeltas = 1;

std::byte* encode(std::uint64_t value, std::byte* to) noexcept {
  for (; value > 0x7f; value >>= 7) *to++ = static_cast<std::byte>(value | 0x80);
  *to++ = static_cast<std::byte>(value);
  return to;
}

// Appends through a small block, so that the buffer grows once per 64 values and not per value.
class BlockWriter {
 public:
  explicit BlockWriter(ByteWriter& out) noexcept : out_(out) {}
  void put(std::uint64_t value) {
    if (end_ > block_.data() + block_.size() - kLongest) flush();
    end_ = encode(value, end_);
  }
  void flush() {
    out_.put_bytes({block_.data(), end_});
    end_ = block_.data();
  }

 private:
  ByteWriter& out_;
  std::array<std::byte, 64 * kLongest> block_{};
  std::byte* end_ = block_.data();
};

// One varint from memory that holds at least kLongest bytes; nullptr if it does not fit 64 bits.
const std::byte* decode(const std::byte* from, std::uint64_t& value) noexcept {
  std::uint64_t result = 0;
  for (unsigned shift = 0; shift < 63; shift += 7) {
    const auto byte = std::to_integer<std::uint64_t>(*from++);
    result |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      value = result;
      return from;
    }
  }
  const auto last = std::to_integer<std::uint64_t>(*from++);
  if (last > 1) return nullptr;
  value = result | last << 63;
  return from;
}

// Decodes while every step is sure to stay inside `bytes`; answers how many values it did, and
// moves `bytes` behind them. It stops at a value that is not right, for the careful path to name.
std::size_t decode_fast(ByteSpan& bytes, std::span<std::uint64_t> values) noexcept {
  constexpr std::uint64_t kMoreBits = 0x8080'8080'8080'8080;
  const std::byte* from = bytes.data();
  const std::byte* const end = from + bytes.size();
  std::size_t done = 0;
  while (done < values.size() && static_cast<std::size_t>(end - from) >= kLongest) {
    std::uint64_t word = 0;
    std::memcpy(&word, from, sizeof(word));
    if ((word & kMoreBits) == 0 && values.size() - done >= sizeof(word)) {
      for (unsigned i = 0; i < sizeof(word); ++i) values[done + i] = (word >> (8 * i)) & 0x7f;
      from += sizeof(word);
      done += sizeof(word);
      continue;
    }
    const std::byte* const next = decode(from, values[done]);
    if (next == nullptr) break;
    from = next;
    ++done;
  }
  bytes = {from, end};
  return done;
}

std::span<std::uint64_t> as_unsigned(std::span<std::int64_t> values) noexcept {
  return {reinterpret_cast<std::uint64_t*>(values.data()), values.size()};
}
std::span<const std::uint64_t> as_unsigned(std::span<const std::int64_t> values) noexcept {
  return {reinterpret_cast<const std::uint64_t*>(values.data()), values.size()};
}

std::uint64_t delta(std::uint64_t before, std::uint64_t value) noexcept {
  return zigzag(static_cast<std::int64_t>(value - before));
}

void put_unsigned_deltas(std::span<const std::uint64_t> values, ByteWriter& out) {
  BlockWriter writer(out);
  std::uint64_t before = 0;
  for (const std::uint64_t value : values) {
    writer.put(delta(before, value));
    before = value;
  }
  writer.flush();
}

void get_unsigned_deltas(ByteReader& in, std::span<std::uint64_t> values) {
  get_varints(in, values);
  std::uint64_t sum = 0;
  for (std::uint64_t& value : values) {
    sum += static_cast<std::uint64_t>(unzigzag(value));
    value = sum;
  }
}

}  // namespace

void put_varints(std::span<const std::uint64_t> values, ByteWriter& out) {
  BlockWriter writer(out);
  for (const std::uint64_t value : values) writer.put(value);
  writer.flush();
}

void get_varints(ByteReader& in, std::span<std::uint64_t> values) {
  ByteReader ahead = in;  // a copy looks at what remains without consuming it
  ByteSpan rest = ahead.get_bytes(ahead.remaining());
  const std::size_t before = rest.size();
  const std::size_t done = decode_fast(rest, values);
  static_cast<void>(in.get_bytes(before - rest.size()));
  for (std::uint64_t& value : values.subspan(done)) value = in.get_varint();
}

void put_deltas(std::span<const std::int64_t> values, ByteWriter& out) {
  put_unsigned_deltas(as_unsigned(values), out);
}

void get_deltas(ByteReader& in, std::span<std::int64_t> values) {
  get_unsigned_deltas(in, as_unsigned(values));
}

void put_column(std::span<const std::uint64_t> values, ByteWriter& out) {
  std::size_t plain = 0;
  std::size_t deltas = 0;
  std::uint64_t before = 0;
  for (const std::uint64_t value : values) {
    plain += varint_size(value);
    deltas += varint_size(delta(before, value));
    before = value;
  }
  if (deltas < plain) {
    out.put(kDeltas);
    put_unsigned_deltas(values, out);
  } else {
    out.put(kPlain);
    put_varints(values, out);
  }
}

void get_column(ByteReader& in, std::span<std::uint64_t> values) {
  const auto coding = in.get<std::uint8_t>();
  if (coding == kDeltas) return get_unsigned_deltas(in, values);
  if (coding != kPlain) in.fail(fmt::format("an integer column of unknown coding {}", coding));
  get_varints(in, values);
}

}  // namespace cnf::compress
