// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_upload_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
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

// Larger parts, fewer at once: the memory stays what the options say.
unsigned in_flight_for(const UploadLimits& limits, const Options& options,
                       std::uint64_t part_size) {
  const std::uint64_t most = std::max(options.concurrency, 1U);
  const std::uint64_t memory = most * std::max(options.part_size, limits.smallest_part);
  return static_cast<unsigned>(std::clamp<std::uint64_t>(memory / part_size, 1, most));
}

}  // namespace

Upload::Upload(UploadProtocol& protocol, unsigned in_flight)
    : protocol_(protocol),
      most_in_flight_(std::max(in_flight, 1U)),
      on_stop_(protocol.object().context.stop(), GiveUp{&give_up_}) {
  protocol_.start();
}

Upload::~Upload() {
  if (!completed_) abort();
}

// Parts first: one that the store finishes after the abort would stay there. So they have a moment
// to end by themselves, and where one had to be cut off, the abort is sent until the upload is
// unknown, as S3 advises.
void Upload::abort() noexcept {
  const bool expire = protocol_.limits().parts_expire;
  const auto& context = protocol_.object().context;
  const bool hurry = context.stop().stop_requested();
  const bool whole = !expire && outstanding_.wait_for_all(hurry ? kGraceInAHurry : kGrace);
  cut_off_.request_stop();
  outstanding_.wait_until_at_most(0);
  if (expire) return;
  try {
    const auto last_words = Context()
                                .with_deadline(Context::Clock::now() + kLongestAbort)
                                .with_accounting(context.shared_accounting());
    for (int i = 0; i < (whole ? 1 : kMostAborts); ++i) {
      if (i > 0) std::this_thread::sleep_for(kBetweenAborts);
      if (protocol_.abort(last_words)) return;
    }
  } catch (...) {  // NOLINT(bugprone-empty-catch): nobody is left to be told
  }
}

Buffer Upload::spare() {
  const std::lock_guard lock(mutex_);
  if (spare_.empty()) return {};
  Buffer out = std::move(spare_.back());
  spare_.pop_back();
  out.clear();
  return out;
}

void Upload::add(Buffer bytes) {
  UploadPart& part = next_part(bytes.size());
  part.memory = std::move(bytes);
  part.bytes = part.memory;
  send(part);
}

void Upload::add(ByteSpan bytes) {
  UploadPart& part = next_part(bytes.size());
  part.bytes = bytes;
  send(part);
}

void Upload::add_copy(std::uint64_t size) { send(next_part(size)); }

UploadPart& Upload::next_part(std::uint64_t size) {
  wait_until_at_most(most_in_flight_ - 1);
  const auto number = static_cast<unsigned>(parts_.size() + 1);
  auto& part = parts_.emplace_back(UploadPart{.number = number, .offset = size_, .size = size});
  size_ += size;
  return part;
}

void Upload::send(UploadPart& part) {
  auto call = protocol_.part_call(part, protocol_.object().context.with_stop(cut_off_.get_token()));
  outstanding_.submit(protocol_, std::move(call),
                      [this, &part](const HttpOutcome& outcome) { finish(outcome, part); });
}

// On the engine's thread.
void Upload::finish(const HttpOutcome& outcome, UploadPart& part) {
  std::optional<Error> error = outcome.error;
  try {
    if (!error) protocol_.accept(part, outcome.response);
  } catch (const Error& bad_answer) {
    error = bad_answer;
  }
  const bool failed = error.has_value();
  {
    const std::lock_guard lock(mutex_);
    if (error && !error_) error_ = std::move(error);
    part.bytes = {};
    if (!part.memory.empty()) spare_.push_back(std::move(part.memory));
  }
  if (failed) give_up_.request_stop();
}

void Upload::wait_until_at_most(unsigned in_flight) {
  outstanding_.wait_until_at_most(in_flight, give_up_.get_token());
  {
    const std::lock_guard lock(mutex_);
    if (error_) throw Error(*error_);
  }
  protocol_.object().context.check("write", protocol_.object().uri);
}

FileInfo Upload::complete() {
  wait_until_at_most(0);
  FileInfo info = protocol_.complete(parts_, size_);
  completed_ = true;
  return info;
}

std::uint64_t part_size_for(const UploadLimits& limits, const Options& options,
                            std::optional<std::uint64_t> size_hint) {
  constexpr std::uint64_t kStep = std::uint64_t{1} << 20;
  const std::uint64_t wanted = std::max(options.part_size, limits.smallest_part);
  if (!size_hint) return std::min(wanted, limits.largest_part);
  const std::uint64_t needed = *size_hint / (limits.most_parts - 1) + 1;
  return std::min(std::max(wanted, (needed + kStep - 1) / kStep * kStep), limits.largest_part);
}

UploadWriter::UploadWriter(std::unique_ptr<UploadProtocol> protocol, const Options& options)
    : protocol_(std::move(protocol)),
      part_size_(
          part_size_for(protocol_->limits(), options, protocol_->object().options.size_hint)),
      in_flight_(in_flight_for(protocol_->limits(), options, part_size_)) {}

// A full buffer waits until more comes: the object may end here, and then it is one request.
void UploadWriter::write(ByteSpan bytes) {
  const auto hint = protocol_->object().options.size_hint;
  if (hint && buffer_.capacity() == 0) buffer_.reserve(std::min(*hint, part_size_));
  while (!bytes.empty()) {
    if (buffer_.size() == part_size_) flush();
    const auto now = std::min<std::uint64_t>(bytes.size(), part_size_ - buffer_.size());
    buffer_.append(bytes.first(now));
    bytes = bytes.subspan(now);
  }
}

Upload& UploadWriter::upload_for_next_part() {
  const auto most = protocol_->limits().most_parts;
  if (upload_ && upload_->parts() == most) {
    throw Error(
        Errc::invalid_argument, "write", protocol_->object().uri,
        "an object has at most " + std::to_string(most) + " parts, and these are too small for it",
        "say how long it will be, or use a larger part_size");
  }
  if (!upload_) upload_ = std::make_unique<Upload>(*protocol_, in_flight_);
  return *upload_;
}

void UploadWriter::flush() {
  Upload& upload = upload_for_next_part();
  upload.add(std::move(buffer_));
  buffer_ = upload.spare();
  buffer_.reserve(part_size_);
}

FileInfo UploadWriter::commit() {
  if (!upload_) return protocol_->put(buffer_);
  flush();
  return complete();
}

// What is all there goes out from where it is; what was begun otherwise goes on so.
FileInfo UploadWriter::commit_with(ByteSpan last) {
  if (upload_ || !buffer_.empty()) return Writer::commit_with(last);
  if (last.size() <= part_size_) return protocol_->put(last);
  try {
    while (!last.empty()) {
      const ByteSpan part = last.first(std::min<std::uint64_t>(last.size(), part_size_));
      upload_for_next_part().add(part);
      last = last.subspan(part.size());
    }
    return complete();
  } catch (...) {
    upload_.reset();  // waits: parts that are under way read the caller's memory
    throw;
  }
}

FileInfo UploadWriter::complete() {
  FileInfo info = upload_->complete();
  upload_.reset();
  return info;
}

}  // namespace cnf::storage
