// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "cnf/core/storage/http/http_read_internal.h"
#include "cnf/core/storage/http/http_upload_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/http/http_write_internal.h"
#include "cnf/core/storage/s3/s3_client_internal.h"
#include "cnf/core/storage/s3/s3_storage_internal.h"
#include "cnf/core/storage/s3/s3_upload_internal.h"
#include "cnf/core/storage/s3/s3_xml_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// Source: CopyObject, Amazon S3 API Reference.
constexpr std::uint64_t kMostInOneCopy = std::uint64_t{5} << 30;
constexpr std::uint64_t kCopyPart = std::uint64_t{128} << 20;
constexpr std::uint64_t kMostParts = 10'000;

Error changed(const std::string& uri) {
  return {Errc::corrupt_data, "copy", uri, "the object changed while it was copied",
          "copy it again"};
}

}  // namespace

FileInfo S3Storage::do_copy(std::string_view from, std::string_view to, const WriteOptions& options,
                            const Context& context) {
  const auto head = client_->run(client_->call(RequestKind::head, "copy", "HEAD", from, context));
  if (head.error && head.error->code() == Errc::not_found) {
    throw Error(Errc::not_found, "copy", client_->uri(from), "no such object");
  }
  const FileInfo source = info_of(head.value());
  WriteOptions kept = options;
  kept.content_type = head.response.header("content-type").value_or(options.content_type);
  kept.size_hint = source.size;

  if (options.condition.kind() == Condition::Kind::none && source.size <= kMostInOneCopy) {
    auto call = client_->call(RequestKind::copy, "copy", "PUT", to, context);
    client_->describe_new(call.request);
    auto& headers = call.request.headers;
    headers.emplace_back("x-amz-copy-source", client_->copy_source(from));
    if (!source.etag.empty()) {
      headers.emplace_back("x-amz-copy-source-if-match", quote_etag(source.etag));
    }
    const auto outcome = client_->run(std::move(call));
    if (outcome.error && outcome.error->code() == Errc::precondition_failed) {
      throw changed(client_->uri(from));
    }
    FileInfo info = source;
    info.etag = parse_written_etag(outcome.value().body, client_->uri(to));
    if (const auto date = outcome.response.header("date")) {
      info.modified = parse_http_date(*date).value_or(info.modified);
    }
    return info;
  }
  // Conditions hold when an upload is completed, on every store that has them; the copy of a part
  // cannot be empty.
  if (source.size == 0) return do_create(to, kept, context)->commit();
  S3UploadProtocol protocol(client_, begin_write(to, client_->uri(to), kept, context),
                            S3UploadProtocol::Source{std::string(from), source.etag});
  Upload upload(protocol, client_->options().concurrency);
  const std::uint64_t step = std::max(kCopyPart, source.size / (kMostParts - 1) + 1);
  for (std::uint64_t offset = 0; offset < source.size; offset += step) {
    upload.add_copy(std::min(step, source.size - offset));
  }
  return upload.complete();
}

}  // namespace cnf::storage
