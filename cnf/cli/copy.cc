// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/query/copy.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/transfer.h"
#include "cnf/cli/verb.h"
#include "cnf/cli/verbs.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(A dataset of any format, from any store to any other. Every object is held against
its length and CRC32C on the way, and the manifest comes last: a copy that is cut
short is no dataset. Run it again, and it goes on where it was.

--sharding-bits spreads the chunks over 2^N prefixes for stores that throttle by
prefix; 0 takes that back. Without it the copy is spread as the original is.

Examples:
  cnf copy cohort.vcfs3 s3://bucket/cohort.vcfs3
  cnf copy --sharding-bits 8 s3://bucket/a.bams3 s3://other/a.bams3)";

struct CopyArgs {
  std::string source;
  std::string target;
  std::optional<std::int64_t> sharding_bits;
};

int explain(const query::Dataset& source, const CopyArgs& args, Session& session) {
  const std::uint64_t bytes = source.manifest().storage.total_size;
  const std::uint64_t objects =
      source.manifest().objects.size() + source.manifest().chunks.num_chunks + 1;
  Usage usage;
  if (is_remote(args.source)) {
    usage.requests[static_cast<std::size_t>(RequestKind::get)] = objects + requests_to_read(bytes);
    usage.bytes_fetched = bytes;
  }
  if (is_remote(args.target)) {
    usage.requests[static_cast<std::size_t>(RequestKind::put)] =
        objects + requests_to_write(bytes, session);
    usage.bytes_sent = bytes;
  }
  return print_estimate(session, {.what = fmt::format("copy {} to {}", args.source, args.target),
                                  .usage = usage,
                                  .store = args.source,
                                  .target = args.target});
}

int copy(const CopyArgs& args, Session& session) {
  query::Dataset source = query::open_dataset(session.open(args.source), session.context());
  if (session.options().explain) return explain(source, args, session);
  const auto progress = session.progress(source.manifest().storage.total_size);
  query::CopyOptions options{.replace = session.options().overwrite,
                             .threads = session.transfers(),
                             .memory = session.options().memory,
                             .progress = progress.get()};
  if (args.sharding_bits) options.sharding_bits = static_cast<int>(*args.sharding_bits);
  const query::CopyReport report =
      query::copy_dataset(std::move(source), session.open(args.target), options, session.context());
  progress->finish();
  if (session.options().json) {
    Output out(session, "-");
    out.line(dump_line(
        {{"objects", report.objects}, {"bytes", report.bytes}, {"resumed", report.resumed}}));
    out.commit();
  }
  session.note(fmt::format(
      "copied {} ({}){}", count_of(report.objects, "object"), format_size(report.bytes),
      report.resumed > 0 ? fmt::format(", {} of them by an earlier run", report.resumed) : ""));
  return kDone;
}

}  // namespace

void add_copy(Verb& root) {
  auto args = std::make_shared<CopyArgs>();
  Verb verb = root.add("copy", "Copy a dataset to another store or layout, verified", kDetails);
  verb.argument("SRC", args->source, "The dataset");
  verb.argument("DST", args->target, "Where the copy goes");
  verb.option("--sharding-bits", "N", args->sharding_bits, "Spread the chunks: 0, or 4 to 8");
  verb.run([args](Session& session) { return copy(*args, session); });
}

}  // namespace cnf::cli
