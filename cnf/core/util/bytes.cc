// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/util/bytes.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <fmt/core.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf {
namespace {

constexpr unsigned kPayloadBits = 7;
constexpr std::uint64_t kPayloadMask = 0x7f;
constexpr std::uint64_t kMore = 0x80;
constexpr std::size_t kLongestVarint = 10;  // ceil(64 / 7)

}  // namespace

void ByteWriter::put_varint(std::uint64_t value) {
  std::array<std::byte, kLongestVarint> bytes;  // NOLINT(*-member-init): written before it is read
  std::size_t size = 0;
  for (; value > kPayloadMask; value >>= kPayloadBits) {
    bytes[size++] = static_cast<std::byte>((value & kPayloadMask) | kMore);
  }
  bytes[size++] = static_cast<std::byte>(value);
  out_.append(std::span(bytes).first(size));
}

void ByteWriter::put_string(std::string_view text) {
  put_varint(text.size());
  put_bytes(as_bytes(text));
}

std::uint64_t ByteReader::get_varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < kLongestVarint * kPayloadBits; shift += kPayloadBits) {
    if (at_end()) fail("a varint is cut off by the end");
    const auto byte = std::to_integer<std::uint64_t>(bytes_[offset_]);
    const std::uint64_t payload = byte & kPayloadMask;
    if ((payload << shift) >> shift != payload) break;  // bits beyond the 64th
    value |= payload << shift;
    ++offset_;
    if ((byte & kMore) == 0) return value;
  }
  fail("a varint does not fit in 64 bits");
}

ByteSpan ByteReader::get_bytes(std::uint64_t size) {
  if (size > remaining()) fail(fmt::format("{} bytes expected, {} are left", size, remaining()));
  const ByteSpan bytes = bytes_.subspan(offset_, size);
  offset_ += size;
  return bytes;
}

ByteSpan ByteReader::get_until_nul() {
  const std::string_view rest = as_text(bytes_.subspan(offset_));
  const std::size_t length = rest.find('\0');
  if (length == std::string_view::npos) fail("text without an end");
  return get_bytes(length + 1);
}

std::string_view ByteReader::get_string() { return as_text(get_bytes(get_varint())); }

std::uint64_t ByteReader::get_count(std::size_t min_bytes_each) {
  const std::uint64_t count = get_varint();
  const std::uint64_t most = remaining() / std::max<std::size_t>(min_bytes_each, 1);
  if (count > most) {
    fail(fmt::format("a count of {}, but the {} bytes left hold at most {}", count, remaining(),
                     most));
  }
  return count;
}

void ByteReader::fail(std::string_view why) const {
  throw Error(Errc::corrupt_data, "decode", fmt::format("{}@{}", subject_, offset_), why);
}

}  // namespace cnf
