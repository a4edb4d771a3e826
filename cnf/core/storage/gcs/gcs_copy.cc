// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/gcs/gcs_client_internal.h"
#include "cnf/core/storage/gcs/gcs_json_internal.h"
#include "cnf/core/storage/gcs/gcs_storage_internal.h"
#include "cnf/core/storage/gcs/gcs_write_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_write_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// A step of a copy that takes several rewrites at least so much (maxBytesRewrittenPerCall).
constexpr std::uint64_t kLeastStep = std::uint64_t{1} << 20;

// A copy may take many steps: one whose condition does not hold now is not begun. The store decides
// all the same.
void check_before(const GcsCommit& commit) {
  const auto& write = commit.write();
  const auto& condition = write.options.condition;
  const auto there = find_gcs_object(commit.client(), "copy", write.key, write.context);
  const bool holds = condition.kind() == Condition::Kind::if_absent
                         ? !there
                         : there && there->info.etag == condition.etag();
  if (holds) return;
  HttpOutcome refused;
  refused.error.emplace(Errc::precondition_failed, "copy", write.uri,
                        "its condition does not hold");
  static_cast<void>(commit.conclude_refusal(refused));
}

}  // namespace

FileInfo GcsStorage::do_copy(std::string_view from, std::string_view to,
                             const WriteOptions& options, const Context& context) {
  const auto fields = std::string(kGcsObjectFields).append(",").append(kGcsKeptFields);
  const auto asked = ask_for_resource(*client_, "copy", from, fields, context);
  if (asked.error && asked.error->code() == Errc::not_found) {
    throw Error(Errc::not_found, "copy", client_->uri(from), "no such object");
  }
  const FileInfo source = parse_gcs_object(asked.value().body, client_->uri(from)).info;
  const GcsCommit commit(client_, begin_write(to, client_->uri(to), options, context));
  std::string description;
  if (options.condition.kind() != Condition::Kind::none) {
    // The mark, by which the copy is known again if its answer is lost.
    description = describe_gcs_copy(asked.response.body, commit.write().mark, client_->uri(from));
    check_before(commit);
  }
  std::string token;
  for (std::uint64_t step = 0; step <= source.size / kLeastStep + 1; ++step) {
    auto call = client_->rewrite_call(from, to, context);
    call.request.query.emplace_back("sourceGeneration", source.etag);
    if (!token.empty()) call.request.query.emplace_back("rewriteToken", token);
    commit.condition(call.request);
    if (!description.empty()) {
      call.request.headers.emplace_back("Content-Type", "application/json; charset=UTF-8");
      call.request.body = as_bytes(description);
    }
    const auto outcome = client_->run(std::move(call));
    if (outcome.error && outcome.error->code() == Errc::not_found) {
      throw Error(Errc::corrupt_data, "copy", client_->uri(from),
                  "the object changed while it was copied", "copy it again");
    }
    if (outcome.error) return commit.conclude_refusal(outcome);
    auto rewrite = parse_gcs_rewrite(outcome.response.body, client_->uri(to));
    if (rewrite.object && rewrite.object->info.size == source.size) {
      return std::move(rewrite.object->info);
    }
    if (rewrite.object) break;
    token = std::move(rewrite.token);
  }
  throw Error(Errc::corrupt_data, "copy", client_->uri(to), "the store did not copy all of it",
              "copy it again");
}

}  // namespace cnf::storage
