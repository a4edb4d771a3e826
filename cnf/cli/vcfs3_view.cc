// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/queries.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/variant_index.h"
#include "cnf/cli/vcfs3.h"
#include "cnf/cli/verb.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/query/table.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/answer.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/format_string.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/json_line.h"
#include "cnf/formats/vcfs3/line_edits.h"
#include "cnf/formats/vcfs3/render.h"
#include "cnf/formats/vcfs3/sink.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/formats/vcfs3/view.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Prints records as bcftools view does: options mean what they mean there, but what is
not asked to change does not: INFO stays as it is when samples are chosen. Give
--update-info AC,AN to have it recomputed, or --bcftools-compatible to get what
bcftools prints.

-i and -e look at all samples, whichever -s chooses, as in bcftools view: that reads
all tiles. cnf vcfs3 query looks at the chosen ones, as bcftools query does.

Regions are 1-based and inclusive: chr1, chr1:1000, chr1:1000-, chr1:1000-2000,
{HLA-A*01:01}:1-9; a record counts if it overlaps one, END included.

Only what the answer needs is read: pages of sites that the regions meet and no
condition rules out, tiles of the samples. --explain prints what, before anything
is read. Exit status 3: a contig, sample or ID that was asked for is not there.

Examples:
  cnf vcfs3 view -s NA12878 -r chr17:43044295-43125483 s3://bucket/1kg.vcfs3
  cnf vcfs3 view -G --id rs80357906 cohort.vcfs3
  cnf vcfs3 view -S trio.txt -i 'QUAL>30 && INFO/DP<200' -O z -o trio.vcf.gz cohort.vcfs3
  cnf vcfs3 view --format json --limit 1 cohort.vcfs3)";

// --format tsv, as cnf vcfs3 query has it.
constexpr const char* kTableColumns = "%CHROM\\t%POS\\t%ID\\t%REF\\t%ALT\\t%QUAL\\t%FILTER\\t%INFO";

struct ViewArgs {
  std::string uri;
  std::shared_ptr<SelectionArgs> selection = std::make_shared<SelectionArgs>();
  std::string output_type;
  std::string format;
  bool count = false;
  bool header_only = false;
  bool no_header = false;
  bool drop_genotypes = false;
  bool no_update = false;
  bool bcftools_compatible = false;
  bool trim_alts = false;
  bool write_index = false;
  std::vector<std::string> update_info;
  std::int64_t level = 6;
};

/// What is printed for which samples.
struct Answer {
  SelectedRecords records;
  vcfs3::Header header;  // of the answer
  bool with_samples = true;
};

vcfs3::FileFormat format_of(const ViewArgs& args, const Session& session) {
  using vcfs3::FileFormat;
  if (!args.output_type.empty() && !args.format.empty()) {
    throw UsageError("-O and --format exclude each other");
  }
  if (!args.output_type.empty()) return vcfs3::parse_output_type(args.output_type);
  if (args.format == "bcf") return FileFormat::bcf;
  if (args.format == "arrow") return FileFormat::arrow;
  if (args.format == "json" || args.format == "tsv") return FileFormat::text;
  const std::string& path = session.options().output;
  if (args.format.empty() && (path.ends_with(".vcf.gz") || path.ends_with(".bcf"))) {
    return vcfs3::file_format_of(path);
  }
  return FileFormat::vcf;
}

vcfs3::LineEdits edits_of(const ViewArgs& args, const vcfs3::Dataset& dataset, const Answer& answer,
                          Session& session) {
  using vcfs3::LineEdits;
  using Samples = vcfs3::LineOptions::Samples;
  LineEdits edits;
  edits.samples = answer.records.samples ? Samples::some : Samples::all;
  if (!answer.with_samples) edits.samples = Samples::none;
  for (const std::string& list : args.update_info) {
    std::size_t start = 0;
    while (start <= list.size()) {
      const std::size_t end = std::min(list.find(',', start), list.size());
      edits.update_info.push_back(list.substr(start, end - start));
      start = end + 1;
    }
  }
  if (args.bcftools_compatible) {
    edits.trailing = LineEdits::Trailing::padded;
    if (answer.records.samples && edits.update_info.empty()) edits.update_info = {"AC", "AN"};
  }
  if (args.no_update) edits.update_info.clear();
  if (args.trim_alts) edits.unused = LineEdits::Unused::trimmed;
  // Alleles are trimmed before sample columns are dropped.
  if (args.trim_alts) {
    edits.header = answer_definitions(dataset, answer.records.samples, session).text;
  }
  edits.line_end = vcfs3::line_end(dataset);
  return edits;
}

vcfs3::Needs all_but_cells(bool with_samples) {
  vcfs3::Needs needs = vcfs3::Needs::all();
  needs.genotypes = needs.format = with_samples;
  return needs;
}

std::shared_ptr<const vcfs3::Renderer> renderer_of(const ViewArgs& args,
                                                   const vcfs3::Dataset& dataset,
                                                   const Answer& answer, Session& session) {
  if (args.count) return vcfs3::count_records();
  const auto header = std::make_shared<const vcfs3::Header>(answer.header);
  if (args.format == "json") {
    return vcfs3::render_each(all_but_cells(answer.with_samples),
                              [header](const vcfs3::Variant& variant, Buffer& out) {
                                vcfs3::append_json_line(variant, *header, header->samples, out);
                              });
  }
  if (args.format == "tsv") {
    std::string text = kTableColumns;
    if (answer.with_samples) text += "[\\t%GT]";
    const auto format = vcfs3::FormatString::parse(text + "\\n", *header);
    return vcfs3::render_each(format.needs(),
                              [format, header](const vcfs3::Variant& variant, Buffer& out) {
                                format.append(variant, header->samples, {}, out);
                              });
  }
  if (args.format == "arrow") {
    if (!answer.with_samples) return vcfs3::render_columns({});
    return vcfs3::render_columns({.samples = header->samples});
  }
  const vcfs3::LineEdits edits = edits_of(args, dataset, answer, session);
  if (edits.any()) return vcfs3::render_edited_lines(edits);
  using Floats = vcfs3::LineOptions::Floats;
  const vcfs3::FileFormat format = format_of(args, session);
  const bool exact = edits.samples == vcfs3::LineOptions::Samples::all &&
                     (format == vcfs3::FileFormat::bcf || format == vcfs3::FileFormat::bcf_raw);
  return vcfs3::render_lines({.samples = edits.samples,
                              .floats = exact ? Floats::exact : Floats::as_text,
                              .line_end = vcfs3::line_end(dataset)});
}

std::string table_header(const Answer& answer) {
  std::string line = "contig\tpos\tid\tref\talt\tqual\tfilter\tinfo";
  if (answer.with_samples) line += fmt::format("\t{}", fmt::join(answer.header.samples, "\t"));
  return line + "\n";
}

vcfs3::SinkOptions sink_options(const ViewArgs& args, const vcfs3::Dataset& dataset,
                                vcfs3::FileFormat format, const Answer& answer, Session& session) {
  using vcfs3::FileFormat;
  vcfs3::SinkOptions options{.level = static_cast<int>(args.level), .threads = session.threads()};
  const bool is_bcf = format == FileFormat::bcf || format == FileFormat::bcf_raw;
  if (is_bcf || ((format == FileFormat::vcf || format == FileFormat::vcf_gz) && !args.no_header)) {
    options.header = answer.header.text;
  }
  if (args.format == "tsv" && !args.no_header) options.header = table_header(answer);
  if (!is_bcf || args.header_only) return options;
  options.undefined = vcfs3::undefined_keys(dataset, answer.records.query, answer.header.text,
                                            executor_options(session), session.context());
  if (!options.undefined.empty()) {
    std::vector<std::string> names;
    for (const auto& [what, key] : options.undefined) names.push_back(vcfs3::to_string(what, key));
    session.note(fmt::format("added to the header, which BCF needs: {}", fmt::join(names, ", ")));
  }
  return options;
}

int print(const ViewArgs& args, const vcfs3::Dataset& dataset, const Answer& answer,
          const vcfs3::ViewPlan* plan, Session& session) {
  const vcfs3::FileFormat format = format_of(args, session);
  const VariantIndex index(session, args.write_index, format);
  Output out(session);
  const auto sink = vcfs3::make_sink(
      format, [&out](ByteSpan bytes) { out.write(bytes); },
      sink_options(args, dataset, format, answer, session), session.context());
  if (plan != nullptr) {
    query::Results results =
        vcfs3::run_view(dataset, *plan, executor_options(session), session.context());
    while (const std::optional<query::Table> table = results.next()) sink->write(*table);
  }
  sink->finish();
  out.commit();
  index.build();
  return kDone;
}

int count(const vcfs3::Dataset& dataset, const vcfs3::ViewPlan& plan, Session& session) {
  query::Results results =
      vcfs3::run_view(dataset, plan, executor_options(session), session.context());
  std::uint64_t records = 0;
  while (const std::optional<query::Table> table = results.next()) records += table->rows();
  Output out(session);
  out.line(session.options().json ? dump_line({{"records", records}}) : fmt::format("{}", records));
  out.commit();
  return kDone;
}

int view(const ViewArgs& args, Session& session) {
  const vcfs3::Dataset dataset = open_vcfs3(session, args.uri);
  Answer answer;
  try {
    answer.records =
        select_records(*args.selection, dataset, vcfs3::ViewQuery::Condition::on_records, session);
  } catch (const Error& error) {
    if (error.code() != Errc::not_found) throw;
    return session.nothing_matched(error.what());
  }
  answer.with_samples = !args.drop_genotypes && dataset.samples() != 0 &&
                        (!answer.records.samples || !answer.records.samples->empty());
  answer.header = answer_definitions(
      dataset, answer.with_samples ? answer.records.samples : std::vector<std::string>(), session);
  if (args.header_only) return print(args, dataset, answer, nullptr, session);
  const auto renderer = renderer_of(args, dataset, answer, session);
  const vcfs3::ViewPlan plan =
      vcfs3::plan_view(dataset, answer.records.query, renderer, session.context());
  if (session.options().explain) {
    return explain_plan(plan.plan, *dataset.chunk_storage(), "bins", session);
  }
  return args.count ? count(dataset, plan, session) : print(args, dataset, answer, &plan, session);
}

void add_output_options(Verb& verb, const std::shared_ptr<ViewArgs>& args) {
  verb.option("-O,--output-type", "v|z|u|b", args->output_type,
              "VCF, VCF.gz, plain BCF, BCF (default: v, or by the name of -o)");
  verb.choice("--format", args->format, {"vcf", "bcf", "arrow", "json", "tsv"},
              "The same, and Arrow IPC stream, JSON lines, columns with tabs");
  verb.option(
      "-l,--compression-level", "N",
      [args](const std::string& text) {
        args->level = parse_integer("-l", text, 0);
        if (args->level > 9) throw UsageError("-l is at most 9");
      },
      "Of VCF.gz and BCF, 0 to 9 (default: 6)");
  verb.flag("--write-index", args->write_index,
            "An index beside the file: .tbi for VCF.gz, .csi for BCF");
  verb.flag("-h,--header-only", args->header_only, "Only the header");
  verb.flag("-H,--no-header", args->no_header, "No header");
  verb.flag("--count", args->count, "Print only the number of records");
  verb.flag("-G,--drop-genotypes", args->drop_genotypes, "No sample columns");
  verb.flag("-I,--no-update", args->no_update, "Leave INFO as it is, with --bcftools-compatible");
  verb.option("--update-info", "AC,AN,AF", args->update_info,
              "Set these INFO keys to what the genotypes of the samples say");
  verb.flag("--bcftools-compatible", args->bcftools_compatible,
            "Change what bcftools view changes: AC, AN; trailing fields of samples");
  verb.flag("-a,--trim-alt-alleles,--trim-alts", args->trim_alts,
            "Take away ALT alleles that no genotype of the samples has");
}

}  // namespace

void add_vcfs3_view(Verb& vcfs3) {
  auto args = std::make_shared<ViewArgs>();
  Verb verb =
      vcfs3.add("view", "Print records: of regions, samples, IDs, by any condition", kDetails);
  verb.argument("URI", args->uri, "The dataset");
  add_selection_options(verb, args->selection, "-f,");
  verb.option("--limit", "N", args->selection->limit, "At most so many records");
  add_output_options(verb, args);
  verb.run([args](Session& session) { return view(*args, session); });
}

}  // namespace cnf::cli
