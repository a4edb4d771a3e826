// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"

namespace cnf {

/// Whether values of one type can be told in another at all: all but complex ones in real ones.
[[nodiscard]] bool is_convertible(DataType from, DataType to) noexcept;

/// The same values in another type: floats to integers round half to even, wider floats to narrower
/// ones as IEEE 754 has it. Nothing is clipped: throws Error invalid_argument, naming `subject`,
/// the element and its value, where one does not fit (NaN fits no integer, what is not 0 or 1 no
/// bool), or the types are not convertible; then `to` is unspecified. \param from  a whole number
/// of elements, which need not be aligned; \param to  as many of `to_type`
void convert_elements(DataType from_type, ByteSpan from, DataType to_type, MutableByteSpan to,
                      std::string_view subject);

}  // namespace cnf
