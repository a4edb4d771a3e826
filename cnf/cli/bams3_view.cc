// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/cli/bams3.h"
#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/queries.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/verb.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/query/table.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/dataset.h"
#include "cnf/formats/bams3/record_filter.h"
#include "cnf/formats/bams3/sink.h"
#include "cnf/formats/bams3/view.h"
#include "cnf/hts/region.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Prints records, as samtools view does: the same records in the same order, the
same meaning of every option. Regions are 1-based and inclusive: chr1, chr1:1000,
chr1:1,000-2,000, {HLA-A*01:01}:1-9; * stands for records without a reference.
Several regions are answered one after the other.

-c counts. What the index knows is not read: a count of everything costs one
request, a count of a region the groups at its two ends.
--explain prints what would be read, before anything is.

Examples:
  cnf bams3 view s3://bucket/sample.bams3 chr17:43,044,295-43,125,483
  cnf bams3 view -c -F DUP,SECONDARY -q 30 sample.bams3 chr1
  cnf bams3 view -h --format bam -o brca1.bam sample.bams3 chr17:43044295-43125483
  cnf bams3 view -L targets.bed -e '[NM] > 3' sample.bams3)";

struct ViewArgs {
  std::string uri;
  std::vector<std::string> regions;
  std::string bed;
  std::vector<std::string> tags;
  std::string names;
  std::optional<std::int64_t> limit;
  std::string format = "sam";
  bool count = false;
  bool with_header = false;
  bool header_only = false;
  std::string reference;
  bams3::ViewQuery query;
};

void add_tag_condition(const std::string& text, bams3::RecordConditions& conditions) {
  const std::string tag = text.substr(0, 2);
  if (text.size() < 2 || (text.size() > 2 && text[2] != ':') ||
      (!conditions.tag.empty() && conditions.tag != tag)) {
    throw UsageError(fmt::format(
        "-d is TAG or TAG:VALUE, with one TAG if given more than once, not \"{}\"", text));
  }
  conditions.tag = tag;
  if (text.size() > 3) conditions.tag_values.push_back(text.substr(3));
}

bams3::ViewQuery query_of(const ViewArgs& args, const bams3::Dataset& dataset, Session& session) {
  bams3::ViewQuery query = args.query;
  for (const std::string& region : args.regions) {
    query.regions.push_back(hts::parse_region(region, dataset.reference_names()));
  }
  if (!args.bed.empty()) {
    std::istringstream lines(read_text(args.bed, session));
    query.bed =
        std::make_shared<hts::Bed>(hts::Bed::load(lines, dataset.reference_names(), args.bed));
  }
  for (const std::string& tag : args.tags) add_tag_condition(tag, query.conditions);
  if (!args.names.empty()) {
    std::istringstream lines(read_text(args.names, session));
    for (std::string name; lines >> name;) query.conditions.names.insert(name);
  }
  if (args.limit) query.limit = static_cast<std::uint64_t>(*args.limit);
  return query;
}

int explain(const bams3::Dataset& dataset, const bams3::ViewPlan& plan, Session& session) {
  const query::Cost cost =
      query::estimate(plan.plan, query::CostModel::of(*dataset.chunk_storage()));
  Output out(session);
  if (session.options().json) {
    out.line(dump_line({{"row_groups", plan.plan.units.size()},
                        {"counted_by_index", plan.counted},
                        {"requests", cost.requests},
                        {"bytes", cost.bytes},
                        {"seconds", cost.seconds},
                        {"price_usd", cost.price_usd}}));
  } else {
    out.write(query::describe(plan.plan, cost));
  }
  out.commit();
  return kDone;
}

int count(const bams3::ViewPlan& plan, query::Results results, Session& session) {
  std::uint64_t records = plan.counted;
  while (const std::optional<query::Table> table = results.next()) records += table->rows();
  Output out(session);
  out.line(session.options().json ? dump_line({{"records", records}}) : fmt::format("{}", records));
  out.commit();
  return kDone;
}

int print(const ViewArgs& args, const bams3::Dataset& dataset, query::Results* results,
          Session& session) {
  Output out(session);
  bams3::SinkOptions options{.reference = args.reference, .threads = session.threads()};
  if (!args.with_header && !args.header_only) options.header = bams3::SinkOptions::HeaderText::omit;
  const auto sink = bams3::make_sink(
      bams3::parse_file_format(args.format), dataset.header(),
      [&out](ByteSpan bytes) { out.write(bytes); }, options, session.context());
  while (results != nullptr) {
    const std::optional<query::Table> table = results->next();
    if (!table) break;
    sink->write(*table);
  }
  sink->finish();
  out.commit();
  return kDone;
}

int view(const ViewArgs& args, Session& session) {
  const bams3::Dataset dataset = open_bams3(session, args.uri);
  if (args.header_only) return print(args, dataset, nullptr, session);
  bams3::ViewQuery query;
  try {
    query = query_of(args, dataset, session);
  } catch (const Error& error) {
    if (error.code() != Errc::not_found) throw;
    return session.nothing_matched(error.what());
  }
  const bams3::Form form =
      args.count ? bams3::Form::count : bams3::form_for(bams3::parse_file_format(args.format));
  const bams3::ViewPlan plan = bams3::plan_view(dataset, query, form, session.context());
  if (session.options().explain) return explain(dataset, plan, session);
  query::Results results =
      bams3::run_view(dataset, plan, executor_options(session), session.context());
  if (args.count) return count(plan, std::move(results), session);
  return print(args, dataset, &results, session);
}

void add_view(Verb& bams3, const std::string& name, const std::string& summary) {
  auto args = std::make_shared<ViewArgs>();
  Verb verb = bams3.add(name, summary, kDetails);
  verb.argument("URI", args->uri, "The dataset");
  verb.arguments("REGION", args->regions, "Only records that overlap these, each in its turn");
  verb.option("-L,--targets-file", "BED", args->bed,
              "Only records that overlap an interval of this file");
  verb.option(
      "-f,--require-flags", "FLAGS",
      [args](const std::string& text) { args->query.required_flags = bams3::parse_flags(text); },
      "Only records with all of these flags: 3, 0x10, PAIRED,READ1");
  verb.option(
      "-F,--excl-flags", "FLAGS",
      [args](const std::string& text) { args->query.excluded_flags = bams3::parse_flags(text); },
      "Only records with none of these flags");
  verb.option(
      "-q,--min-MQ", "INT",
      [args](const std::string& text) {
        const std::int64_t quality = parse_integer("-q", text, 0);
        if (quality > 255) throw UsageError("-q is at most 255");
        args->query.min_mapq = static_cast<std::uint8_t>(quality);
      },
      "Only records with at least this mapping quality");
  verb.option("-d,--tag", "TAG[:VALUE]", args->tags,
              "Only records with this tag, and one of the values given");
  verb.option("-r,--read-group", "RG", args->query.conditions.read_groups,
              "Only records of these read groups, or of none");
  verb.option("-N,--qname-file", "FILE", args->names, "Only records whose name this file lists");
  verb.option("-e,--expr", "EXPR", args->query.conditions.expression,
              "Only records for which it is true");
  verb.flag("-c,--count", args->count, "Print only their number");
  verb.option("--limit", "N", args->limit, "At most so many records");
  verb.choice("--format", args->format, {"sam", "bam", "cram", "json"},
              "Form of the records (default: sam)");
  verb.option("--reference", "FASTA", args->reference, "For --format cram");
  verb.flag("-h,--with-header", args->with_header, "The header before the records");
  verb.flag("-H,--header-only", args->header_only, "Only the header");
  verb.run([args](Session& session) { return view(*args, session); });
}

}  // namespace

void add_bams3_view(Verb& bams3) {
  add_view(bams3, "view", "Print or count records, of all or of regions");
  add_view(bams3, "query", "The same as view");
}

}  // namespace cnf::cli
