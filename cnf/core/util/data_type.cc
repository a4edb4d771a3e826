// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/util/data_type.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace cnf {
namespace {

enum class Kind : unsigned char { boolean, integer, floating, complex };

struct Traits {
  std::string_view name;
  std::size_t bytes;
  Kind kind;
};

// In the order of DataType.
constexpr std::array kTraits{
    Traits{"bool", 1, Kind::boolean},      Traits{"int8", 1, Kind::integer},
    Traits{"int16", 2, Kind::integer},     Traits{"int32", 4, Kind::integer},
    Traits{"int64", 8, Kind::integer},     Traits{"uint8", 1, Kind::integer},
    Traits{"uint16", 2, Kind::integer},    Traits{"uint32", 4, Kind::integer},
    Traits{"uint64", 8, Kind::integer},    Traits{"float16", 2, Kind::floating},
    Traits{"float32", 4, Kind::floating},  Traits{"float64", 8, Kind::floating},
    Traits{"complex64", 8, Kind::complex}, Traits{"complex128", 16, Kind::complex},
};

const Traits& traits(DataType type) noexcept { return kTraits[static_cast<std::size_t>(type)]; }

}  // namespace

std::size_t size_of(DataType type) noexcept { return traits(type).bytes; }

std::size_t word_of(DataType type) noexcept {
  return is_complex(type) ? traits(type).bytes / 2 : traits(type).bytes;
}

std::string_view to_string(DataType type) noexcept { return traits(type).name; }

std::optional<DataType> data_type(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kTraits.size(); ++i) {
    if (kTraits[i].name == name) return static_cast<DataType>(i);
  }
  return std::nullopt;
}

bool is_floating(DataType type) noexcept { return traits(type).kind == Kind::floating; }
bool is_complex(DataType type) noexcept { return traits(type).kind == Kind::complex; }
bool is_integer(DataType type) noexcept { return traits(type).kind == Kind::integer; }

}  // namespace cnf
