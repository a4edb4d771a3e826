// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/storage/storage.h"

/// S3's XML, as pure functions. What comes from a server is hostile: a document with a DOCTYPE, one
/// that is not well-formed, or that lacks what it must have, throws one Error corrupt_data that
/// names `subject`.
namespace cnf::storage {

/// An <Error> document.
struct S3Error {
  std::string code;
  std::string message;        ///< One line, cut to what may be shown.
  std::string region = {};    ///< Where the bucket is, if the error is about that, and
  std::string endpoint = {};  ///< the host that it is to be asked at.
};
/// nullopt if the text is no <Error> document; never throws for what is in it.
[[nodiscard]] std::optional<S3Error> parse_s3_error(std::string_view xml);

/// <ListBucketResult> of ListObjectsV2, whose keys may be URL-encoded if it says so.
/// \param prefix  what was asked for: a key without it is refused.
[[nodiscard]] ListPage parse_list_page(std::string_view xml, std::string_view prefix,
                                       std::string_view subject);

struct S3DeleteFailure {
  std::string key;
  std::string code;
  std::string message;
};
/// The <Error> elements of a <DeleteResult>.
[[nodiscard]] std::vector<S3DeleteFailure> parse_delete_result(std::string_view xml,
                                                               std::string_view subject);

/// The UploadId of an <InitiateMultipartUploadResult>; not empty.
[[nodiscard]] std::string parse_upload_id(std::string_view xml, std::string_view subject);

/// <ListMultipartUploadsResult>, whose keys may be URL-encoded if it says so.
struct S3UploadPage {
  std::vector<UnfinishedUpload> uploads;
  std::string next_key;  ///< Where the next page begins; empty on the last one.
  std::string next_id;
};
[[nodiscard]] S3UploadPage parse_uploads(std::string_view xml, std::string_view subject);

/// The ETag, without quotes, of <CompleteMultipartUploadResult>, <CopyObjectResult> or
/// <CopyPartResult>; not empty.
[[nodiscard]] std::string parse_written_etag(std::string_view xml, std::string_view subject);

/// True if every store reads the key out of XML as it was meant: printable ASCII.
[[nodiscard]] bool is_safe_in_xml(std::string_view key) noexcept;
/// A <Delete> document in quiet mode; every key must be safe in XML.
[[nodiscard]] std::string delete_document(std::span<const std::string> keys);

struct S3Part {
  std::string etag;
  std::string crc32c;  ///< Base64; empty if the store takes none.
};
/// A <CompleteMultipartUpload> document of parts 1, 2, …
[[nodiscard]] std::string complete_document(std::span<const S3Part> parts);

/// "2009-10-12T17:50:30.000Z"; nullopt for anything else.
[[nodiscard]] std::optional<std::chrono::sys_seconds> parse_iso8601(std::string_view text);

}  // namespace cnf::storage
