// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/json_internal.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr {
namespace {

using Json = nlohmann::json;

/// No document of the field nests deeper than a dozen; values are copied by recursion.
constexpr int kMaxDepth = 64;

}  // namespace

void refuse(std::string_view subject, std::string_view why) {
  throw Error(Errc::corrupt_data, "read", subject, why);
}

void not_read_here(std::string_view subject, std::string_view why) {
  throw Error(Errc::unsupported, "read", subject, why);
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kMost = 60;
  std::string out = "\"";
  for (const char c : text.substr(0, kMost)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  return out + (text.size() > kMost ? "…\"" : "\"");
}

Json parse_document(ByteSpan text, std::string_view subject) {
  const auto guard = [&](int depth, Json::parse_event_t /*event*/, Json& /*parsed*/) {
    if (depth > kMaxDepth) refuse(subject, fmt::format("it nests deeper than {}", kMaxDepth));
    return true;
  };
  const std::string_view characters = as_text(text);
  try {
    return Json::parse(characters.begin(), characters.end(), guard);
  } catch (const Json::exception& error) {
    refuse(subject, fmt::format("it is not JSON: {}", in_quotes(error.what())));
  }
}

const Json& member(const Json& object, const char* name, std::string_view subject) {
  if (!object.is_object()) {
    refuse(subject, fmt::format("{} is looked for in what is no JSON object", name));
  }
  const auto found = object.find(name);
  if (found == object.end()) refuse(subject, fmt::format("it has no {}", name));
  return *found;
}

const Json* optional_member(const Json& object, const char* name) noexcept {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

const std::string& text_of(const Json& value, const char* what, std::string_view subject) {
  if (!value.is_string()) refuse(subject, fmt::format("{} is not a text", what));
  return value.get_ref<const std::string&>();
}

std::int64_t integer_of(const Json& value, const char* what, std::int64_t least, std::int64_t most,
                        std::string_view subject) {
  const bool fits =
      value.is_number_integer() &&
      (!value.is_number_unsigned() || value.get<std::uint64_t>() <= std::uint64_t{1} << 62);
  const std::int64_t number = fits ? value.get<std::int64_t>() : 0;
  if (!fits || number < least || number > most) {
    refuse(subject, fmt::format("{} is not an integer from {} to {}", what, least, most));
  }
  return number;
}

Shape shape_of(const Json& value, const char* what, std::uint64_t least, std::string_view subject) {
  if (!value.is_array()) refuse(subject, fmt::format("{} is not a list", what));
  if (value.size() > kMaxDimensions) {
    not_read_here(subject, fmt::format("{} has {} axes; at most {} are read", what, value.size(),
                                       kMaxDimensions));
  }
  constexpr auto kMost = std::int64_t{1} << 62;
  Shape shape;
  for (const Json& count : value) {
    shape.push_back(static_cast<std::uint64_t>(
        integer_of(count, what, static_cast<std::int64_t>(least), kMost, subject)));
  }
  return shape;
}

Named named(const Json& value, const char* what, std::string_view subject) {
  if (value.is_string()) return {.name = value.get<std::string>()};
  if (!value.is_object()) {
    refuse(subject, fmt::format("{} is neither a name nor an object with one", what));
  }
  Named result{.name = text_of(member(value, "name", subject), what, subject)};
  if (const Json* configuration = optional_member(value, "configuration")) {
    if (!configuration->is_object()) {
      refuse(subject, fmt::format("the configuration of {} is no object", in_quotes(result.name)));
    }
    result.configuration = *configuration;
  }
  return result;
}

}  // namespace cnf::zarr
