// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "cnf/core/util/error.h"

namespace cnf::storage::real {

/// So many bytes without a pattern that a compressor or a mistake of order would leave alone;
/// another state gives others.
[[nodiscard]] inline std::string pattern(std::size_t size, std::uint64_t state = 1) {
  std::string out(size, '\0');
  for (char& c : out) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    c = static_cast<char>(state >> 56U);
  }
  return out;
}

/// What the action threw; internal if it threw nothing.
[[nodiscard]] inline Errc code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return Errc::internal;
}

}  // namespace cnf::storage::real
