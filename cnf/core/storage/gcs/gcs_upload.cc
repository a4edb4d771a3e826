// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "cnf/core/storage/gcs/gcs_client_internal.h"
#include "cnf/core/storage/gcs/gcs_dialect_internal.h"
#include "cnf/core/storage/gcs/gcs_json_internal.h"
#include "cnf/core/storage/gcs/gcs_write_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// Long enough for a store that is there, short enough for a user who waits for Ctrl-C.
constexpr std::chrono::seconds kLongestAbort{5};

// The session's name in its URI. The rest of the URI is not used: what lies between here and the
// store, as a proxy or a forwarded port, is not in it.
std::string upload_id_of(std::string_view location) {
  const std::string name = std::string(kGcsUploadId) + "=";
  auto query = location.substr(std::min(location.find('?'), location.size()));
  while (!query.empty()) {
    query.remove_prefix(1);
    const auto parameter = query.substr(0, query.find('&'));
    if (parameter.starts_with(name)) {
      std::string value(parameter.substr(name.size()));
      std::replace(value.begin(), value.end(), '+', ' ');  // as forms have it
      return percent_decode(value).value_or("");
    }
    query.remove_prefix(parameter.size());
  }
  return {};
}

// How much of the upload the store has, as its 308 says; nullopt for what it cannot say.
std::optional<std::uint64_t> kept_by(const HttpResponse& response) {
  const auto range = response.header("range");
  if (!range) return 0;
  constexpr std::string_view kBefore = "bytes=0-";
  if (!range->starts_with(kBefore)) return std::nullopt;
  const auto digits = range->substr(kBefore.size());
  std::uint64_t last = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), last);
  if (error != std::errc() || end != digits.data() + digits.size() || last + 1 == 0) {
    return std::nullopt;
  }
  return last + 1;
}

void set_content_range(HttpRequest& request, std::string value) {
  auto& headers = request.headers;
  std::erase_if(headers, [](const auto& header) { return header.first == "Content-Range"; });
  headers.emplace_back("Content-Range", "bytes " + std::move(value));
}

}  // namespace

GcsUpload::GcsUpload(const GcsCommit& commit)
    : commit_(commit), on_stop_(commit.write().context.stop(), GiveUp{&cut_off_}) {
  start();
}

GcsUpload::~GcsUpload() {
  if (!completed_) abort();
}

void GcsUpload::refuse(std::string_view why) const {
  throw Error(Errc::corrupt_data, "write", commit_.write().uri, why,
              "is the endpoint Google Cloud Storage?");
}

void GcsUpload::start() {
  const auto& write = commit_.write();
  const auto description = describe_gcs_object(write.options.content_type, write.mark, {});
  auto call = commit_.client().upload_call("create", "POST", "resumable", write.key, write.context);
  call.request.headers.emplace_back("Content-Type", "application/json; charset=UTF-8");
  call.request.body = as_bytes(description);
  commit_.condition(call.request);
  const auto outcome = commit_.client().run(std::move(call));
  if (outcome.error) static_cast<void>(commit_.conclude_refusal(outcome));
  upload_id_ = upload_id_of(outcome.response.header("location").value_or(""));
  if (upload_id_.empty()) refuse("the answer does not name the upload that it has started");
}

// The session's end: 499. A chunk that was cut off does not matter then.
void GcsUpload::abort() noexcept {
  cut_off_.request_stop();
  outstanding_.wait_until_at_most(0);
  if (upload_id_.empty()) return;
  try {
    const auto& write = commit_.write();
    const auto last_words = Context()
                                .with_deadline(Context::Clock::now() + kLongestAbort)
                                .with_accounting(write.context.shared_accounting());
    auto call = commit_.client().upload_call("abort", "DELETE", "resumable", write.key, last_words);
    call.kind = RequestKind::remove;
    call.request.query.emplace_back(kGcsUploadId, upload_id_);
    static_cast<void>(commit_.client().run(std::move(call)));
  } catch (...) {  // NOLINT(bugprone-empty-catch): nobody is left to be told
  }
}

Buffer GcsUpload::spare() {
  Buffer out = std::move(spare_);
  out.clear();
  return out;
}

void GcsUpload::add(Buffer bytes, std::size_t skip) {
  settle_and_go_on();
  take(std::move(bytes), skip);
  outstanding_.submit(commit_.client(), chunk_call(),
                      [this](HttpOutcome outcome) { outcome_ = std::move(outcome); });
  crc_ = crc32c(rest_, crc_);  // while they go out
}

FileInfo GcsUpload::complete(Buffer bytes, std::size_t skip) {
  settle_and_go_on();
  take(std::move(bytes), skip);
  crc_ = crc32c(rest_, crc_);
  total_ = offset_ + rest_.size();
  outcome_ = commit_.client().run(chunk_call());
  FileInfo info = commit_.conclude(settle(), *total_, crc32c_text(crc_));
  completed_ = true;
  return info;
}

void GcsUpload::take(Buffer bytes, std::size_t skip) {
  spare_ = std::move(bytes_);
  bytes_ = std::move(bytes);
  rest_ = ByteSpan(bytes_).subspan(skip);
}

// The rest of the chunk. If its answer is lost, the store is asked what it has: to send it once
// more from its beginning is not what the protocol says.
HttpCall GcsUpload::chunk_call() const {
  const auto& write = commit_.write();
  auto call = commit_.client().upload_call("write", "PUT", "resumable", write.key,
                                           write.context.with_stop(cut_off_.get_token()));
  auto& request = call.request;
  request.query.emplace_back(kGcsUploadId, upload_id_);
  request.body = rest_;
  const std::string of = "/" + (total_ ? std::to_string(*total_) : "*");
  set_content_range(request, (rest_.empty() ? "*"
                                            : std::to_string(offset_) + "-" +
                                                  std::to_string(offset_ + rest_.size() - 1)) +
                                 of);
  if (total_) request.headers.emplace_back("X-Goog-Hash", "crc32c=" + crc32c_text(crc_));
  call.ask_again = [of](HttpRequest& again) {
    again.body = {};
    set_content_range(again, "*" + of);
  };
  return call;
}

// Reads a 308. True if the store has more than was known.
bool GcsUpload::advance(const HttpResponse& response) {
  const auto kept = kept_by(response);
  if (!kept || *kept > offset_ + rest_.size()) refuse("it says it has what was not sent");
  if (*kept < offset_) refuse("it has lost what it had already");
  const auto now = *kept - offset_;
  rest_ = rest_.subspan(now);
  offset_ = *kept;
  return now != 0;
}

// Waits for the chunk, and sends what the store did not keep until it has all. Returns the last
// answer: a 308, unless the object is made or all failed.
HttpOutcome GcsUpload::settle() {
  outstanding_.wait_until_at_most(0);
  bool again = false;
  for (int idle = 0;;) {
    HttpOutcome outcome = std::move(outcome_);
    outcome.sent_again = outcome.sent_again || again;
    if (outcome.error && outcome.error->code() == Errc::not_found) {
      outcome.provider_code = kGcsUploadGone;
      outcome.error.emplace(Errc::unavailable, "write", commit_.write().uri,
                            "the store knows this upload no longer", "write it again");
    }
    if (outcome.error || outcome.response.status != 308) return outcome;
    idle = advance(outcome.response) ? 0 : idle + 1;
    if (rest_.empty() && !total_) return outcome;
    if (idle > std::max(commit_.client().options().max_retries, 0)) {
      throw Error(Errc::unavailable, "write", commit_.write().uri,
                  "the store keeps nothing of what it is sent", "try later");
    }
    again = true;
    outcome_ = commit_.client().run(chunk_call());
  }
}

void GcsUpload::settle_and_go_on() {
  if (bytes_.empty()) return;  // this is the first
  HttpOutcome outcome = settle();
  if (outcome.error) {
    outcome.sent_again = false;  // what is not all sent cannot be there
    static_cast<void>(commit_.conclude_refusal(outcome));
  }
  if (outcome.response.status == 308) return;
  // Then there is half an object, which nobody may see.
  commit_.remove(parse_gcs_object(outcome.response.body, commit_.write().uri).info);
  refuse("it ended the upload before its end");
}

}  // namespace cnf::storage
