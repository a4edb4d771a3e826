// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/queries.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/vcfs3.h"
#include "cnf/cli/verb.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/sample_table.h"
#include "cnf/formats/vcfs3/statistics.h"
#include "cnf/formats/vcfs3/view.h"

namespace cnf::cli {
namespace {

constexpr const char* kStatsDetails =
    R"(Counts records by type and contig, transitions and transversions, and for each
sample its genotypes: homozygous reference, heterozygous, homozygous alternate,
missing (also in part). -G counts no samples, and reads no genotypes.

Examples:
  cnf vcfs3 stats cohort.vcfs3
  cnf vcfs3 stats --json -r chr22 -s NA12878,NA12891 s3://bucket/1kg.vcfs3
  cnf vcfs3 stats -G cohort.vcfs3)";

constexpr const char* kSamplesDetails =
    R"(Prints the samples' names, one a line; with --attributes as a table with what is
known of them (see cnf vcfs3 convert --sample-table), as JSON with --json.

Examples:
  cnf vcfs3 samples cohort.vcfs3 | wc -l
  cnf vcfs3 samples --attributes s3://bucket/1kg.vcfs3)";

struct StatsArgs {
  std::string uri;
  std::shared_ptr<SelectionArgs> selection = std::make_shared<SelectionArgs>();
  bool drop_genotypes = false;
};

struct SamplesArgs {
  std::string uri;
  bool attributes = false;
};

double ratio(std::uint64_t transitions, std::uint64_t transversions) {
  return transversions == 0 ? 0
                            : static_cast<double>(transitions) / static_cast<double>(transversions);
}

nlohmann::json to_json(const vcfs3::Statistics& stats, const std::vector<std::string>& names) {
  nlohmann::json contigs = nlohmann::json::array();
  for (const auto& contig : stats.contigs) {
    contigs.push_back({{"name", contig.name}, {"records", contig.records}});
  }
  nlohmann::json samples = nlohmann::json::array();
  for (std::size_t i = 0; i < stats.samples.size(); ++i) {
    const auto& sample = stats.samples[i];
    samples.push_back({{"name", names[i]},
                       {"hom_ref", sample.reference},
                       {"het", sample.heterozygous},
                       {"hom_alt", sample.alternate},
                       {"missing", sample.missing}});
  }
  return {{"records", stats.records},
          {"raw", stats.raw},
          {"no_alt", stats.no_alt},
          {"snps", stats.snps},
          {"mnps", stats.mnps},
          {"indels", stats.indels},
          {"others", stats.others},
          {"multiallelic", stats.multiallelic},
          {"transitions", stats.transitions},
          {"transversions", stats.transversions},
          {"ts_tv", ratio(stats.transitions, stats.transversions)},
          {"contigs", std::move(contigs)},
          {"samples", std::move(samples)}};
}

void print_text(const vcfs3::Statistics& stats, const std::vector<std::string>& names,
                Output& out) {
  const std::pair<const char*, std::uint64_t> rows[] = {{"records", stats.records},
                                                        {"kept as raw lines", stats.raw},
                                                        {"no ALT", stats.no_alt},
                                                        {"SNPs", stats.snps},
                                                        {"MNPs", stats.mnps},
                                                        {"indels", stats.indels},
                                                        {"others", stats.others},
                                                        {"multiallelic", stats.multiallelic},
                                                        {"transitions", stats.transitions},
                                                        {"transversions", stats.transversions}};
  for (const auto& [name, value] : rows) out.line(fmt::format("{:<20} {}", name, value));
  out.line(fmt::format("{:<20} {:.2f}", "Ts/Tv", ratio(stats.transitions, stats.transversions)));
  out.line("\ncontig\trecords");
  for (const auto& contig : stats.contigs) {
    out.line(fmt::format("{}\t{}", contig.name, contig.records));
  }
  if (stats.samples.empty()) return;
  out.line("\nsample\thom_ref\thet\thom_alt\tmissing");
  for (std::size_t i = 0; i < stats.samples.size(); ++i) {
    const auto& sample = stats.samples[i];
    out.line(fmt::format("{}\t{}\t{}\t{}\t{}", names[i], sample.reference, sample.heterozygous,
                         sample.alternate, sample.missing));
  }
}

int stats(const StatsArgs& args, Session& session) {
  const vcfs3::Dataset dataset = open_vcfs3(session, args.uri);
  SelectedRecords records;
  try {
    records =
        select_records(*args.selection, dataset, vcfs3::ViewQuery::Condition::on_records, session);
  } catch (const Error& error) {
    if (error.code() != Errc::not_found) throw;
    return session.nothing_matched(error.what());
  }
  const auto samples = args.drop_genotypes ? vcfs3::CountSamples::no : vcfs3::CountSamples::yes;
  if (session.options().explain) {
    const vcfs3::ViewPlan plan =
        vcfs3::plan_statistics(dataset, records.query, samples, session.context());
    return explain_plan(plan.plan, *dataset.chunk_storage(), "bins", session);
  }
  const vcfs3::Statistics result = vcfs3::count_statistics(
      dataset, records.query, samples, executor_options(session), session.context());
  const std::vector<std::string> names =
      records.samples.value_or(result.samples.empty() ? std::vector<std::string>()
                                                      : dataset.header(session.context()).samples);
  Output out(session);
  if (session.options().json) {
    out.line(dump_line(to_json(result, names)));
  } else {
    print_text(result, names, out);
  }
  out.commit();
  return kDone;
}

void print_attributes(const vcfs3::SampleTable& table, Output& out) {
  std::string line = "sample";
  for (const auto& attribute : table.attributes) line += "\t" + attribute.name;
  out.line(line);
  for (std::size_t i = 0; i < table.names.size(); ++i) {
    line = table.names[i];
    for (const auto& attribute : table.attributes) {
      line += "\t" + attribute.values[i].value_or(".");
    }
    out.line(line);
  }
}

int samples(const SamplesArgs& args, Session& session) {
  const vcfs3::Dataset dataset = open_vcfs3(session, args.uri);
  if (session.options().explain) {
    Estimate estimate{.what = fmt::format("read what {} says of its samples", args.uri),
                      .store = args.uri};
    estimate.usage.requests[static_cast<std::size_t>(RequestKind::get)] = 1;
    return print_estimate(session, estimate);
  }
  Output out(session);
  if (session.options().json || args.attributes) {
    const vcfs3::SampleTable table = dataset.read_samples(session.context());
    if (!session.options().json) {
      print_attributes(table, out);
    } else {
      for (std::size_t i = 0; i < table.names.size(); ++i) {
        nlohmann::json sample = {{"name", table.names[i]}};
        for (const auto& attribute : table.attributes) {
          if (attribute.values[i]) sample[attribute.name] = *attribute.values[i];
        }
        out.line(dump_line(sample));
      }
    }
  } else {
    for (const std::string& name : dataset.header(session.context()).samples) out.line(name);
  }
  out.commit();
  return kDone;
}

}  // namespace

void add_vcfs3_stats(Verb& vcfs3) {
  auto args = std::make_shared<StatsArgs>();
  Verb verb = vcfs3.add("stats", "Count records by type, and genotypes by sample", kStatsDetails);
  verb.argument("URI", args->uri, "The dataset");
  add_selection_options(verb, args->selection, "-f,");
  verb.flag("-G,--drop-genotypes", args->drop_genotypes, "Count no samples");
  verb.run([args](Session& session) { return stats(*args, session); });
}

void add_vcfs3_samples(Verb& vcfs3) {
  auto args = std::make_shared<SamplesArgs>();
  Verb verb = vcfs3.add("samples", "List the samples, and what is known of them", kSamplesDetails);
  verb.argument("URI", args->uri, "The dataset");
  verb.flag("--attributes", args->attributes, "As a table");
  verb.run([args](Session& session) { return samples(*args, session); });
}

}  // namespace cnf::cli
