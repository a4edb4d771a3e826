// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/place.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/verb.h"
#include "cnf/cli/verbs.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(One request, and no data is read. For a folder, see cnf ls and cnf du.

Examples:
  cnf stat s3://bucket/cohort/_metadata.json
  cnf stat --json reads.bam | jq -r .etag)";

int show(const std::string& uri, Session& session) {
  if (session.options().explain) {
    Estimate estimate{.what = fmt::format("ask for the size, time and ETag of {}", uri),
                      .store = uri};
    estimate.usage.requests[static_cast<std::size_t>(RequestKind::head)] = 1;
    return print_estimate(session, estimate);
  }
  const Place place(session, uri);
  const storage::FileInfo info = place.require_object("stat");
  const std::string full = place.location().storage->uri(info.key);
  Output out(session);
  if (session.options().json) {
    out.line(dump_line(to_json(info, full)));
  } else {
    out.line(fmt::format("uri       {}", full));
    out.line(fmt::format("size      {} ({} bytes)", format_size(info.size), info.size));
    out.line(fmt::format("modified  {}", format_time(info.modified)));
    out.line(fmt::format("etag      {}", info.etag));
    if (!info.storage_class.empty()) out.line(fmt::format("class     {}", info.storage_class));
  }
  out.commit();
  return kDone;
}

}  // namespace

void add_stat(Verb& root) {
  auto uri = std::make_shared<std::string>();
  Verb verb = root.add("stat", "Show an object's size, time and ETag", kDetails);
  verb.argument("URI", *uri, "The object");
  verb.run([uri](Session& session) { return show(*uri, session); });
}

}  // namespace cnf::cli
