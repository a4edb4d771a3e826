// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/http_engine_internal.h"
#include "cnf/core/storage/http_read_internal.h"
#include "cnf/core/storage/http_url_internal.h"
#include "cnf/core/storage/s3_client_internal.h"
#include "cnf/core/storage/s3_write_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

constexpr std::string_view kMarkHeader = "x-amz-meta-cnf-write";

}  // namespace

S3Commit::S3Commit(std::shared_ptr<S3Client> client, std::string key, const WriteOptions& options,
                   Context context)
    : client_(std::move(client)),
      key_(std::move(key)),
      options_(options),
      context_(std::move(context)),
      mark_(random_id(16)) {
  const auto& type = options_.content_type;
  const bool printable =
      std::all_of(type.begin(), type.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  if (!printable) {
    throw Error(Errc::invalid_argument, "create", client_->uri(key_),
                "the content type has a character that no header can have");
  }
}

void S3Commit::describe(HttpRequest& request) const {
  if (!options_.content_type.empty()) {
    request.headers.emplace_back("Content-Type", options_.content_type);
  }
  request.headers.emplace_back(kMarkHeader, mark_);
}

void S3Commit::condition(HttpRequest& request) const {
  switch (options_.condition.kind()) {
    case Condition::Kind::none:
      return;
    case Condition::Kind::if_absent:
      request.headers.emplace_back("If-None-Match", "*");
      return;
    case Condition::Kind::if_match:
      request.headers.emplace_back("If-Match", quote_etag(options_.condition.etag()));
  }
}

// The object on the store, if it is the one that this write made.
std::optional<FileInfo> S3Commit::find_own() const {
  const auto outcome =
      client_->run(client_->call(RequestKind::head, "commit", "HEAD", key_, context_));
  if (outcome.error || outcome.response.header(kMarkHeader) != mark_) return std::nullopt;
  return info_of(outcome.response);
}

FileInfo S3Commit::conclude(const HttpOutcome& outcome, std::uint64_t size) const {
  if (!outcome.error) {
    FileInfo info;
    info.size = size;
    info.etag = unquote_etag(outcome.response.header("etag").value_or(""));
    if (const auto date = outcome.response.header("date")) {
      info.modified = parse_http_date(*date).value_or(std::chrono::sys_seconds{});
    }
    return info;
  }
  const auto code = outcome.error->code();
  const bool refused = code == Errc::precondition_failed || code == Errc::not_found ||
                       outcome.provider_code == "NoSuchUpload";
  if (refused && outcome.sent_again) {
    if (auto own = find_own()) return *own;
  }
  const auto kind = options_.condition.kind();
  if (kind == Condition::Kind::if_absent && code == Errc::precondition_failed) {
    throw Error(Errc::already_exists, "commit", client_->uri(key_), "the object is there already",
                "choose another name, or replace it on purpose");
  }
  const bool gone = outcome.provider_code == "NoSuchKey";
  if (kind == Condition::Kind::if_match && (code == Errc::precondition_failed || gone)) {
    throw Error(
        Errc::precondition_failed, "commit", client_->uri(key_),
        gone ? "the object is gone" : "somebody else has written the object since it was read",
        "read it again and repeat the change");
  }
  throw *outcome.error;
}

}  // namespace cnf::storage
