// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cnf/core/storage/http_url_internal.h"
#include "cnf/core/storage/s3_write_internal.h"
#include "cnf/core/storage/s3_xml_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// Long enough for a store that is there, short enough for a user who waits for Ctrl-C.
constexpr std::chrono::seconds kLongestAbort{5};
constexpr int kMostAborts = 3;
constexpr std::chrono::milliseconds kGrace{2'000};
constexpr std::chrono::milliseconds kGraceInAHurry{200};
constexpr std::chrono::milliseconds kBetweenAborts{50};

}  // namespace

std::string crc32c_header(ByteSpan bytes) {
  const std::uint32_t crc = crc32c(bytes);
  const std::array<std::byte, 4> big_endian = {std::byte(crc >> 24U), std::byte(crc >> 16U & 0xffU),
                                               std::byte(crc >> 8U & 0xffU),
                                               std::byte(crc & 0xffU)};
  return to_base64(big_endian);
}

S3Multipart::S3Multipart(const S3Commit& commit, Source source, unsigned in_flight)
    : commit_(commit),
      source_(source),
      most_in_flight_(std::max(in_flight, 1U)),
      on_stop_(commit.context().stop(), GiveUp{&give_up_}) {
  start();
}

void S3Multipart::start() {
  auto& client = commit_.client();
  for (;;) {
    checksums_ = source_ == Source::sent && client.sends_checksums();
    auto call = client.call(RequestKind::put, "create", "POST", commit_.key(), commit_.context());
    call.request.query.emplace_back("uploads", "");
    commit_.describe(call.request);
    if (checksums_) call.request.headers.emplace_back("x-amz-checksum-algorithm", "CRC32C");
    const auto outcome = client.run(std::move(call));
    if (client.drop_checksums_after(outcome)) continue;
    upload_id_ = parse_upload_id(outcome.value().body, client.uri(commit_.key()));
    return;
  }
}

S3Multipart::~S3Multipart() {
  if (!completed_) abort();
}

// Parts first: one that the store finishes after the abort would stay there. So they have a moment
// to end by themselves, and where one had to be cut off, the abort is sent until the upload is
// unknown, as S3 advises.
void S3Multipart::abort() noexcept {
  const bool hurry = commit_.context().stop().stop_requested();
  const bool whole = outstanding_.wait_for_all(hurry ? kGraceInAHurry : kGrace);
  cut_off_.request_stop();
  outstanding_.wait_until_at_most(0);
  try {
    const auto context = Context()
                             .with_deadline(Context::Clock::now() + kLongestAbort)
                             .with_accounting(commit_.context().shared_accounting());
    for (int i = 0; i < (whole ? 1 : kMostAborts); ++i) {
      if (i > 0) std::this_thread::sleep_for(kBetweenAborts);
      auto call =
          commit_.client().call(RequestKind::remove, "abort", "DELETE", commit_.key(), context);
      call.request.query.emplace_back("uploadId", upload_id_);
      if (commit_.client().run(std::move(call)).error) return;
    }
  } catch (...) {  // NOLINT(bugprone-empty-catch): nobody is left to be told
  }
}

Buffer S3Multipart::spare() {
  const std::lock_guard lock(mutex_);
  if (spare_.empty()) return {};
  Buffer out = std::move(spare_.back());
  spare_.pop_back();
  out.clear();
  return out;
}

S3Multipart::Part& S3Multipart::next_part() {
  wait_until_at_most(most_in_flight_ - 1);
  return *parts_.emplace_back(std::make_unique<Part>());
}

HttpCall S3Multipart::part_call() const {
  const auto kind = source_ == Source::sent ? RequestKind::put : RequestKind::copy;
  auto call = commit_.client().call(kind, "write", "PUT", commit_.key(),
                                    commit_.context().with_stop(cut_off_.get_token()));
  call.request.query = {{"partNumber", std::to_string(parts_.size())}, {"uploadId", upload_id_}};
  return call;
}

void S3Multipart::add(Buffer bytes) {
  Part& part = next_part();
  part.bytes = std::move(bytes);
  size_ += part.bytes.size();
  auto call = part_call();
  commit_.client().set_body(call, part.bytes);
  if (checksums_) {
    part.result.crc32c = crc32c_header(part.bytes);
    call.request.headers.emplace_back("x-amz-checksum-crc32c", part.result.crc32c);
  }
  send(std::move(call), part);
}

void S3Multipart::add_copy(std::string_view source, std::string_view etag, std::uint64_t offset,
                           std::uint64_t length) {
  Part& part = next_part();
  size_ += length;
  auto call = part_call();
  auto& headers = call.request.headers;
  headers.emplace_back("x-amz-copy-source", commit_.client().copy_source(source));
  headers.emplace_back("x-amz-copy-source-range", "bytes=" + std::to_string(offset) + "-" +
                                                      std::to_string(offset + length - 1));
  if (!etag.empty()) headers.emplace_back("x-amz-copy-source-if-match", quote_etag(etag));
  send(std::move(call), part);
}

void S3Multipart::send(HttpCall call, Part& part) {
  outstanding_.submit(commit_.client(), std::move(call),
                      [this, &part](const HttpOutcome& outcome) { finish(outcome, part); });
}

// On the engine's thread.
void S3Multipart::finish(const HttpOutcome& outcome, Part& part) {
  std::optional<Error> error = outcome.error;
  try {
    if (!error && source_ == Source::copied) {
      part.result.etag =
          parse_written_etag(outcome.response.body, commit_.client().uri(commit_.key()));
    } else if (!error) {
      part.result.etag = unquote_etag(outcome.response.header("etag").value_or(""));
      if (part.result.etag.empty()) {
        error.emplace(Errc::corrupt_data, "write", commit_.client().uri(commit_.key()),
                      "the answer to a part has no ETag", "is the endpoint an S3 store?");
      }
    }
  } catch (const Error& bad_answer) {
    error = bad_answer;
  }
  const bool failed = error.has_value();
  {
    const std::lock_guard lock(mutex_);
    if (error && !error_) error_ = std::move(error);
    if (source_ == Source::sent) spare_.push_back(std::move(part.bytes));
  }
  if (failed) give_up_.request_stop();
}

void S3Multipart::wait_until_at_most(unsigned in_flight) {
  outstanding_.wait_until_at_most(in_flight, give_up_.get_token());
  {
    const std::lock_guard lock(mutex_);
    if (error_) throw Error(*error_);
  }
  commit_.context().check("write", commit_.client().uri(commit_.key()));
}

FileInfo S3Multipart::complete() {
  wait_until_at_most(0);
  std::vector<S3Part> results;
  results.reserve(parts_.size());
  for (const auto& part : parts_) results.push_back(part->result);
  const std::string document = complete_document(results);

  auto& client = commit_.client();
  auto call = client.call(RequestKind::put, "commit", "POST", commit_.key(), commit_.context());
  call.request.query.emplace_back("uploadId", upload_id_);
  call.request.headers.emplace_back("Content-Type", "application/xml");
  client.set_body(call, as_bytes(document));
  commit_.condition(call.request);
  const auto outcome = client.run(std::move(call));
  FileInfo info = commit_.conclude(outcome, size_);
  completed_ = true;
  if (!outcome.error) {
    info.etag = parse_written_etag(outcome.response.body, client.uri(commit_.key()));
  }
  return info;
}

}  // namespace cnf::storage
