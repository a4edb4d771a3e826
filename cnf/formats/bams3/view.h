// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cnf/core/query/executor.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/bams3/dataset.h"
#include "cnf/formats/bams3/record_filter.h"
#include "cnf/hts/region.h"

namespace cnf::bams3 {

using hts::Bed;
using hts::Region;

/// Which records are wanted; what each field means is what samtools view means by it.
struct ViewQuery {
  std::vector<Region> regions = {};  ///< One after the other, each by itself; none: all records.
  std::shared_ptr<const Bed> bed = nullptr;
  std::uint16_t required_flags = 0;  ///< -f: all of these bits.
  std::uint16_t excluded_flags = 0;  ///< -F: none of these bits.
  std::uint8_t min_mapq = 0;         ///< -q
  RecordConditions conditions = {};
  std::optional<std::uint64_t> limit = {};
};

/// What the tables of an answer hold.
enum class Form : std::uint8_t {
  count,    ///< No columns: rows only.
  columns,  ///< ref, pos (0-based), end (exclusive), flag, mapq: from the core streams alone.
  bam,      ///< "record": block_size and body, as in a BAM stream.
  sam,      ///< "text": SAM lines.
  json,     ///< "text": JSON lines.
};

/// A planned view: what is read, and what is known without reading.
struct ViewPlan {
  query::Plan plan;           ///< Of units of the dataset's chunk storage.
  std::uint64_t counted = 0;  ///< Form::count: matching records that the index alone counts.
  std::shared_ptr<const struct ViewUnits> units;  ///< What plan.units[i].id refers to.
};

/// Asks the index alone. One round trip if the index has leaves below its root, else none.
/// Throws Error unsupported if a region is asked of a dataset that is not in coordinate order.
[[nodiscard]] ViewPlan plan_view(const Dataset& dataset, const ViewQuery& query, Form form,
                                 const Context& context);

/// Runs a plan. Each group's number of records is held against the index: a lost record is an Error
/// corrupt_data, never a shorter answer. The dataset must outlive the results.
[[nodiscard]] query::Results run_view(const Dataset& dataset, const ViewPlan& plan,
                                      const query::ExecutorOptions& options,
                                      const Context& context);

}  // namespace cnf::bams3
