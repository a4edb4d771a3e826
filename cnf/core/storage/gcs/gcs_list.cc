// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/storage/gcs/gcs_batch_internal.h"
#include "cnf/core/storage/gcs/gcs_client_internal.h"
#include "cnf/core/storage/gcs/gcs_json_internal.h"
#include "cnf/core/storage/gcs/gcs_storage_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_retry_internal.h"
#include "cnf/core/storage/outstanding_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// Source: "Batch requests", Cloud Storage documentation.
constexpr std::size_t kMostInBatch = 100;

// Removals under way, and what the store said to each.
class Removal {
 public:
  Removal(const GcsClient& client, const Context& context) : client_(client), context_(context) {}

  void add(std::span<const std::string> keys) {
    auto& batch = batches_.emplace_back();
    batch.keys = keys;
    auto call = keys.size() == 1
                    ? client_.call(RequestKind::remove, "remove", "DELETE", keys.front(), context_)
                    : batch_call(batch);
    outstanding_.submit(client_, std::move(call),
                        [&batch](HttpOutcome outcome) { batch.outcome = std::move(outcome); });
  }
  // Waits, and throws the first failure.
  void finish() {
    outstanding_.wait_until_at_most(0);
    for (const auto& batch : batches_) check(batch);
  }

 private:
  struct Batch {
    std::span<const std::string> keys;
    std::string body;
    HttpOutcome outcome;
  };

  [[nodiscard]] HttpCall batch_call(Batch& batch) const;
  void check(const Batch& batch) const;

  const GcsClient& client_;
  const Context& context_;
  std::list<Batch> batches_;  // a list: completions point into it
  Outstanding outstanding_;   // last: it waits for them
};

HttpCall Removal::batch_call(Batch& batch) const {
  std::vector<std::string> targets;
  targets.reserve(batch.keys.size());
  for (const auto& key : batch.keys) targets.push_back(client_.target(key));
  const auto boundary = "cnf_" + random_id(16);
  batch.body = batch_of_deletes(targets, boundary);
  auto call = client_.batch_call("remove", context_);
  call.request.headers.emplace_back("Content-Type", "multipart/mixed; boundary=" + boundary);
  call.request.body = as_bytes(batch.body);
  return call;
}

void Removal::check(const Batch& batch) const {
  if (batch.keys.size() == 1) {
    const auto& error = batch.outcome.error;
    if (error && error->code() != Errc::not_found) throw Error(*error);
    return;
  }
  const auto& response = batch.outcome.value();
  const auto answers = parse_batch_answer(response.header("content-type").value_or(""),
                                          response.body, client_.uri({}));
  std::vector<bool> answered(batch.keys.size());
  for (const auto& answer : answers) {
    if (answer.index >= answered.size() || answered[answer.index]) {
      throw Error(Errc::corrupt_data, "remove", client_.uri({}),
                  "the answer to a batch is about what was not in it");
    }
    answered[answer.index] = true;
    const auto failure = failure_of_status(answer.status);
    if (!failure || failure->code == Errc::not_found) continue;
    const auto error = parse_gcs_error(answer.body);
    throw Error(failure->code, "remove", client_.uri(batch.keys[answer.index]),
                error && !error->message.empty() ? error->message : failure->why, failure->remedy);
  }
  const auto missing = std::find(answered.begin(), answered.end(), false);
  if (missing == answered.end()) return;
  throw Error(Errc::corrupt_data, "remove",
              client_.uri(batch.keys[static_cast<std::size_t>(missing - answered.begin())]),
              "the answer to a batch says nothing about it", "remove it again");
}

}  // namespace

ListPage GcsStorage::do_list_page(const ListOptions& options, const std::string& token,
                                  const Context& context) const {
  auto call = client_->call(RequestKind::list, "list", "GET", {}, context);
  call.subject = client_->uri(options.prefix);
  const std::string subject = call.subject;
  auto& query = call.request.query;
  query.emplace_back("fields", kGcsListFields);
  query.emplace_back("maxResults", "1000");
  if (!options.prefix.empty()) query.emplace_back("prefix", options.prefix);
  if (!options.delimiter.empty()) query.emplace_back("delimiter", options.delimiter);
  if (!options.start_after.empty()) query.emplace_back("startOffset", options.start_after);
  if (!token.empty()) query.emplace_back("pageToken", token);
  ListPage page =
      parse_gcs_list(client_->run(std::move(call)).value().body, options.prefix, subject);
  // startOffset itself is in the list, and so is a common prefix with one key behind it.
  std::erase_if(page.prefixes, [&](const auto& prefix) { return prefix <= options.start_after; });
  std::erase_if(page.objects, [&](const auto& info) { return info.key <= options.start_after; });
  return page;
}

void GcsStorage::do_remove(std::span<const std::string> keys, const Context& context) {
  Removal removal(*client_, context);
  while (!keys.empty()) {
    const auto now = keys.first(std::min(keys.size(), kMostInBatch));
    removal.add(now);
    keys = keys.subspan(now.size());
  }
  removal.finish();
}

}  // namespace cnf::storage
