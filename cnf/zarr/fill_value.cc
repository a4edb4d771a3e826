// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/util/data_type.h"
#include "cnf/core/util/float16.h"
#include "cnf/zarr/json_internal.h"
#include "cnf/zarr/metadata.h"

// Fill values as the specification of Zarr v3 spells them ("Fill value" of each data type).

namespace cnf::zarr {
namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse_value(const Json& value, DataType type, std::string_view subject) {
  refuse(subject,
         fmt::format("the fill_value {} is no {}",
                     in_quotes(value.is_structured() ? "[…]" : value.dump()), to_string(type)));
}

/// The low bytes of `bits`, little-endian.
void append(std::vector<std::byte>& out, std::uint64_t bits, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) {
    out.push_back(static_cast<std::byte>(bits >> (8 * i) & 0xffU));
  }
}

std::optional<std::uint64_t> bits_of(double value, std::size_t bytes) {
  switch (bytes) {
    case 2:
      return float16_bits(static_cast<float>(value));
    case 4:
      return std::bit_cast<std::uint32_t>(static_cast<float>(value));
    default:
      return std::bit_cast<std::uint64_t>(value);
  }
}

std::optional<std::uint64_t> bits_of(std::string_view text, std::size_t bytes) {
  if (text == "NaN") return bits_of(std::numeric_limits<double>::quiet_NaN(), bytes);
  if (text == "Infinity") return bits_of(std::numeric_limits<double>::infinity(), bytes);
  if (text == "-Infinity") return bits_of(-std::numeric_limits<double>::infinity(), bytes);
  if (!text.starts_with("0x") || text.size() != 2 + 2 * bytes) return std::nullopt;
  std::uint64_t bits = 0;
  const auto parsed = std::from_chars(text.data() + 2, text.data() + text.size(), bits, 16);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return bits;
}

void append_float(std::vector<std::byte>& out, const Json& value, DataType type,
                  std::string_view subject) {
  const std::size_t bytes = word_of(type);
  std::optional<std::uint64_t> bits;
  if (value.is_number()) bits = bits_of(value.get<double>(), bytes);
  if (value.is_string()) bits = bits_of(value.get_ref<const std::string&>(), bytes);
  if (!bits) refuse_value(value, type, subject);
  append(out, *bits, bytes);
}

/// Some writers give integers as floats: 0.0.
std::optional<Json> as_integer(const Json& value) {
  if (value.is_number_integer()) return value;
  if (value.is_boolean()) return Json(value.get<bool>() ? 1 : 0);
  if (!value.is_number_float()) return std::nullopt;
  const auto number = value.get<double>();
  if (number != std::trunc(number) || std::abs(number) > 0x1p53) return std::nullopt;
  return Json(static_cast<std::int64_t>(number));
}

void append_integer(std::vector<std::byte>& out, const Json& value, DataType type,
                    std::string_view subject) {
  const std::optional<Json> number = as_integer(value);
  if (!number) refuse_value(value, type, subject);
  const std::size_t bytes = size_of(type);
  const bool has_sign = type >= DataType::int8 && type <= DataType::int64;
  const unsigned bits = static_cast<unsigned>(8 * bytes) - (has_sign ? 1U : 0U);
  const std::uint64_t most = type == DataType::bool8 ? 1 : ~std::uint64_t{0} >> (64U - bits);
  if (!number->is_number_unsigned() && number->get<std::int64_t>() < 0) {
    const std::int64_t negative = number->get<std::int64_t>();
    if (!has_sign || negative < -static_cast<std::int64_t>(most) - 1) {
      refuse_value(value, type, subject);
    }
    return append(out, static_cast<std::uint64_t>(negative), bytes);
  }
  if (number->get<std::uint64_t>() > most) refuse_value(value, type, subject);
  append(out, number->get<std::uint64_t>(), bytes);
}

}  // namespace

std::vector<std::byte> parse_fill(const Json& value, DataType type, std::string_view subject) {
  std::vector<std::byte> fill;
  if (is_complex(type)) {
    const bool is_pair = value.is_array() && value.size() == 2;
    if (!is_pair && !value.is_number()) refuse_value(value, type, subject);
    append_float(fill, is_pair ? value[0] : value, type, subject);
    append_float(fill, is_pair ? value[1] : Json(0.0), type, subject);
  } else if (is_floating(type)) {
    append_float(fill, value, type, subject);
  } else {
    append_integer(fill, value, type, subject);
  }
  return fill;
}

}  // namespace cnf::zarr
