// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <set>
#include <string>
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
#include "cnf/formats/vcfs3/carriers_query.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/view.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Prints who has a non-reference allele: a line per record and sample, with contig,
position, ID, REF, ALT and the sample, separated by tabs. With --json a line per
record. --samples-only: each such sample once, in the dataset's order.

Of rare alleles the site pages know their carriers: no genotypes are read.

Examples:
  cnf vcfs3 carriers --id rs80357906 s3://bucket/1kg.vcfs3
  cnf vcfs3 carriers --samples-only -r chr17:43044295-43125483 cohort.vcfs3)";

struct CarriersArgs {
  std::string uri;
  std::shared_ptr<SelectionArgs> selection = std::make_shared<SelectionArgs>();
  bool samples_only = false;
};

void print_site(const vcfs3::CarrierSite& site, const std::vector<std::string>& names, bool json,
                Output& out) {
  if (json) {
    nlohmann::json samples = nlohmann::json::array();
    for (const std::uint32_t sample : site.samples) samples.push_back(names[sample]);
    out.line(dump_line({{"contig", site.contig},
                        {"pos", site.pos + 1},
                        {"id", site.id},
                        {"ref", site.ref},
                        {"alt", site.alt},
                        {"samples", std::move(samples)}}));
    return;
  }
  for (const std::uint32_t sample : site.samples) {
    out.line(fmt::format("{}\t{}\t{}\t{}\t{}\t{}", site.contig, site.pos + 1, site.id, site.ref,
                         site.alt, names[sample]));
  }
}

int carriers(const CarriersArgs& args, Session& session) {
  const vcfs3::Dataset dataset = open_vcfs3(session, args.uri);
  vcfs3::ViewQuery query;
  try {
    query =
        select_records(*args.selection, dataset, vcfs3::ViewQuery::Condition::on_records, session)
            .query;
  } catch (const Error& error) {
    if (error.code() != Errc::not_found) throw;
    return session.nothing_matched(error.what());
  }
  if (query.regions.empty() && query.targets.empty() && !query.records) {
    throw UsageError("carriers of what? Give --id or -r");
  }
  if (session.options().explain) {
    return explain_plan(vcfs3::plan_carriers(dataset, query, session.context()),
                        *dataset.chunk_storage(), "bins", session);
  }
  const std::vector<std::string>& names = dataset.header(session.context()).samples;
  std::set<std::uint32_t> all;
  Output out(session);
  vcfs3::find_carriers(dataset, query, executor_options(session), session.context(),
                       [&](const vcfs3::CarrierSite& site) {
                         if (args.samples_only) {
                           all.insert(site.samples.begin(), site.samples.end());
                         } else {
                           print_site(site, names, session.options().json, out);
                         }
                       });
  for (const std::uint32_t sample : all) out.line(names[sample]);
  out.commit();
  return kDone;
}

}  // namespace

void add_vcfs3_carriers(Verb& vcfs3) {
  auto args = std::make_shared<CarriersArgs>();
  Verb verb = vcfs3.add("carriers", "Say which samples have a non-reference allele", kDetails);
  verb.argument("URI", args->uri, "The dataset");
  add_place_options(verb, args->selection);
  verb.flag("--samples-only", args->samples_only, "Each sample once, and no records");
  verb.run([args](Session& session) { return carriers(*args, session); });
}

}  // namespace cnf::cli
