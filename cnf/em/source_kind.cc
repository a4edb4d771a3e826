// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "cnf/em/source.h"

namespace cnf::em {
namespace {

// In the order of Kind.
constexpr std::array<std::string_view, 5> kNames{"volume", "stack", "tilt_series", "movie",
                                                 "volume_stack"};

}  // namespace

std::string_view to_string(Kind kind) noexcept { return kNames[static_cast<std::size_t>(kind)]; }

std::optional<Kind> kind_of(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Kind>(i);
  }
  return std::nullopt;
}

}  // namespace cnf::em
