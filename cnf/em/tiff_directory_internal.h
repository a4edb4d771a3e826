// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"

namespace cnf::em {

/// One directory of a TIFF file that is being written: its fields in the order of their tags, and
/// the values that do not fit into them. Source: TIFF 6.0, section 2; BigTIFF.
class TiffDirectory {
 public:
  explicit TiffDirectory(bool big) : big_(big) {}

  void add(std::uint16_t tag, std::uint16_t value);
  void add(std::uint16_t tag, std::uint32_t value);
  void add(std::uint16_t tag, std::string_view text);
  /// As near to `number` as two integers of 32 bits get.
  void add_rational(std::uint16_t tag, double number);
  void add_offsets(std::uint16_t tag, const std::vector<std::uint64_t>& offsets);

  /// Of the directory and its values; a multiple of 8.
  [[nodiscard]] std::uint64_t size() const;
  /// \param at    where it will lie.
  /// \param next  where the next one will; 0 after the last.
  [[nodiscard]] Buffer bytes(std::uint64_t at, std::uint64_t next) const;

 private:
  enum class Type : std::uint16_t { ascii = 2, uint16 = 3, uint32 = 4, rational = 5, uint64 = 16 };
  struct Field {
    std::uint16_t tag = 0;
    Type type = Type::uint16;
    std::uint64_t count = 0;
    Buffer value;
  };

  [[nodiscard]] std::size_t slot() const { return big_ ? 8 : 4; }  // what a field itself holds
  [[nodiscard]] std::uint64_t front() const;                       // bytes before the first value
  [[nodiscard]] std::uint64_t outside(const Field& field) const;

  bool big_;
  std::vector<Field> fields_;
};

/// What the file begins with: the first directory follows.
[[nodiscard]] Buffer tiff_header(bool big);

/// Appends zeros until there are `size` bytes.
void pad(Buffer& bytes, std::uint64_t size);

}  // namespace cnf::em
