// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <chrono>
#include <optional>
#include <string>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_read_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {

FileInfo info_of(const HttpResponse& head) {
  FileInfo out;
  const auto length = head.header("content-length").value_or("");
  std::from_chars(length.data(), length.data() + length.size(), out.size);
  out.etag = unquote_etag(head.header("etag").value_or(""));
  if (const auto date = head.header("last-modified")) {
    out.modified = parse_http_date(*date).value_or(std::chrono::sys_seconds{});
  }
  for (const auto name : {"x-amz-storage-class", "x-goog-storage-class", "x-ms-access-tier"}) {
    if (const auto storage_class = head.header(name)) out.storage_class = *storage_class;
  }
  return out;
}

std::optional<Error> read_error(const HttpOutcome& outcome, const std::string& uri) {
  if (!outcome.error || outcome.error->code() != Errc::precondition_failed) return outcome.error;
  return Error(Errc::corrupt_data, "read", uri, "the object changed while it was read",
               "read it again");
}

}  // namespace cnf::storage
