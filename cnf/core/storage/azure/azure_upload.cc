// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/storage/azure/azure_client_internal.h"
#include "cnf/core/storage/azure/azure_upload_internal.h"
#include "cnf/core/storage/azure/azure_xml_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_read_internal.h"
#include "cnf/core/storage/http/http_upload_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/http/http_write_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// Names of metadata are identifiers of C#: no hyphen.
constexpr std::string_view kMarkHeader = "x-ms-meta-cnf_write";

}  // namespace

// Source: "Put Block" and "Put Block List", Azure Storage services REST API reference. Blocks that
// are in no list are discarded after a week, or with the next write of the blob.
UploadLimits AzureUploadProtocol::limits() const {
  return {.smallest_part = 1,
          .largest_part = std::uint64_t{4'000} << 20,
          .most_parts = 50'000,
          .parts_expire = true};
}

// The type, the metadata and the mark, to what makes the blob.
void AzureUploadProtocol::describe(HttpRequest& request) const {
  auto& headers = request.headers;
  if (!object_.options.content_type.empty()) {
    headers.emplace_back("x-ms-blob-content-type", object_.options.content_type);
  }
  headers.insert(headers.end(), metadata_.begin(), metadata_.end());
  headers.emplace_back(kMarkHeader, object_.mark);
}

// To what makes it visible.
void AzureUploadProtocol::condition(HttpRequest& request) const {
  const auto& condition = object_.options.condition;
  if (condition.kind() == Condition::Kind::if_absent) {
    request.headers.emplace_back("If-None-Match", "*");
  } else if (condition.kind() == Condition::Kind::if_match) {
    request.headers.emplace_back("If-Match", quote_etag(condition.etag()));
  }
}

FileInfo AzureUploadProtocol::conclude(const HttpOutcome& outcome, std::uint64_t size) const {
  constexpr GoneCodes kGone{.object = "BlobNotFound", .upload = "InvalidBlockList"};
  return conclude_write(object_, outcome, size, kGone, [&]() -> std::optional<FileInfo> {
    const auto found = client_->run(
        client_->call(RequestKind::head, "commit", "HEAD", object_.key, object_.context));
    if (found.error || found.response.header(kMarkHeader) != object_.mark) return std::nullopt;
    return info_of(found.response);
  });
}

FileInfo AzureUploadProtocol::put(ByteSpan whole) {
  auto call = client_->call(RequestKind::put, "write", "PUT", object_.key, object_.context);
  client_->set_body(call, whole);
  call.request.headers.emplace_back("x-ms-blob-type", "BlockBlob");
  describe(call.request);
  condition(call.request);
  return conclude(client_->run(std::move(call)), whole.size());
}

// Of one length for all of a blob's blocks, as the service demands.
std::string AzureUploadProtocol::block_id(unsigned number) const {
  const std::string text = fmt::format("{:.16}-{:07}", object_.mark, number);
  return to_base64(as_bytes(text));
}

HttpCall AzureUploadProtocol::part_call(UploadPart& part, const Context& context) {
  const auto kind = source_ ? RequestKind::copy : RequestKind::put;
  auto call = client_->call(kind, "write", "PUT", object_.key, context);
  call.request.query = {{"comp", "block"}, {"blockid", block_id(part.number)}};
  if (!source_) {
    client_->set_body(call, part.bytes);
    return call;
  }
  auto& headers = call.request.headers;
  headers.emplace_back("x-ms-copy-source", client_->copy_source(source_->key));
  headers.emplace_back("x-ms-source-range",
                       fmt::format("bytes={}-{}", part.offset, part.offset + part.size - 1));
  headers.emplace_back("x-ms-source-if-match", quote_etag(source_->etag));
  return call;
}

void AzureUploadProtocol::accept(UploadPart& part, const HttpResponse& /*response*/) const {
  part.receipt = block_id(part.number);
}

FileInfo AzureUploadProtocol::complete(const std::deque<UploadPart>& parts, std::uint64_t size) {
  std::vector<std::string> ids;
  ids.reserve(parts.size());
  for (const auto& part : parts) ids.push_back(part.receipt);
  const std::string document = block_list_document(ids);
  auto call = client_->call(RequestKind::put, "commit", "PUT", object_.key, object_.context);
  call.request.query = {{"comp", "blocklist"}};
  client_->set_body(call, as_bytes(document));
  describe(call.request);
  condition(call.request);
  return conclude(client_->run(std::move(call)), size);
}

FileInfo AzureUploadProtocol::copy_whole(std::uint64_t size) {
  auto call = client_->call(RequestKind::copy, "copy", "PUT", object_.key, object_.context);
  auto& headers = call.request.headers;
  headers.emplace_back("x-ms-requires-sync", "true");
  headers.emplace_back("x-ms-copy-source", client_->copy_source(source_->key));
  headers.emplace_back("x-ms-source-if-match", quote_etag(source_->etag));
  headers.insert(headers.end(), metadata_.begin(), metadata_.end());
  headers.emplace_back(kMarkHeader, object_.mark);
  condition(call.request);
  const auto outcome = client_->run(std::move(call));
  if (!outcome.error && outcome.response.header("x-ms-copy-status") != "success") {
    throw Error(Errc::corrupt_data, "copy", object_.uri, "the store did not say that it is done",
                "is the endpoint Azure Blob Storage?");
  }
  return conclude(outcome, size);
}

}  // namespace cnf::storage
