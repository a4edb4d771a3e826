// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/answer.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/query/executor.h"
#include "cnf/core/query/table.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/bcf_header.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/render.h"
#include "cnf/formats/vcfs3/sink.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/formats/vcfs3/view.h"

namespace cnf::vcfs3 {

std::string_view line_end(const Dataset& dataset) noexcept {
  return dataset.crlf() ? "\r\n" : "\n";
}

std::string answer_header(const Dataset& dataset, const ViewQuery& query, bool with_samples,
                          const Context& context) {
  const Header& header = dataset.header(context);
  if (with_samples && !query.samples) return header.text;
  std::vector<std::string> names;
  if (with_samples) {
    for (const std::size_t sample : *query.samples) names.push_back(header.samples.at(sample));
  }
  return header.text_with_samples(names);
}

std::vector<std::pair<Definition, std::string>> undefined_keys(
    const Dataset& dataset, const ViewQuery& query, const std::string& header,
    const query::ExecutorOptions& options, const Context& context) {
  const auto defined = std::make_shared<const BcfHeader>(header);
  std::set<std::pair<Definition, std::string>> keys;
  for (const std::string& contig : dataset.contigs()) {
    if (!defined->defines(Definition::contig, contig)) keys.emplace(Definition::contig, contig);
  }
  ViewQuery records = query;
  if (!query.limit) {
    // Site columns are cheap, genotypes are not: conditions may need them, so all records are
    // looked at, and no cells.
    records = {.regions = query.regions,
               .targets = query.targets,
               .targets_mean = query.targets_mean,
               .records = query.records,
               .samples = std::vector<std::size_t>()};
  }
  constexpr Needs kNeeds{.filter = true, .info = true, .format = true};
  const auto renderer = render_each(kNeeds, [defined](const Variant& variant, Buffer& out) {
    append_undefined(*defined, variant, out);
  });
  query::Results results =
      run_view(dataset, plan_view(dataset, records, renderer, context), options, context);
  while (const std::optional<query::Table> table = results.next()) {
    std::string_view lines = as_text(table->column("text").values());
    while (!lines.empty()) {
      const std::size_t end = lines.find('\n');
      keys.emplace(static_cast<Definition>(lines[0] - '0'), std::string(lines.substr(1, end - 1)));
      lines.remove_prefix(end + 1);
    }
  }
  return {keys.begin(), keys.end()};
}

}  // namespace cnf::vcfs3
