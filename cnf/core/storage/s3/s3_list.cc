// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/outstanding_internal.h"
#include "cnf/core/storage/s3/s3_client_internal.h"
#include "cnf/core/storage/s3/s3_storage_internal.h"
#include "cnf/core/storage/s3/s3_xml_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

constexpr std::size_t kMostKeysInBatch = 1000;

// Removals under way, and what the store said to each.
class Removal {
 public:
  Removal(S3Client& client, const Context& context) : client_(client), context_(context) {}

  void add_single(const std::string& key) {
    batches_.emplace_back();
    submit(client_.call(RequestKind::remove, "remove", "DELETE", key, context_));
  }
  void add_batch(std::span<const std::string> keys) {
    auto& batch = batches_.emplace_back();
    batch.keys.assign(keys.begin(), keys.end());
    batch.document = delete_document(keys);
    const ByteSpan body = as_bytes(batch.document);
    auto call = client_.call(RequestKind::remove, "remove", "POST", {}, context_);
    call.request.query.emplace_back("delete", "");
    call.request.headers.emplace_back("Content-Type", "application/xml");
    call.request.headers.emplace_back("Content-MD5", to_base64(md5(body)));
    client_.set_body(call, body);
    submit(std::move(call));
  }
  // Waits, and throws the first failure.
  void finish() {
    outstanding_.wait_until_at_most(0);
    for (auto& batch : batches_) {
      if (!batch.keys.empty()) send_again(batch);
    }
    outstanding_.wait_until_at_most(0);
    for (const auto& batch : batches_) check(batch);
  }

 private:
  struct Batch {
    std::vector<std::string> keys;  // empty: one key, which is in the request
    std::string document;
    HttpOutcome outcome;
    std::vector<S3DeleteFailure> failures;
  };

  void submit(HttpCall call) {
    outstanding_.submit(client_, std::move(call), [&batch = batches_.back()](HttpOutcome outcome) {
      batch.outcome = std::move(outcome);
    });
  }
  void send_again(Batch& batch);
  void check(const Batch& batch) const;

  S3Client& client_;
  const Context& context_;
  std::list<Batch> batches_;  // a list: completions point into it
  Outstanding outstanding_;   // last: it waits for them
};

// What could not be removed in a batch is removed alone, for that has a status and attempts of its
// own: all of it where the store has no batches, and the keys that met a fault.
void Removal::send_again(Batch& batch) {
  if (client_.drop_batches_after(batch.outcome)) {
    batch.outcome = {};
    for (const auto& key : batch.keys) add_single(key);
    return;
  }
  if (batch.outcome.error) return;
  for (auto& failure : parse_delete_result(batch.outcome.response.body, client_.uri({}))) {
    if (failure.code == "NoSuchKey") continue;
    const bool asked_for =
        std::find(batch.keys.begin(), batch.keys.end(), failure.key) != batch.keys.end();
    if (failure.code == "AccessDenied" || !asked_for) {
      batch.failures.push_back(std::move(failure));
    } else {
      add_single(failure.key);
    }
  }
}

void Removal::check(const Batch& batch) const {
  if (batch.outcome.provider_code == "NoSuchKey") return;
  static_cast<void>(batch.outcome.value());
  if (batch.failures.empty()) return;
  const auto& first = batch.failures.front();
  std::string why = first.code + ": " + first.message;
  if (batch.failures.size() > 1) {
    why += " (and " + std::to_string(batch.failures.size() - 1) + " more)";
  }
  throw Error(first.code == "AccessDenied" ? Errc::permission_denied : Errc::unavailable, "remove",
              client_.uri(first.key), why);
}

}  // namespace

ListPage S3Storage::do_list_page(const ListOptions& options, const std::string& token,
                                 const Context& context) const {
  auto call = client_->call(RequestKind::list, "list", "GET", {}, context);
  call.subject = client_->uri(options.prefix);
  const std::string subject = call.subject;
  auto& query = call.request.query;
  query = {{"list-type", "2"}, {"encoding-type", "url"}, {"prefix", options.prefix}};
  if (!options.delimiter.empty()) query.emplace_back("delimiter", options.delimiter);
  if (!token.empty()) {
    query.emplace_back("continuation-token", token);
  } else if (!options.start_after.empty()) {
    query.emplace_back("start-after", options.start_after);
  }
  ListPage page =
      parse_list_page(client_->run(std::move(call)).value().body, options.prefix, subject);
  if (!token.empty() && page.next == token) {
    throw Error(Errc::corrupt_data, "list", subject,
                "the store goes round in a circle: it says twice how to go on");
  }
  // S3 shows a common prefix again as long as one key below it comes after.
  std::erase_if(page.prefixes, [&](const auto& prefix) { return prefix <= options.start_after; });
  std::erase_if(page.objects, [&](const auto& info) { return info.key <= options.start_after; });
  return page;
}

void S3Storage::do_remove(std::span<const std::string> keys, const Context& context) {
  Removal removal(*client_, context);
  std::vector<std::string> batch;
  for (const auto& key : keys) {
    if (keys.size() == 1 || !is_safe_in_xml(key) || !client_->removes_in_batches()) {
      removal.add_single(key);
      continue;
    }
    batch.push_back(key);
    if (batch.size() < kMostKeysInBatch) continue;
    removal.add_batch(batch);
    batch.clear();
  }
  if (!batch.empty()) removal.add_batch(batch);
  removal.finish();
}

}  // namespace cnf::storage
