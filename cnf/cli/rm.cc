// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/place.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/verb.h"
#include "cnf/cli/verbs.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/storage/keys.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Asks nothing and cannot be undone. A folder, and all the more a whole bucket,
needs -r. A dataset's manifest goes first: one that is cut short leaves no dataset
that looks whole. --explain says what would be removed.

Examples:
  cnf rm s3://bucket/in/reads.bam
  cnf rm -r --explain s3://bucket/cohort/dataset
  cnf rm -r s3://bucket/cohort/dataset)";

constexpr std::size_t kBatch = 1000;  // keys of one DeleteObjects request

struct RmArgs {
  std::string uri;
  bool recursive = false;
};

struct Removed {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
};

// Lists and removes by batches; within one, manifests go first. Keys are those of the store that
// holds the folder, so that a local folder goes with the last of its files.
Removed remove_below(const Place& place, Session& session) {
  const Context& context = session.context();
  const storage::Storage& folder = *place.folder();
  storage::Storage& store = *place.location().storage;
  const std::string& base = place.location().key;
  Removed removed;
  for (const std::string_view name : {metadata::kManifestKey, metadata::kGroupKey}) {
    const std::string manifest = storage::join_key(base, name);
    const auto info = store.try_stat(manifest, context);
    if (!info) continue;
    store.remove(manifest, context);
    session.detail("removed " + store.uri(manifest));
    ++removed.objects;
    removed.bytes += info->size;
  }
  std::vector<std::string> batch;
  const auto flush = [&] {
    std::stable_partition(batch.begin(), batch.end(), is_manifest);
    if (!batch.empty()) store.remove(batch, context);
    for (const std::string& key : batch) session.detail("removed " + store.uri(key));
    batch.clear();
  };
  for (const storage::FileInfo& info : folder.list({}, context)) {
    batch.push_back(storage::join_key(base, info.key));
    ++removed.objects;
    removed.bytes += info.size;
    if (batch.size() == kBatch) flush();
  }
  flush();
  return removed;
}

Removed count_below(const storage::Storage& folder, const Context& context) {
  Removed sum;
  for (const storage::FileInfo& info : folder.list({}, context)) {
    ++sum.objects;
    sum.bytes += info.size;
  }
  return sum;
}

int explain(const RmArgs& args, const Removed& sum, Session& session) {
  Estimate estimate{.what = fmt::format("remove {} ({} bytes) at {}",
                                        count_of(sum.objects, "object"), sum.bytes, args.uri),
                    .store = args.uri};
  const auto requests = [&](RequestKind kind, std::uint64_t count) {
    estimate.usage.requests[static_cast<std::size_t>(kind)] = count;
  };
  const std::uint64_t batches = (sum.objects + kBatch - 1) / kBatch;
  requests(RequestKind::remove, batches);
  if (args.recursive) requests(RequestKind::list, std::max<std::uint64_t>(batches, 1));
  return print_estimate(session, estimate);
}

int report(const Removed& removed, Session& session) {
  if (!session.options().json) return kDone;
  Output out(session);
  out.line(dump_line({{"objects", removed.objects}, {"bytes", removed.bytes}}));
  out.commit();
  return kDone;
}

int remove_one(const Place& place, const RmArgs& args, Session& session) {
  const std::optional<storage::FileInfo> info = place.object();
  if (!info) {
    if (!place.is_folder()) place.nothing_here("remove");
    throw Error(Errc::invalid_argument, "remove", args.uri, "it is a folder",
                "-r removes all that lies below it");
  }
  if (session.options().explain) return explain(args, {1, info->size}, session);
  place.location().storage->remove(info->key, session.context());
  return report({1, info->size}, session);
}

int remove(const RmArgs& args, Session& session) {
  const Place place(session, args.uri);
  if (place.is_root()) {
    if (!args.recursive) {
      throw Error(Errc::invalid_argument, "remove", args.uri, "it is a whole store",
                  "-r removes all that lies in it");
    }
    if (!is_remote(args.uri)) {
      throw Error(Errc::invalid_argument, "remove", args.uri, "it is all of the local disk");
    }
  }
  if (!args.recursive || !place.may_be_folder()) return remove_one(place, args, session);
  if (session.options().explain) {
    return explain(args, count_below(*place.folder(), session.context()), session);
  }
  const Removed removed = remove_below(place, session);
  if (removed.objects == 0 && !place.is_root() && !place.is_local_folder()) {
    return remove_one(place, args, session);
  }
  return report(removed, session);
}

}  // namespace

void add_rm(Verb& root) {
  auto args = std::make_shared<RmArgs>();
  Verb verb = root.add("rm", "Remove an object, or a tree of objects", kDetails);
  verb.argument("URI", args->uri, "The object or folder");
  verb.flag("-r,--recursive", args->recursive, "Remove all that lies below URI");
  verb.run([args](Session& session) { return remove(*args, session); });
}

}  // namespace cnf::cli
