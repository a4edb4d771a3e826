// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cnf::storage {

/// S3's limit, in bytes; the other stores allow at least as much.
inline constexpr std::size_t kMaxKeyBytes = 1024;

/// Throws Error invalid_argument, naming `store` (a URI), unless `key` may name an object: see
/// Storage. The same rule everywhere, so that what one store takes can be copied to any other.
void check_key(std::string_view doing, std::string_view key, std::string_view store);

/// The same for the prefix of a listing: its last segment may be cut off anywhere.
void check_prefix(std::string_view doing, std::string_view prefix, std::string_view store);

/// "a/b" and "c" make "a/b/c"; an empty folder changes nothing.
[[nodiscard]] std::string join_key(std::string_view folder, std::string_view key);

/// A key as it stands in a URI that people read and from_uri takes back: only what would end the
/// path or be decoded ('%', '?', '#') is percent-encoded.
[[nodiscard]] std::string key_in_uri(std::string_view key);

}  // namespace cnf::storage
