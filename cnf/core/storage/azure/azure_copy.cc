// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/azure/azure_client_internal.h"
#include "cnf/core/storage/azure/azure_storage_internal.h"
#include "cnf/core/storage/azure/azure_upload_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_read_internal.h"
#include "cnf/core/storage/http/http_upload_internal.h"
#include "cnf/core/storage/http/http_write_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// Source: "Copy Blob From URL", Azure Storage services REST API reference.
constexpr std::uint64_t kMostInOneCopy = std::uint64_t{256} << 20;
constexpr std::uint64_t kCopyPart = std::uint64_t{128} << 20;

// What people said about the blob; not whose write it was.
HttpHeaders metadata_of(const HttpResponse& head) {
  HttpHeaders out;
  for (const auto& [name, value] : head.headers) {
    if (name.starts_with("x-ms-meta-") && name != "x-ms-meta-cnf_write") {
      out.emplace_back(name, value);
    }
  }
  return out;
}

}  // namespace

// Both ways end before they answer. An asynchronous copy would show a blob that has no bytes yet.
FileInfo AzureStorage::do_copy(std::string_view from, std::string_view to,
                               const WriteOptions& options, const Context& context) {
  const auto head = client_->run(client_->call(RequestKind::head, "copy", "HEAD", from, context));
  if (head.provider_code == "BlobNotFound") {
    throw Error(Errc::not_found, "copy", client_->uri(from), "no such object");
  }
  const FileInfo source = info_of(head.value());
  WriteOptions kept = options;
  kept.content_type = head.response.header("content-type").value_or(options.content_type);
  kept.size_hint = source.size;
  AzureUploadProtocol protocol(client_, begin_write(to, client_->uri(to), kept, context),
                               metadata_of(head.response),
                               AzureUploadProtocol::Source{std::string(from), source.etag});
  if (source.size <= kMostInOneCopy) return protocol.copy_whole(source.size);
  Upload upload(protocol, client_->options().concurrency);
  const std::uint64_t step =
      std::max(kCopyPart, source.size / (protocol.limits().most_parts - 1) + 1);
  for (std::uint64_t offset = 0; offset < source.size; offset += step) {
    upload.add_copy(std::min(step, source.size - offset));
  }
  return upload.complete();
}

}  // namespace cnf::storage
