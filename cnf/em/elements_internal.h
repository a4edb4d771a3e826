// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "cnf/core/util/data_type.h"

namespace cnf::em {

/// A run of elements that is copied; steps are bytes from one element to the next.
struct Strided {
  const std::byte* from = nullptr;
  std::size_t from_step = 0;
  std::byte* to = nullptr;
  std::size_t to_step = 0;
  std::size_t count = 0;
};

/// Copies elements, which need not be aligned, and turns the bytes of their words if `swap`.
void copy_elements(DataType type, const Strided& run, bool swap) noexcept;

}  // namespace cnf::em
