// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cnf {

/// What an element of an array is, by the names of the Zarr v3 specification.
enum class DataType : std::uint8_t {
  bool8,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float16,
  float32,
  float64,
  complex64,   ///< Two float32: real, imaginary.
  complex128,  ///< Two float64.
};

/// Bytes of one element.
[[nodiscard]] std::size_t size_of(DataType type) noexcept;
/// Bytes whose order tells endianness: half an element where it is complex.
[[nodiscard]] std::size_t word_of(DataType type) noexcept;
/// "bool", "int16", "complex64".
[[nodiscard]] std::string_view to_string(DataType type) noexcept;
/// nullopt for any other name.
[[nodiscard]] std::optional<DataType> data_type(std::string_view name) noexcept;

[[nodiscard]] bool is_floating(DataType type) noexcept;  ///< float16, float32, float64
[[nodiscard]] bool is_complex(DataType type) noexcept;
[[nodiscard]] bool is_integer(DataType type) noexcept;  ///< Not bool8.

}  // namespace cnf
