// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/metadata/seal.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"

namespace cnf::metadata {
namespace {

constexpr std::string_view kEnd = "\n}\n";

std::string seal_of(std::string_view text) {
  return fmt::format(",\n  \"{}\": \"{:08x}\"{}", kSealField, crc32c(as_bytes(text)), kEnd);
}

// Beyond 2^53 not every whole number is a double, and JavaScript writes an exponent from 10^21 on.
constexpr double kMostWhole = 9007199254740992;

void make_canonical(nlohmann::json& value) {
  if (value.is_structured()) {
    for (nlohmann::json& item : value) make_canonical(item);
  } else if (value.is_number_float()) {
    const auto number = value.get<double>();
    const bool whole = std::trunc(number) == number && std::abs(number) <= kMostWhole;
    if (whole) value = static_cast<std::int64_t>(number);
  }
}

std::string canonical_seal(nlohmann::json manifest) {
  make_canonical(manifest);
  return fmt::format("{:08x}", crc32c(as_bytes(manifest.dump())));
}

}  // namespace

std::string seal(std::string text) {
  text.resize(text.size() - kEnd.size());
  return text + seal_of(text);
}

void check_seal(ByteSpan sealed, std::string_view subject) {
  const std::string_view text = as_text(sealed);
  const std::size_t length = seal_of({}).size();
  const std::size_t start = text.size() < length ? 0 : text.size() - length;
  if (text.substr(start) != seal_of(text.substr(0, start))) {
    throw Error(Errc::corrupt_data, "read manifest", subject,
                "its last field is not the CRC32C of the text before it: it is damaged or was "
                "changed by hand");
  }
}

nlohmann::json seal_fields(nlohmann::json manifest) {
  manifest[kSealField] = canonical_seal(manifest);
  return manifest;
}

nlohmann::json check_sealed_fields(nlohmann::json sealed, std::string_view subject) {
  nlohmann::json seal;
  if (sealed.is_object() && sealed.contains(kSealField)) {
    seal = std::move(sealed[kSealField]);
    sealed.erase(kSealField);
  }
  if (seal != canonical_seal(sealed)) {
    throw Error(Errc::corrupt_data, "read manifest", subject,
                "its field crc32c is not the CRC32C of the others: it is damaged or was changed by "
                "hand");
  }
  return sealed;
}

}  // namespace cnf::metadata
