// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"

namespace cnf::em {

/// What a NumPy file (.npy, version 1.0) begins with; the elements follow in C order,
/// little-endian. A multiple of 64 bytes. Source: numpy/lib/format.py.
[[nodiscard]] std::string npy_header(DataType type, const Shape& shape);

}  // namespace cnf::em
