// SPDX-License-Identifier: Apache-2.0
// Uploads that nobody will end.
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/outstanding_internal.h"
#include "cnf/core/storage/s3/s3_client_internal.h"
#include "cnf/core/storage/s3/s3_storage_internal.h"
#include "cnf/core/storage/s3/s3_xml_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {

std::vector<UnfinishedUpload> S3Storage::do_uploads(std::string_view prefix,
                                                    const Context& context) const {
  std::vector<UnfinishedUpload> out;
  S3UploadPage page;
  do {
    auto call = client_->call(RequestKind::list, "list the uploads of", "GET", {}, context);
    const std::string subject = call.subject;
    auto& query = call.request.query;
    query = {{"uploads", ""}, {"encoding-type", "url"}, {"prefix", std::string(prefix)}};
    if (!page.next_key.empty()) query.emplace_back("key-marker", page.next_key);
    if (!page.next_id.empty()) query.emplace_back("upload-id-marker", page.next_id);
    const auto before = std::pair(page.next_key, page.next_id);
    page = parse_uploads(client_->run(std::move(call)).value().body, subject);
    const bool on = page.next_key > before.first ||
                    (page.next_key == before.first && page.next_id != before.second);
    if (!page.next_key.empty() && !on) {
      throw Error(Errc::corrupt_data, "list the uploads of", subject,
                  "the store goes round in a circle: it says twice how to go on");
    }
    for (auto& upload : page.uploads) {
      // Not every store takes the prefix, and what lies elsewhere is somebody else's.
      if (upload.key.starts_with(prefix)) out.push_back(std::move(upload));
    }
  } while (!page.next_key.empty());
  return out;
}

void S3Storage::do_abort_uploads(std::span<const UnfinishedUpload> uploads,
                                 const Context& context) {
  std::deque<HttpOutcome> outcomes;  // a deque: completions point into it
  {
    Outstanding outstanding;
    for (const auto& upload : uploads) {
      auto call = client_->call(RequestKind::remove, "abort", "DELETE", upload.key, context);
      call.request.query.emplace_back("uploadId", upload.id);
      outstanding.submit(*client_, std::move(call),
                         [&outcome = outcomes.emplace_back()](HttpOutcome result) {
                           outcome = std::move(result);
                         });
    }
  }
  for (const auto& outcome : outcomes) {
    const bool gone = outcome.provider_code == "NoSuchUpload";
    if (outcome.error && !gone) throw Error(*outcome.error);
  }
}

}  // namespace cnf::storage
