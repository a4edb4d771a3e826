// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "cnf/cli/bams3.h"
#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/queries.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/verb.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/util/buffer.h"
#include "cnf/formats/bams3/dataset.h"
#include "cnf/formats/bams3/export.h"
#include "cnf/formats/bams3/sink.h"
#include "cnf/formats/bams3/view.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Writes all records, in the dataset's order, with the header's own bytes; the format
follows from the name (.bam, .sam, .cram) or --format. What was converted comes
back exactly: for BAM and CRAM the records are held against the SHA-256 that was
taken at conversion, and nothing is left of a file that would differ.

Examples:
  cnf bams3 export s3://bucket/sample.bams3 sample.bam
  cnf bams3 export sample.bams3 - --format sam | less -S)";

struct ExportArgs {
  std::string uri;
  std::string target;
  std::string format;
  std::string reference;
};

int explain(const bams3::Dataset& dataset, bams3::FileFormat format, Session& session) {
  const bams3::ViewPlan plan =
      bams3::plan_view(dataset, {}, bams3::form_for(format), session.context());
  Output out(session, "-");
  out.write(query::describe(
      plan.plan, query::estimate(plan.plan, query::CostModel::of(*dataset.chunk_storage()))));
  out.commit();
  return kDone;
}

int write(const ExportArgs& args, Session& session) {
  if (args.format.empty() && args.target == "-")
    throw UsageError("standard output has no name: give --format");
  const bams3::FileFormat format = args.format.empty() ? bams3::file_format_of(args.target)
                                                       : bams3::parse_file_format(args.format);
  const bams3::Dataset dataset = open_bams3(session, args.uri);
  if (session.options().explain) return explain(dataset, format, session);
  Output out(session, args.target);
  const auto progress = session.progress();
  const std::uint64_t records = bams3::export_dataset(
      dataset, format, [&out](ByteSpan bytes) { out.write(bytes); },
      {.reference = args.reference, .threads = session.threads()}, executor_options(session),
      session.context(), progress.get());
  out.commit();
  session.detail(fmt::format("{}: {}", args.target, count_of(records, "record")));
  return kDone;
}

void add_export(Verb& bams3, const std::string& name, const std::string& summary) {
  auto args = std::make_shared<ExportArgs>();
  Verb verb = bams3.add(name, summary, kDetails);
  verb.argument("URI", args->uri, "The dataset");
  verb.argument("OUT", args->target, "A path or URI, or - for standard output");
  verb.choice("--format", args->format, {"bam", "sam", "cram", "json"},
              "Format, whatever the name");
  verb.option("--reference", "FASTA", args->reference,
              "For CRAM; without it sequences are stored whole");
  verb.run([args](Session& session) { return write(*args, session); });
}

}  // namespace

void add_bams3_export(Verb& bams3) {
  add_export(bams3, "export", "Write all of it as BAM, SAM or CRAM, exactly");
  add_export(bams3, "to-bam", "The same as export");
}

}  // namespace cnf::cli
