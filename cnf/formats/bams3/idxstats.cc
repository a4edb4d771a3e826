// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/idxstats.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "cnf/core/query/executor.h"
#include "cnf/core/query/table.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/bams3/dataset.h"
#include "cnf/formats/bams3/group_row.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/view.h"

namespace cnf::bams3 {
namespace {

Idxstats count_core_streams(const Dataset& dataset, const Context& context) {
  Idxstats stats;
  stats.references.resize(dataset.header().references.size());
  query::Results results =
      run_view(dataset, plan_view(dataset, {}, Form::columns, context), {}, context);
  while (const std::optional<query::Table> table = results.next()) {
    const auto refs = table->column("ref").as<std::int32_t>();
    const auto flags = table->column("flag").as<std::uint16_t>();
    for (std::size_t i = 0; i < refs.size(); ++i) {
      if (refs[i] < 0) {
        ++stats.unplaced;
      } else if (static_cast<std::size_t>(refs[i]) < stats.references.size()) {
        ReferenceCounts& counts = stats.references[static_cast<std::size_t>(refs[i])];
        ++((flags[i] & flag::kUnmapped) ? counts.unmapped : counts.mapped);
      }
    }
  }
  return stats;
}

}  // namespace

std::string Idxstats::text(const Header& header) const {
  std::string out;
  for (std::size_t i = 0; i < references.size(); ++i) {
    out += fmt::format("{}\t{}\t{}\t{}\n", header.references[i].name, header.references[i].length,
                       references[i].mapped, references[i].unmapped);
  }
  return out + fmt::format("*\t0\t0\t{}\n", unplaced);
}

Idxstats count_by_reference(const Dataset& dataset, const Context& context) {
  if (!dataset.in_order()) return count_core_streams(dataset, context);
  Idxstats stats;
  stats.references.resize(dataset.header().references.size());
  dataset.for_each_row(
      [&](const GroupRow& row) {
        if (row.key.sequence == kUnplaced) {
          stats.unplaced += row.records();
        } else if (row.key.sequence < stats.references.size()) {
          stats.references[row.key.sequence].mapped += row.mapped;
          stats.references[row.key.sequence].unmapped += row.unmapped;
        }
      },
      context);
  return stats;
}

}  // namespace cnf::bams3
