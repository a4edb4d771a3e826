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

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Without -r one level is listed, and what lies deeper is shown as NAME/. Entries
come in the byte order of their keys, as the store sends them, 1,000 a request.

-l prints the size in bytes, the time of the last change (UTC), the ETag and the
name. --json prints one object a line: key (below URI), uri, size, modified,
etag, storage_class; a deeper level has only key and uri.

Examples:
  cnf ls s3://bucket/cohort/
  cnf ls -r -l cohort
  cnf ls --json -r s3://bucket/cohort | jq .size)";

struct LsArgs {
  std::string uri = ".";
  bool is_long = false;
  bool recursive = false;
};

class Lister {
 public:
  Lister(Session& session, const LsArgs& args)
      : json_(session.options().json), args_(args), out_(session) {}

  void print(const storage::FileInfo& info, const std::string& uri) {
    const bool is_folder = info.key.ends_with('/');
    if (json_) {
      out_.line(dump_line(is_folder ? nlohmann::json{{"key", info.key}, {"uri", uri}}
                                    : to_json(info, uri)));
    } else if (args_.is_long) {
      const std::string size = is_folder ? "-" : std::to_string(info.size);
      out_.line(fmt::format("{:>14}  {:20}  {:34}  {}", size, format_time(info.modified),
                            info.etag.empty() ? "-" : info.etag, info.key));
    } else {
      out_.line(info.key);
    }
  }
  void finish() { out_.commit(); }

 private:
  const bool json_;
  const LsArgs& args_;
  Output out_;
};

int list(const LsArgs& args, Session& session) {
  const Place place(session, args.uri);
  if (session.options().explain) {
    Estimate estimate{.what = fmt::format("list {}: a request for every 1,000 entries", args.uri),
                      .store = args.uri};
    estimate.usage.requests[static_cast<std::size_t>(RequestKind::list)] = 1;
    return print_estimate(session, estimate);
  }
  Lister lister(session, args);
  std::uint64_t entries = 0;
  if (place.may_be_folder()) {
    const auto& folder = place.folder();
    for (const storage::FileInfo& info :
         folder->list({.delimiter = args.recursive ? "" : "/"}, session.context())) {
      lister.print(info, folder->uri(info.key));
      ++entries;
    }
  }
  if (entries == 0 && !place.is_root() && !place.is_local_folder()) {
    std::optional<storage::FileInfo> object = place.object();
    if (!object) place.nothing_here("list");
    const std::string uri = place.location().storage->uri(object->key);
    object->key = place.name();
    lister.print(*object, uri);
  }
  lister.finish();
  return kDone;
}

}  // namespace

void add_ls(Verb& root) {
  auto args = std::make_shared<LsArgs>();
  Verb verb = root.add("ls", "List the objects below a URI", kDetails);
  verb.optional_argument("URI", args->uri, "A folder or an object (default: the current folder)");
  verb.flag("-l,--long", args->is_long, "Show size, time and ETag");
  verb.flag("-r,--recursive", args->recursive, "List all levels");
  verb.run([args](Session& session) { return list(*args, session); });
}

}  // namespace cnf::cli
