// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cnf/core/storage/storage.h"

/// The JSON of Google Cloud Storage, as pure functions. What comes from a server is hostile: what
/// is no JSON, or lacks what it must have, throws one Error corrupt_data that names `subject`.
/// Source: "Cloud Storage JSON API", resource representations of objects.
namespace cnf::storage {

/// True for the number of a generation as GCS counts them: 1 and more. What `FileInfo::etag` is.
[[nodiscard]] bool is_generation(std::string_view text) noexcept;

/// An {"error": …} document.
struct GcsError {
  std::string reason;   ///< The first of errors[].reason: "rateLimitExceeded"; may be empty.
  std::string message;  ///< One line, cut to what may be shown.
};
/// nullopt if the text is no such document; never throws for what is in it.
[[nodiscard]] std::optional<GcsError> parse_gcs_error(std::string_view json);

/// An object resource.
struct GcsObject {
  FileInfo info;       ///< The key is set in lists only; the ETag is the generation.
  std::string crc32c;  ///< Base64 of its big-endian bytes; empty if the store did not say.
  std::string mark;    ///< The write that made it, as its metadata say; empty if none does.
};
/// The fields that parse_gcs_object() reads, as a request names them.
inline constexpr std::string_view kGcsObjectFields =
    "size,generation,updated,storageClass,crc32c,metadata";
[[nodiscard]] GcsObject parse_gcs_object(std::string_view json, std::string_view subject);

/// What makes an object of that type: its metadata, with the mark of the write.
/// \param crc32c  base64; empty if it is not known yet.
[[nodiscard]] std::string describe_gcs_object(std::string_view content_type, std::string_view mark,
                                              std::string_view crc32c);

/// The fields of an object that a copy of it keeps, as a request names them.
inline constexpr std::string_view kGcsKeptFields =
    "cacheControl,contentDisposition,contentEncoding,contentLanguage,contentType,metadata";
/// An object's resource for its copy: what kGcsKeptFields names, and another mark.
[[nodiscard]] std::string describe_gcs_copy(std::string_view json, std::string_view mark,
                                            std::string_view subject);

/// The fields that parse_gcs_list() reads, as a request names them.
inline constexpr std::string_view kGcsListFields =
    "nextPageToken,prefixes,items(name,size,generation,updated,storageClass)";
/// \param prefix  what was asked for: a key without it is refused.
[[nodiscard]] ListPage parse_gcs_list(std::string_view json, std::string_view prefix,
                                      std::string_view subject);

/// One answer of rewriteTo.
struct GcsRewrite {
  std::string token;                ///< To go on with; empty when it is done.
  std::optional<GcsObject> object;  ///< When it is done.
};
[[nodiscard]] GcsRewrite parse_gcs_rewrite(std::string_view json, std::string_view subject);

}  // namespace cnf::storage
