// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "cnf/cli/bams3.h"
#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/verb.h"
#include "cnf/formats/bams3/dataset.h"
#include "cnf/formats/bams3/flagstat.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/idxstats.h"

namespace cnf::cli {
namespace {

constexpr const char* kFlagstatDetails =
    R"(The text that samtools flagstat prints; with --json its JSON. Costs one request:
the index carries the totals.

Examples:
  cnf bams3 flagstat s3://bucket/sample.bams3)";

constexpr const char* kIdxstatsDetails =
    R"(The text that samtools idxstats prints: name, length, mapped and unmapped records of
each reference, and the records without one in the last line. Reads the index alone.

Examples:
  cnf bams3 idxstats s3://bucket/sample.bams3)";

int explain(const std::string& uri, const std::string& what, Session& session) {
  Estimate estimate{.what = "read the manifest and index of " + uri + " for " + what, .store = uri};
  const bams3::Dataset dataset = open_bams3(session, uri);
  estimate.usage = session.context().accounting().snapshot();
  return print_estimate(session, estimate);
}

int flagstat(const std::string& uri, Session& session) {
  if (session.options().explain) return explain(uri, "flagstat", session);
  const bams3::Flagstat stats = open_bams3(session, uri).flagstat();
  Output out(session);
  out.write(session.options().json ? stats.json() : stats.text());
  out.commit();
  return kDone;
}

nlohmann::json to_json(const bams3::Idxstats& stats, const bams3::Header& header) {
  nlohmann::json references = nlohmann::json::array();
  for (std::size_t i = 0; i < stats.references.size(); ++i) {
    references.push_back({{"name", header.references[i].name},
                          {"length", header.references[i].length},
                          {"mapped", stats.references[i].mapped},
                          {"unmapped", stats.references[i].unmapped}});
  }
  return {{"references", std::move(references)}, {"unplaced", stats.unplaced}};
}

int idxstats(const std::string& uri, Session& session) {
  if (session.options().explain) return explain(uri, "idxstats", session);
  const bams3::Dataset dataset = open_bams3(session, uri);
  const bams3::Idxstats stats = bams3::count_by_reference(dataset, session.context());
  Output out(session);
  if (session.options().json) {
    out.line(dump_line(to_json(stats, dataset.header())));
  } else {
    out.write(stats.text(dataset.header()));
  }
  out.commit();
  return kDone;
}

void add(Verb& bams3, const std::string& name, const std::string& summary, const char* details,
         int (*body)(const std::string&, Session&)) {
  auto uri = std::make_shared<std::string>();
  Verb verb = bams3.add(name, summary, details);
  verb.argument("URI", *uri, "The dataset");
  verb.run([uri, body](Session& session) { return body(*uri, session); });
}

}  // namespace

void add_bams3_stats(Verb& bams3) {
  add(bams3, "flagstat", "Count records by flag, as samtools flagstat", kFlagstatDetails, flagstat);
  add(bams3, "idxstats", "Count records by reference, as samtools idxstats", kIdxstatsDetails,
      idxstats);
}

}  // namespace cnf::cli
