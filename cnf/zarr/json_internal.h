// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/util/shape.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr {

// Fields of documents from outside: each is checked before it is used, and what is wrong is said
// with the field's name.

/// Throws Error corrupt_data: the document is not what the specification says.
[[noreturn]] void refuse(std::string_view subject, std::string_view why);
/// Throws Error unsupported: well-formed, and not read here.
[[noreturn]] void not_read_here(std::string_view subject, std::string_view why);

/// Text from outside as it may stand in a message: short, and without control characters.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// Throws Error corrupt_data unless `object` is an object with this member.
[[nodiscard]] const nlohmann::json& member(const nlohmann::json& object, const char* name,
                                           std::string_view subject);
/// nullptr if there is none, or it is null.
[[nodiscard]] const nlohmann::json* optional_member(const nlohmann::json& object,
                                                    const char* name) noexcept;
[[nodiscard]] const std::string& text_of(const nlohmann::json& value, const char* what,
                                         std::string_view subject);
[[nodiscard]] std::int64_t integer_of(const nlohmann::json& value, const char* what,
                                      std::int64_t least, std::int64_t most,
                                      std::string_view subject);
/// \param least  what each count must be at least. Throws unsupported beyond kMaxDimensions.
[[nodiscard]] Shape shape_of(const nlohmann::json& value, const char* what, std::uint64_t least,
                             std::string_view subject);

/// What stands under "name" and "configuration", or, in short, the name alone.
struct Named {
  std::string name;
  nlohmann::json configuration = nlohmann::json::object();
};
[[nodiscard]] Named named(const nlohmann::json& value, const char* what, std::string_view subject);

/// One element, little-endian. \param value  as Zarr v3 spells it; v2's spellings are among them.
[[nodiscard]] std::vector<std::byte> parse_fill(const nlohmann::json& value, DataType type,
                                                std::string_view subject);

/// The codecs of v3. \param array  whose chunk, type and fill are known already.
[[nodiscard]] std::vector<Codec> parse_codecs(const nlohmann::json& value,
                                              const ArrayMetadata& array, std::string_view subject);

/// '/' or '.'.
[[nodiscard]] char parse_separator(const nlohmann::json& value, std::string_view subject);

/// Checks what holds in both versions: a chunk that decodes by itself is under 2 GiB
/// (kMaxChunkBytes), the array's bytes are countable. Throws Error unsupported.
void check_sizes(const ArrayMetadata& array, std::string_view subject);

}  // namespace cnf::zarr
