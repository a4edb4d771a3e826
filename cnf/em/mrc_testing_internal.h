// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "cnf/core/util/buffer.h"

namespace cnf::em {

/// An MRC file that is built field by field, by the specification's offsets.
class MrcBytes {
 public:
  enum class Order : std::uint8_t { little, big };

  /// NX, NY, NZ; a grid of the same size, axes 1, 2, 3, ISPG 1, "MAP ", a stamp; all else zero.
  MrcBytes(std::int32_t nx, std::int32_t ny, std::int32_t nz, std::int32_t mode,
           Order order = Order::little)
      : order_(order), bytes_(1024) {
    std::memset(bytes_.data(), 0, bytes_.size());
    set(0, nx).set(4, ny).set(8, nz).set(12, mode);
    set(28, nx).set(32, ny).set(36, nz);
    set(64, std::int32_t{1}).set(68, std::int32_t{2}).set(72, std::int32_t{3});
    set(88, std::int32_t{1});
    text(208, "MAP ");
    const std::string_view stamp = order == Order::big ? "\x11\x11" : "\x44\x44";
    text(212, stamp);
  }

  MrcBytes(const MrcBytes& other) : order_(other.order_), bytes_(Buffer::copy_of(other.bytes_)) {}
  MrcBytes(MrcBytes&&) = default;
  MrcBytes& operator=(const MrcBytes&) = delete;
  MrcBytes& operator=(MrcBytes&&) = delete;
  ~MrcBytes() = default;

  template <typename T>
  MrcBytes& set(std::size_t offset, T value) {
    put(value, bytes_.data() + offset);
    return *this;
  }
  MrcBytes& text(std::size_t offset, std::string_view text) {
    std::memcpy(bytes_.data() + offset, text.data(), text.size());
    return *this;
  }
  /// At the end: of the extended header, the data, or the tail.
  template <typename T>
  requires std::is_arithmetic_v<T> MrcBytes& append(T value) {
    put(value, bytes_.extend(sizeof(T)).data());
    return *this;
  }
  MrcBytes& append(std::string_view bytes) {
    bytes_.append(as_bytes(bytes));
    return *this;
  }
  [[nodiscard]] ByteSpan bytes() const noexcept { return bytes_; }
  [[nodiscard]] Buffer copy() const { return Buffer::copy_of(bytes_); }

 private:
  template <typename T>
  void put(T value, std::byte* to) const {
    std::byte raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      to[i] = raw[order_ == Order::big ? sizeof(T) - 1 - i : i];
    }
  }
  Order order_;
  Buffer bytes_;
};

}  // namespace cnf::em
