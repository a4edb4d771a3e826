// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_read_internal.h"
#include "cnf/core/storage/http/http_upload_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/http/http_write_internal.h"
#include "cnf/core/storage/s3/s3_client_internal.h"
#include "cnf/core/storage/s3/s3_upload_internal.h"
#include "cnf/core/storage/s3/s3_xml_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

constexpr std::string_view kMarkHeader = "x-amz-meta-cnf-write";
constexpr std::string_view kChecksumHeader = "x-amz-checksum-crc32c";

std::string crc32c_header(ByteSpan bytes) {
  const std::uint32_t crc = crc32c(bytes);
  const std::array<std::byte, 4> big_endian = {std::byte(crc >> 24U), std::byte(crc >> 16U & 0xffU),
                                               std::byte(crc >> 8U & 0xffU),
                                               std::byte(crc & 0xffU)};
  return to_base64(big_endian);
}

}  // namespace

// Source: "Amazon S3 multipart upload limits".
UploadLimits S3UploadProtocol::limits() const {
  return {.smallest_part = std::uint64_t{5} << 20,
          .largest_part = std::uint64_t{5} << 30,
          .most_parts = 10'000};
}

// The type, the mark and the encryption, to what makes the object.
void S3UploadProtocol::describe(HttpRequest& request) const {
  if (!object_.options.content_type.empty()) {
    request.headers.emplace_back("Content-Type", object_.options.content_type);
  }
  request.headers.emplace_back(kMarkHeader, object_.mark);
  client_->describe_new(request);
}

// To what makes it visible.
void S3UploadProtocol::condition(HttpRequest& request) const {
  const auto& condition = object_.options.condition;
  if (condition.kind() == Condition::Kind::if_absent) {
    request.headers.emplace_back("If-None-Match", "*");
  } else if (condition.kind() == Condition::Kind::if_match) {
    request.headers.emplace_back("If-Match", quote_etag(condition.etag()));
  }
}

FileInfo S3UploadProtocol::conclude(const HttpOutcome& outcome, std::uint64_t size) const {
  constexpr GoneCodes kGone{.object = "NoSuchKey", .upload = "NoSuchUpload"};
  return conclude_write(object_, outcome, size, kGone, [&]() -> std::optional<FileInfo> {
    const auto found = client_->run(
        client_->call(RequestKind::head, "commit", "HEAD", object_.key, object_.context));
    if (found.error || found.response.header(kMarkHeader) != object_.mark) return std::nullopt;
    return info_of(found.response);
  });
}

FileInfo S3UploadProtocol::put(ByteSpan whole) {
  for (;;) {
    auto call = client_->call(RequestKind::put, "write", "PUT", object_.key, object_.context);
    client_->set_body(call, whole);
    describe(call.request);
    condition(call.request);
    if (client_->sends_checksums()) {
      call.request.headers.emplace_back(kChecksumHeader, crc32c_header(whole));
    }
    const auto outcome = client_->run(std::move(call));
    if (!client_->drop_checksums_after(outcome)) return conclude(outcome, whole.size());
  }
}

void S3UploadProtocol::start() {
  for (;;) {
    checksums_ = !source_ && client_->sends_checksums();
    auto call = client_->call(RequestKind::put, "create", "POST", object_.key, object_.context);
    call.request.query.emplace_back("uploads", "");
    describe(call.request);
    if (checksums_) call.request.headers.emplace_back("x-amz-checksum-algorithm", "CRC32C");
    const auto outcome = client_->run(std::move(call));
    if (client_->drop_checksums_after(outcome)) continue;
    upload_id_ = parse_upload_id(outcome.value().body, object_.uri);
    return;
  }
}

HttpCall S3UploadProtocol::part_call(UploadPart& part, const Context& context) {
  const auto kind = source_ ? RequestKind::copy : RequestKind::put;
  auto call = client_->call(kind, "write", "PUT", object_.key, context);
  call.request.query = {{"partNumber", std::to_string(part.number)}, {"uploadId", upload_id_}};
  auto& headers = call.request.headers;
  if (source_) {
    headers.emplace_back("x-amz-copy-source", client_->copy_source(source_->key));
    headers.emplace_back(
        "x-amz-copy-source-range",
        "bytes=" + std::to_string(part.offset) + "-" + std::to_string(part.offset + part.size - 1));
    if (!source_->etag.empty()) {
      headers.emplace_back("x-amz-copy-source-if-match", quote_etag(source_->etag));
    }
    return call;
  }
  client_->set_body(call, part.bytes);
  if (checksums_) {
    part.checksum = crc32c_header(part.bytes);
    headers.emplace_back(kChecksumHeader, part.checksum);
  }
  return call;
}

void S3UploadProtocol::accept(UploadPart& part, const HttpResponse& response) const {
  part.receipt = source_ ? parse_written_etag(response.body, object_.uri)
                         : unquote_etag(response.header("etag").value_or(""));
  if (!part.receipt.empty()) return;
  throw Error(Errc::corrupt_data, "write", object_.uri, "the answer to a part has no ETag",
              "is the endpoint an S3 store?");
}

FileInfo S3UploadProtocol::complete(const std::deque<UploadPart>& parts, std::uint64_t size) {
  std::vector<S3Part> results;
  results.reserve(parts.size());
  for (const auto& part : parts) results.push_back({part.receipt, part.checksum});
  const std::string document = complete_document(results);

  auto call = client_->call(RequestKind::put, "commit", "POST", object_.key, object_.context);
  call.request.query.emplace_back("uploadId", upload_id_);
  call.request.headers.emplace_back("Content-Type", "application/xml");
  client_->set_body(call, as_bytes(document));
  condition(call.request);
  const auto outcome = client_->run(std::move(call));
  FileInfo info = conclude(outcome, size);
  if (!outcome.error) info.etag = parse_written_etag(outcome.response.body, object_.uri);
  return info;
}

bool S3UploadProtocol::abort(const Context& context) {
  auto call = client_->call(RequestKind::remove, "abort", "DELETE", object_.key, context);
  call.request.query.emplace_back("uploadId", upload_id_);
  return client_->run(std::move(call)).error.has_value();
}

}  // namespace cnf::storage
