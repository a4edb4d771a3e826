// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/planes_internal.h"
#include "cnf/em/source.h"

namespace cnf::em {
namespace {

template <std::size_t kWord>
void swap_words(MutableByteSpan elements) noexcept {
  for (std::size_t i = 0; i + kWord <= elements.size(); i += kWord) {
    std::reverse(elements.data() + i, elements.data() + i + kWord);
  }
}

}  // namespace

std::string page_axis(Kind kind, std::string_view subject) {
  switch (kind) {
    case Kind::volume:
      return "z";
    case Kind::stack:
      return "n";
    case Kind::tilt_series:
    case Kind::movie:
      return "t";
    case Kind::volume_stack:
      break;
  }
  throw Error(Errc::invalid_argument, "read", subject,
              "its pages do not tell where one volume ends and the next begins",
              "import it as a volume or a stack");
}

std::size_t copy_window(ByteSpan plane, const Box& box, std::uint64_t width, std::size_t element,
                        MutableByteSpan into, std::size_t at) {
  const std::size_t y_axis = box.begin.size() - 2;
  const std::size_t x_axis = box.begin.size() - 1;
  const std::size_t row_bytes = (box.end[x_axis] - box.begin[x_axis]) * element;
  for (std::uint64_t y = box.begin[y_axis]; y != box.end[y_axis]; ++y) {
    const ByteSpan row = plane.subspan((y * width + box.begin[x_axis]) * element, row_bytes);
    std::memcpy(into.data() + at, row.data(), row_bytes);
    at += row_bytes;
  }
  return at;
}

void swap_bytes(MutableByteSpan elements, std::size_t word) noexcept {
  if (word == 2) swap_words<2>(elements);
  if (word == 4) swap_words<4>(elements);
  if (word == 8) swap_words<8>(elements);
}

}  // namespace cnf::em
