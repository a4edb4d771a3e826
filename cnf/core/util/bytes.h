// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf {

static_assert(std::endian::native == std::endian::little, "on-disk integers are little-endian");

/// Signed integers as small unsigned ones: 0, -1, 1, -2, … become 0, 1, 2, 3, …
[[nodiscard]] constexpr std::uint64_t zigzag(std::int64_t value) noexcept {
  return (static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63);
}
[[nodiscard]] constexpr std::int64_t unzigzag(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>(value >> 1U) ^ -static_cast<std::int64_t>(value & 1U);
}

/// Appends integers and bytes to a Buffer: fixed-width ones little-endian, varints LEB128.
class ByteWriter {
 public:
  explicit ByteWriter(Buffer& out) noexcept : out_(out) {}

  template <typename T>
  requires std::is_arithmetic_v<T>
  void put(T value) { std::memcpy(out_.extend(sizeof(T)).data(), &value, sizeof(T)); }
  void put_varint(std::uint64_t value);
  void put_zigzag(std::int64_t value) { put_varint(zigzag(value)); }
  void put_bytes(ByteSpan bytes) { out_.append(bytes); }
  /// A varint length, then the bytes.
  void put_string(std::string_view text);

 private:
  Buffer& out_;
};

/// Reads what ByteWriter wrote, from bytes that may be hostile: every step past the end throws
/// Error corrupt_data that names the subject and the offset. The bytes and `subject` must outlive
/// it.
class ByteReader {
 public:
  ByteReader(ByteSpan bytes, std::string_view subject) noexcept
      : bytes_(bytes), subject_(subject) {}

  [[nodiscard]] std::size_t offset() const noexcept { return offset_; }
  [[nodiscard]] std::size_t remaining() const noexcept { return bytes_.size() - offset_; }
  [[nodiscard]] bool at_end() const noexcept { return offset_ == bytes_.size(); }

  template <typename T>
  requires std::is_arithmetic_v<T>
  [[nodiscard]] T get() {
    T value;
    std::memcpy(&value, get_bytes(sizeof(T)).data(), sizeof(T));
    return value;
  }
  [[nodiscard]] std::uint64_t get_varint();
  [[nodiscard]] std::int64_t get_zigzag() { return unzigzag(get_varint()); }
  /// The next `size` bytes, not copied.
  [[nodiscard]] ByteSpan get_bytes(std::uint64_t size);
  [[nodiscard]] std::string_view get_string();
  /// The bytes up to the next NUL and that NUL, not copied.
  [[nodiscard]] ByteSpan get_until_nul();
  /// A varint count of things that each take at least `min_bytes_each` of what remains; a larger
  /// count is refused, so that no allocation is bigger than its input justifies.
  [[nodiscard]] std::uint64_t get_count(std::size_t min_bytes_each = 1);
  /// Throws corrupt_data with `why` at the current offset.
  [[noreturn]] void fail(std::string_view why) const;

 private:
  ByteSpan bytes_;
  std::string_view subject_;
  std::size_t offset_ = 0;
};

}  // namespace cnf
