// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
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
    R"(Counts every object on all levels by listing them, 1,000 a request; no data is
read.

Examples:
  cnf du s3://bucket/cohort/
  cnf du --json cohort | jq .bytes)";

int measure(const std::string& uri, Session& session) {
  const Place place(session, uri);
  if (session.options().explain) {
    Estimate estimate{
        .what = fmt::format("list all that lies below {}: a request for every 1,000 objects", uri),
        .store = uri};
    estimate.usage.requests[static_cast<std::size_t>(RequestKind::list)] = 1;
    return print_estimate(session, estimate);
  }
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
  const auto count = [&](const storage::FileInfo& info) {
    ++objects;
    bytes += info.size;
  };
  if (place.may_be_folder()) {
    for (const storage::FileInfo& info : place.folder()->list({}, session.context())) count(info);
  }
  if (objects == 0 && !place.is_root() && !place.is_local_folder()) {
    const std::optional<storage::FileInfo> object = place.object();
    if (!object) place.nothing_here("measure");
    count(*object);
  }
  Output out(session);
  if (session.options().json) {
    out.line(dump_line({{"uri", uri}, {"objects", objects}, {"bytes", bytes}}));
  } else {
    out.line(
        fmt::format("{} ({} bytes) in {}", format_size(bytes), bytes, count_of(objects, "object")));
  }
  out.commit();
  return kDone;
}

}  // namespace

void add_du(Verb& root) {
  auto uri = std::make_shared<std::string>(".");
  Verb verb = root.add("du", "Count the objects and bytes below a URI", kDetails);
  verb.optional_argument("URI", *uri, "A folder or an object (default: the current folder)");
  verb.run([uri](Session& session) { return measure(*uri, session); });
}

}  // namespace cnf::cli
