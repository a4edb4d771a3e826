// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/gcs/gcs_client_internal.h"
#include "cnf/core/storage/gcs/gcs_json_internal.h"
#include "cnf/core/storage/gcs/gcs_storage_internal.h"
#include "cnf/core/storage/gcs/gcs_write_internal.h"
#include "cnf/core/storage/http/http_write_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"

namespace cnf::storage {
namespace {

constexpr std::string_view kNoChecksum = "AAAAAA==";  // as long as every other

std::uint64_t chunk_size_for(const Options& options) {
  constexpr auto kUnit = GcsUpload::kChunkUnit;
  return (std::max(options.part_size, kUnit) + kUnit - 1) / kUnit * kUnit;
}

}  // namespace

GcsWriter::GcsWriter(std::shared_ptr<GcsClient> client, ObjectWrite write)
    : commit_(std::move(client), std::move(write)),
      chunk_size_(chunk_size_for(commit_.client().options())),
      boundary_("cnf_" + random_id(16)) {
  begin_body();
}

// Source: "Multipart uploads", Cloud Storage documentation; multipart/related is RFC 2387.
void GcsWriter::begin_body() {
  const auto& write = commit_.write();
  const auto& type = write.options.content_type;
  std::string head = "--" + boundary_ + "\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n";
  const auto description = describe_gcs_object(type, write.mark, kNoChecksum);
  checksum_ = head.size() + description.find(kNoChecksum, description.find("\"crc32c\":"));
  head.append(description).append("\r\n--").append(boundary_).append("\r\nContent-Type: ");
  head.append(type.empty() ? "application/octet-stream" : type).append("\r\n\r\n");
  head_ = head.size();
  if (const auto hint = write.options.size_hint) {
    buffer_.reserve(head_ + std::min(*hint, chunk_size_) + 2 * boundary_.size());
  }
  buffer_.append(as_bytes(head));
}

// A full buffer waits until more comes: the object may end here, and then it is one request.
void GcsWriter::write(ByteSpan bytes) {
  while (!bytes.empty()) {
    if (buffer_.size() == head_ + chunk_size_) flush();
    const auto now = std::min<std::uint64_t>(bytes.size(), head_ + chunk_size_ - buffer_.size());
    buffer_.append(bytes.first(now));
    bytes = bytes.subspan(now);
  }
}

void GcsWriter::flush() {
  if (!upload_) upload_ = std::make_unique<GcsUpload>(commit_);
  upload_->add(std::move(buffer_), std::exchange(head_, 0));
  buffer_ = upload_->spare();
  buffer_.reserve(chunk_size_);
}

FileInfo GcsWriter::commit() {
  if (!upload_) return put();
  FileInfo info = upload_->complete(std::move(buffer_), head_);
  upload_.reset();
  return info;
}

FileInfo GcsWriter::put() {
  const auto size = buffer_.size() - head_;
  const auto checksum = crc32c_text(crc32c(ByteSpan(buffer_).subspan(head_)));
  std::memcpy(buffer_.data() + checksum_, checksum.data(), checksum.size());
  buffer_.append(as_bytes("\r\n--" + boundary_ + "--\r\n"));

  const auto& write = commit_.write();
  auto call = commit_.client().upload_call("write", "POST", "multipart", write.key, write.context);
  call.request.headers.emplace_back("Content-Type", "multipart/related; boundary=" + boundary_);
  call.request.body = buffer_;
  commit_.condition(call.request);
  write.context.accounting().add_sent(size);
  return commit_.conclude(commit_.client().run(std::move(call)), size, checksum);
}

std::unique_ptr<Writer> GcsStorage::do_create(std::string_view key, const WriteOptions& options,
                                              const Context& context) {
  return std::make_unique<GcsWriter>(client_,
                                     begin_write(key, client_->uri(key), options, context));
}

}  // namespace cnf::storage
