// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/options.h"
#include "cnf/core/storage/s3_client_internal.h"
#include "cnf/core/storage/s3_write_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// Source: "Amazon S3 multipart upload limits".
constexpr std::uint64_t kSmallestPart = std::uint64_t{5} << 20;
constexpr std::uint64_t kLargestPart = std::uint64_t{5} << 30;
constexpr std::uint64_t kMostParts = 10'000;

// All parts have one size (some stores demand it), so the first must know what the last will need.
std::uint64_t part_size_for(const Options& options, std::optional<std::uint64_t> size_hint) {
  constexpr std::uint64_t kStep = std::uint64_t{1} << 20;
  const std::uint64_t wanted = std::max(options.part_size, kSmallestPart);
  if (!size_hint) return std::min(wanted, kLargestPart);
  const std::uint64_t needed = *size_hint / (kMostParts - 1) + 1;
  return std::min(std::max(wanted, (needed + kStep - 1) / kStep * kStep), kLargestPart);
}

// Larger parts, fewer at once: the memory stays what the options say.
unsigned in_flight_for(const Options& options, std::uint64_t part_size) {
  const std::uint64_t most = std::max(options.concurrency, 1U);
  const std::uint64_t memory = most * std::max(options.part_size, kSmallestPart);
  return static_cast<unsigned>(std::clamp<std::uint64_t>(memory / part_size, 1, most));
}

}  // namespace

S3Writer::S3Writer(std::shared_ptr<S3Client> client, std::string_view key,
                   const WriteOptions& options, const Context& context)
    : commit_(std::move(client), std::string(key), options, context),
      part_size_(part_size_for(commit_.client().options(), options.size_hint)),
      in_flight_(in_flight_for(commit_.client().options(), part_size_)) {
  if (options.size_hint) buffer_.reserve(std::min(*options.size_hint, part_size_));
}

// A full buffer waits until more comes: the object may end here, and then it is one PUT.
void S3Writer::write(ByteSpan bytes) {
  while (!bytes.empty()) {
    if (buffer_.size() == part_size_) flush();
    const auto now = std::min<std::uint64_t>(bytes.size(), part_size_ - buffer_.size());
    buffer_.append(bytes.first(now));
    bytes = bytes.subspan(now);
  }
}

void S3Writer::flush() {
  if (parts_ == kMostParts) {
    throw Error(Errc::invalid_argument, "write", commit_.client().uri(commit_.key()),
                "an object has at most 10000 parts, and these are too small for it",
                "say how long it will be, or use a larger part_size");
  }
  if (!upload_) {
    upload_ = std::make_unique<S3Multipart>(commit_, S3Multipart::Source::sent, in_flight_);
  }
  upload_->add(std::move(buffer_));
  ++parts_;
  buffer_ = upload_->spare();
  buffer_.reserve(part_size_);
}

FileInfo S3Writer::commit() {
  if (!upload_) return put();
  flush();
  FileInfo info = upload_->complete();
  upload_.reset();
  return info;
}

FileInfo S3Writer::put() {
  auto& client = commit_.client();
  for (;;) {
    auto call = client.call(RequestKind::put, "write", "PUT", commit_.key(), commit_.context());
    client.set_body(call, buffer_);
    commit_.describe(call.request);
    commit_.condition(call.request);
    if (client.sends_checksums()) {
      call.request.headers.emplace_back("x-amz-checksum-crc32c", crc32c_header(buffer_));
    }
    const auto outcome = client.run(std::move(call));
    if (!client.drop_checksums_after(outcome)) return commit_.conclude(outcome, buffer_.size());
  }
}

}  // namespace cnf::storage
