// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/verb.h"
#include "cnf/cli/verbs.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Orphans are objects in the dataset's folders that its manifest does not name: what
a writer that died has left, or what a newer version has replaced. They cost
storage and are never read. While a writer is at work its new objects look the
same: run gc when none is, or spare young ones with --older-than.

Uploads that were begun below the dataset and neither committed nor given up, by
a writer that was killed, cost storage too, and no list shows them. Those older
than a week go as well. --uploads-only is for them alone, below any URI, whether
a dataset is there or not.

Prints the path of each orphan; --json one object a line.

Examples:
  cnf gc --dry-run s3://bucket/cohort/dataset
  cnf gc --older-than 2 s3://bucket/cohort/dataset
  cnf gc --uploads-only --uploads-older-than 1 s3://bucket/cohort)";

struct GcArgs {
  std::string uri;
  bool dry_run = false;
  std::int64_t older_than_days = 0;
  bool uploads_only = false;
  std::int64_t uploads_older_than_days = 7;
};

std::vector<storage::FileInfo> find_orphans(const query::Dataset& dataset, const GcArgs& args,
                                            const Context& context) {
  auto orphans = query::find_orphans(dataset, context);
  if (args.older_than_days > 0) {
    const auto limit = std::chrono::system_clock::now() - std::chrono::days(args.older_than_days);
    std::erase_if(orphans, [&](const storage::FileInfo& info) { return info.modified > limit; });
  }
  return orphans;
}

// An object of a commit that was made while we looked is an orphan by the older manifest only.
void require_unchanged(const query::Dataset& dataset, const std::string& uri,
                       const Context& context) {
  if (metadata::Manager(dataset.root).load(context, dataset.committed.place()).etag ==
      dataset.committed.etag)
    return;
  throw Error(Errc::precondition_failed, "collect orphans of", uri,
              "somebody has just committed to it", "run gc again when no writer is at work");
}

// Not every store tells of them, nor everybody may ask: that is no failure of the rest.
void sweep_uploads(storage::Storage& place, const GcArgs& args, Session& session) {
  const bool keep = args.dry_run || session.options().explain;
  constexpr std::int64_t kAlways = 36'500;  // days: older than any store
  const auto age = std::chrono::days(std::min(args.uploads_older_than_days, kAlways));
  try {
    const std::uint64_t count = keep ? place.stale_uploads({}, age, session.context()).size()
                                     : place.abort_stale_uploads({}, age, session.context());
    if (count == 0) return;
    session.note(fmt::format("{} {}", keep ? "would give up" : "gave up",
                             count_of(count, "unfinished upload")));
  } catch (const Error& error) {
    const bool cannot =
        error.code() == Errc::unsupported || error.code() == Errc::permission_denied;
    if (!cannot || args.uploads_only) throw;
    session.note(fmt::format("unfinished uploads were not looked for: {}", error.what()));
  }
}

int collect(const GcArgs& args, Session& session) {
  if (args.uploads_only) {
    sweep_uploads(*session.open(args.uri), args, session);
    return kDone;
  }
  const query::Dataset dataset = query::open_dataset(session.open(args.uri), session.context());
  const std::vector<storage::FileInfo> orphans = find_orphans(dataset, args, session.context());
  const bool keep = args.dry_run || session.options().explain;
  std::vector<std::string> keys;
  std::uint64_t bytes = 0;
  Output out(session);
  for (const storage::FileInfo& orphan : orphans) {
    keys.push_back(orphan.key);
    bytes += orphan.size;
    out.line(session.options().json ? dump_line(to_json(orphan, dataset.root->uri(orphan.key)))
                                    : orphan.key);
  }
  if (!keep && !keys.empty()) {
    require_unchanged(dataset, args.uri, session.context());
    dataset.root->remove(keys, session.context());
  }
  out.commit();
  sweep_uploads(*dataset.root, args, session);
  session.note(fmt::format("{} {} ({})", keep ? "would delete" : "deleted",
                           count_of(keys.size(), "orphan"), format_size(bytes)));
  return kDone;
}

}  // namespace

void add_gc(Verb& root) {
  auto args = std::make_shared<GcArgs>();
  Verb verb =
      root.add("gc", "Delete what lies in a dataset's folders and is no part of it", kDetails);
  verb.argument("URI", args->uri, "The dataset");
  verb.flag("--dry-run", args->dry_run, "Print the orphans, delete nothing");
  verb.option("--older-than", "DAYS", args->older_than_days, "Only orphans of at least this age");
  verb.flag("--uploads-only", args->uploads_only,
            "Give up unfinished uploads and delete nothing; no dataset need be there");
  verb.option("--uploads-older-than", "DAYS", args->uploads_older_than_days,
              "Only unfinished uploads of at least this age (7)");
  verb.run([args](Session& session) { return collect(*args, session); });
}

}  // namespace cnf::cli
