// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"

namespace cnf::metadata {

/// The manifest's last field, `"crc32c": "01234567"`, is the CRC32C of all text before it: the one
/// object that no other vouches for vouches for itself.

/// \param text  a manifest as to_json gives it. Returns it with the field.
[[nodiscard]] std::string seal(std::string text);

/// Throws Error corrupt_data, naming `subject`, unless `sealed` ends in that field and it is right.
void check_seal(ByteSpan sealed, std::string_view subject);

/// The same for a manifest inside a document that other tools may indent or order anew: the field's
/// value is the CRC32C of the manifest without it as canonical text, which has keys sorted, no
/// white space, and no fraction in numbers that are whole (JavaScript writes 1.0 as 1).
[[nodiscard]] nlohmann::json seal_fields(nlohmann::json manifest);
/// Returns the manifest without the field. Throws Error corrupt_data unless it is right.
[[nodiscard]] nlohmann::json check_sealed_fields(nlohmann::json sealed, std::string_view subject);

/// The name of the field; it is none of the manifest's own.
inline constexpr const char* kSealField = "crc32c";

}  // namespace cnf::metadata
