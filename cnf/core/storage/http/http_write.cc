// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/http/http_write_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

FileInfo told_by(const HttpResponse& response, std::uint64_t size) {
  FileInfo out;
  out.size = size;
  out.etag = unquote_etag(response.header("etag").value_or(""));
  if (const auto date = response.header("date")) {
    out.modified = parse_http_date(*date).value_or(std::chrono::sys_seconds{});
  }
  return out;
}

}  // namespace

ObjectWrite begin_write(std::string_view key, std::string uri, const WriteOptions& options,
                        const Context& context) {
  const auto& type = options.content_type;
  const bool printable =
      std::all_of(type.begin(), type.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  if (!printable) {
    throw Error(Errc::invalid_argument, "create", uri,
                "the content type has a character that no header can have");
  }
  return {std::string(key), std::move(uri), options, context, random_id(16)};
}

FileInfo conclude_write(const ObjectWrite& write, const HttpOutcome& outcome, std::uint64_t size,
                        const GoneCodes& gone, const FindOwn& find_own) {
  if (!outcome.error) return told_by(outcome.response, size);
  const auto code = outcome.error->code();
  const auto& said = outcome.provider_code;
  const bool unmet = code == Errc::precondition_failed || code == Errc::already_exists;
  const bool refused =
      unmet || code == Errc::not_found || (!gone.upload.empty() && said == gone.upload);
  if (refused && outcome.sent_again) {
    if (auto own = find_own()) return *std::move(own);
  }
  const auto kind = write.options.condition.kind();
  if (kind == Condition::Kind::if_absent && unmet) {
    throw Error(Errc::already_exists, "commit", write.uri, "the object is there already",
                "choose another name, or replace it on purpose");
  }
  const bool object_gone = !gone.object.empty() && said == gone.object;
  if (kind == Condition::Kind::if_match && (unmet || object_gone)) {
    throw Error(Errc::precondition_failed, "commit", write.uri,
                object_gone ? "the object is gone"
                            : "somebody else has written the object since it was read",
                "read it again and repeat the change");
  }
  throw *outcome.error;
}

}  // namespace cnf::storage
