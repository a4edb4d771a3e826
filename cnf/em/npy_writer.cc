// SPDX-License-Identifier: Apache-2.0
#include "cnf/em/npy_writer.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"

namespace cnf::em {
namespace {

// NumPy's letter for a kind of number; a digit follows: the bytes of one.
char kind_of(DataType type) {
  if (type == DataType::bool8) return 'b';
  if (is_complex(type)) return 'c';
  if (is_floating(type)) return 'f';
  return to_string(type).starts_with('u') ? 'u' : 'i';
}

}  // namespace

std::string npy_header(DataType type, const Shape& shape) {
  constexpr std::size_t kAlignment = 64;
  const std::size_t size = size_of(type);
  const char order = size == 1 ? '|' : '<';
  std::string counts;
  for (const std::uint64_t count : shape) counts += fmt::format("{}, ", count);
  std::string text = fmt::format("{{'descr': '{}{}{}', 'fortran_order': False, 'shape': ({}), }}",
                                 order, kind_of(type), size, counts);
  // "\x93NUMPY", the version 1.0, the length of the text in two bytes, the text and a newline.
  constexpr std::size_t kFront = 10;
  const std::size_t bytes = (kFront + text.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  text.resize(bytes - kFront - 1, ' ');
  text += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(text.size() & 0xff);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

}  // namespace cnf::em
