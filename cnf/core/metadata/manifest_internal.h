// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "cnf/core/metadata/metadata.h"
#include "cnf/core/util/buffer.h"

namespace cnf::metadata {

/// The JSON schema (draft 7) of every manifest, as text.
[[nodiscard]] std::string_view manifest_schema() noexcept;
/// validate_json with it, compiled once.
void validate_manifest(const nlohmann::json& document, std::string_view subject);

/// JSON from outside: no deeper than 64 levels, no key twice in an object. Throws Error
/// corrupt_data.
[[nodiscard]] nlohmann::json parse_json(ByteSpan text, std::string_view subject);

/// As parse_metadata, of what parse_json made of its text.
[[nodiscard]] Metadata read_metadata(nlohmann::json document, std::string_view subject);

/// "2025-01-02T03:04:05Z". Throws Error invalid_argument before year 0 or after 9999.
[[nodiscard]] std::string format_time(std::chrono::sys_seconds time);
/// RFC 3339 with any offset; fractions of seconds are dropped. nullopt if it is not that.
[[nodiscard]] std::optional<std::chrono::sys_seconds> parse_time(std::string_view text);

/// The major number of "1.2", "1.2.3" or "1.2.3-rc.1+x"; nullopt if it is no semantic version.
[[nodiscard]] std::optional<int> major_version(std::string_view version);

/// True for a relative key without ".", "..", empty segments, backslashes or control characters.
[[nodiscard]] bool is_safe_path(std::string_view path);

[[noreturn]] void throw_field(std::string_view subject, std::string_view field,
                              std::string_view why);

/// The name of a chunk, as chunk::chunk_path gives it.
[[nodiscard]] std::string chunk_name(std::uint64_t number, std::string_view id);
/// A chunk's name taken apart; nullopt if it is none.
struct ChunkName {
  std::uint64_t number = 0;
  std::string id;
};
[[nodiscard]] std::optional<ChunkName> parse_chunk_name(std::string_view name);

}  // namespace cnf::metadata
