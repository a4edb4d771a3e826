// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/cli/exit_status.h"
#include "cnf/cli/formats.h"
#include "cnf/cli/output.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/transfer.h"
#include "cnf/cli/verb.h"
#include "cnf/cli/verbs.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Reads all of the dataset: every object of the manifest and every chunk of the index
is there with its length and CRC32C, the counts and sizes agree, and the format's
own checks hold. What no manifest names is reported as a warning (cnf gc deletes
it). --deep also recomputes the digests of the records.

Prints a line for each finding: error or warning, the object, what is wrong; with
--json one JSON object. Exit status 1 if there is an error.

Examples:
  cnf validate s3://bucket/cohort/dataset
  cnf validate --json dataset | jq .findings)";

struct ValidateArgs {
  std::string uri;
  bool deep = false;
};

using query::Finding;

nlohmann::json to_json(const Finding& finding) {
  return {{"severity", to_string(finding.severity)},
          {"object", finding.object},
          {"what", finding.what}};
}

int explain(const ValidateArgs& args, const query::Dataset& dataset, Session& session) {
  const metadata::Metadata& manifest = dataset.manifest();
  const std::uint64_t objects = manifest.objects.size() + manifest.chunks.num_chunks;
  const std::uint64_t bytes = manifest.storage.total_size;
  Estimate estimate{.what = fmt::format("read and check {} ({} bytes) of {}",
                                        count_of(objects, "object"), bytes, args.uri),
                    .store = args.uri};
  estimate.usage.requests[static_cast<std::size_t>(RequestKind::head)] = objects;
  estimate.usage.requests[static_cast<std::size_t>(RequestKind::get)] =
      std::max(objects, requests_to_read(bytes));
  estimate.usage.bytes_fetched = bytes;
  return print_estimate(session, estimate);
}

// The format's own findings; one that this program does not know is a warning itself.
std::vector<Finding> check_format(const query::Dataset& dataset, Depth depth, Session& session) {
  const std::string& format = dataset.manifest().format;
  const auto checks = format_checks();
  const auto found = std::find_if(checks.begin(), checks.end(),
                                  [&](const auto& entry) { return entry.format == format; });
  if (found != checks.end()) return found->validate(dataset, depth, session);
  return {{Finding::Severity::warning, std::string(dataset.committed.key()),
           fmt::format("the format \"{}\" is not known here: what its chunks hold was not checked",
                       format)}};
}

int print(const query::Validation& result, const ValidateArgs& args, Session& session) {
  const std::size_t errors = result.count(Finding::Severity::error);
  const std::size_t warnings = result.count(Finding::Severity::warning);
  Output out(session);
  if (session.options().json) {
    nlohmann::json findings = nlohmann::json::array();
    for (const Finding& finding : result.findings) findings.push_back(to_json(finding));
    out.line(dump_line({{"uri", args.uri},
                        {"valid", errors == 0},
                        {"objects", result.objects},
                        {"bytes", result.bytes},
                        {"errors", errors},
                        {"warnings", warnings},
                        {"findings", std::move(findings)}}));
  } else {
    for (const Finding& finding : result.findings) {
      out.line(
          fmt::format("{:8} {}  {}", to_string(finding.severity), finding.object, finding.what));
    }
  }
  out.commit();
  if (errors != 0) {
    session.complain(fmt::format("validate {}: {} in {}", args.uri, count_of(errors, "error"),
                                 count_of(result.objects, "object")));
    return kFailed;
  }
  session.note(fmt::format("{} is valid: {}, {}, {}", args.uri, count_of(result.objects, "object"),
                           format_size(result.bytes), count_of(warnings, "warning")));
  return kDone;
}

int validate(const ValidateArgs& args, Session& session) {
  const query::Dataset dataset = query::open_dataset(session.open(args.uri), session.context());
  if (session.options().explain) return explain(args, dataset, session);
  const auto progress = session.progress(dataset.manifest().storage.total_size);
  query::Validation result = query::validate_objects(
      dataset,
      {.threads = session.transfers(),
       .memory = std::min<std::uint64_t>(session.options().memory / 2, std::uint64_t{256} << 20),
       .progress = progress.get()},
      session.context());
  // A format decodes what the core found whole; on damage its answer would be noise.
  if (result.count(Finding::Severity::error) == 0) {
    auto more = check_format(dataset, args.deep ? Depth::deep : Depth::normal, session);
    std::move(more.begin(), more.end(), std::back_inserter(result.findings));
  }
  return print(result, args, session);
}

}  // namespace

void add_validate(Verb& root) {
  auto args = std::make_shared<ValidateArgs>();
  Verb verb = root.add("validate", "Check every byte of a dataset", kDetails);
  verb.argument("URI", args->uri, "The dataset");
  verb.flag("--deep", args->deep, "Also recompute the records' digests");
  verb.run([args](Session& session) { return validate(*args, session); });
}

}  // namespace cnf::cli
