// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cnf/core/storage/http_engine_internal.h"
#include "cnf/core/storage/outstanding_internal.h"
#include "cnf/core/storage/s3_client_internal.h"
#include "cnf/core/storage/s3_storage_internal.h"
#include "cnf/core/storage/s3_xml_internal.h"
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
  Removal(const S3Client& client, const Context& context) : client_(client), context_(context) {}

  void add_single(const std::string& key) {
    batches_.emplace_back();
    submit(client_.call(RequestKind::remove, "remove", "DELETE", key, context_));
  }
  void add_batch(std::span<const std::string> keys) {
    auto& batch = batches_.emplace_back();
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
    for (const auto& batch : batches_) check(batch);
  }

 private:
  struct Batch {
    std::string document;  // empty: one key
    HttpOutcome outcome;
  };

  void submit(HttpCall call) {
    outstanding_.submit(client_, std::move(call), [&batch = batches_.back()](HttpOutcome outcome) {
      batch.outcome = std::move(outcome);
    });
  }
  void check(const Batch& batch) const;

  const S3Client& client_;
  const Context& context_;
  std::list<Batch> batches_;  // a list: completions point into it
  Outstanding outstanding_;   // last: it waits for them
};

void Removal::check(const Batch& batch) const {
  if (batch.outcome.provider_code == "NoSuchKey") return;
  const auto& body = batch.outcome.value().body;
  if (batch.document.empty()) return;
  auto failures = parse_delete_result(body, client_.uri({}));
  std::erase_if(failures, [](const auto& failure) { return failure.code == "NoSuchKey"; });
  if (failures.empty()) return;
  const auto& first = failures.front();
  std::string why = first.code + ": " + first.message;
  if (failures.size() > 1) why += " (and " + std::to_string(failures.size() - 1) + " more)";
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
  // S3 shows a common prefix again as long as one key below it comes after.
  std::erase_if(page.prefixes, [&](const auto& prefix) { return prefix <= options.start_after; });
  std::erase_if(page.objects, [&](const auto& info) { return info.key <= options.start_after; });
  return page;
}

void S3Storage::do_remove(std::span<const std::string> keys, const Context& context) {
  Removal removal(*client_, context);
  std::vector<std::string> batch;
  for (const auto& key : keys) {
    if (keys.size() == 1 || !is_safe_in_xml(key)) {
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
