// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/storage/azure/azure_batch_internal.h"
#include "cnf/core/storage/azure/azure_client_internal.h"
#include "cnf/core/storage/azure/azure_storage_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/outstanding_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// More than 256 answers of a KiB each.
constexpr std::size_t kLongestAnswer = std::size_t{1} << 20;

// What is no error of a removal. A folder that is not empty is no object.
bool is_gone(std::string_view code) {
  return code == "BlobNotFound" || code == "DirectoryIsNotEmpty";
}

// One request for many keys, and what the store said to it.
struct Batch {
  std::span<const std::string> keys;
  std::string boundary;
  std::string document;
  std::string answer;
  HttpOutcome outcome;
};

// Spells a batch anew for each attempt, for each request in it is signed on its own.
class BatchSink final : public HttpSink {
 public:
  BatchSink(const AzureClient& client, Batch& batch) : client_(client), batch_(batch) {}

  void prepare(HttpRequest& request) override {
    std::vector<HttpRequest> requests;
    requests.reserve(batch_.keys.size());
    for (const auto& key : batch_.keys) requests.push_back(client_.removal(key));
    batch_.document = spell_azure_batch(requests, batch_.boundary);
    request.body = as_bytes(batch_.document);
  }
  void begin(const HttpResponse& /*head*/) override { batch_.answer.clear(); }
  void write(ByteSpan bytes) override {
    if (bytes.size() > kLongestAnswer - batch_.answer.size()) {
      throw Error(Errc::corrupt_data, "remove", client_.uri({}), "the answer has over 1 MiB",
                  "is the endpoint Azure Blob Storage?");
    }
    batch_.answer += as_text(bytes);
  }
  void end() override {}
  [[nodiscard]] std::uint64_t kept() const noexcept override { return 0; }

 private:
  const AzureClient& client_;
  Batch& batch_;
};

// Removals under way.
class Removal {
 public:
  Removal(const AzureClient& client, const Context& context) : client_(client), context_(context) {}

  void add_batch(std::span<const std::string> keys);
  void add_single(const std::string& key);
  // Waits. What a batch did not remove is asked for once more alone, with all patience. Throws the
  // first failure.
  void finish();

 private:
  // Whether the store does not have batches, or does not like this one.
  [[nodiscard]] static bool is_refused(const HttpOutcome& outcome) {
    return outcome.error && (outcome.error->code() == Errc::unsupported ||
                             outcome.error->code() == Errc::invalid_argument);
  }

  const AzureClient& client_;
  const Context& context_;
  std::list<Batch> batches_;  // lists: completions point into them
  std::list<HttpOutcome> singles_;
  Outstanding outstanding_;  // last: it waits for them
};

void Removal::add_batch(std::span<const std::string> keys) {
  auto& batch = batches_.emplace_back();
  batch.keys = keys;
  batch.boundary = "batch_" + random_id(16);
  auto call = client_.call(RequestKind::remove, "remove", "POST", {}, context_);
  call.request.query = {{"restype", "container"}, {"comp", "batch"}};
  call.request.headers.emplace_back("Content-Type", "multipart/mixed; boundary=" + batch.boundary);
  call.sink = std::make_unique<BatchSink>(client_, batch);
  outstanding_.submit(client_, std::move(call),
                      [&batch](HttpOutcome outcome) { batch.outcome = std::move(outcome); });
}

void Removal::add_single(const std::string& key) {
  outstanding_.submit(
      client_, client_.call(RequestKind::remove, "remove", "DELETE", key, context_),
      [&into = singles_.emplace_back()](HttpOutcome outcome) { into = std::move(outcome); });
}

void Removal::finish() {
  outstanding_.wait_until_at_most(0);
  for (const auto& batch : batches_) {
    if (!is_refused(batch.outcome)) static_cast<void>(batch.outcome.value());
    const auto type = batch.outcome.response.header("content-type").value_or("");
    const auto parts = parse_azure_batch(batch.answer, type, batch.keys.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (parts[i].status != 202 && !is_gone(parts[i].code)) add_single(batch.keys[i]);
    }
  }
  outstanding_.wait_until_at_most(0);
  for (const auto& outcome : singles_) {
    if (!is_gone(outcome.provider_code)) static_cast<void>(outcome.value());
  }
}

}  // namespace

void AzureStorage::do_remove(std::span<const std::string> keys, const Context& context) {
  Removal removal(*client_, context);
  if (keys.size() == 1) {
    removal.add_single(keys.front());
    keys = {};
  }
  while (!keys.empty()) {
    const auto now = keys.first(std::min(keys.size(), kMostInAzureBatch));
    removal.add_batch(now);
    keys = keys.subspan(now.size());
  }
  removal.finish();
}

}  // namespace cnf::storage
