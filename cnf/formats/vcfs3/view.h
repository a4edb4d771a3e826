// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "cnf/core/index/interval.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/expression.h"
#include "cnf/formats/vcfs3/render.h"
#include "cnf/formats/vcfs3/selection.h"

namespace cnf::vcfs3 {

/// Which records and samples are wanted; what each field means is what bcftools view means by it.
struct ViewQuery {
  /// -r: records that overlap any, each once: contigs in the order in which they are first named,
  /// within a contig the order of the file. None: all records.
  std::vector<index::Interval> regions = {};
  /// -t: records whose POS lies in any (`include`) or in none of them (`exclude`). None: all.
  std::vector<index::Interval> targets = {};
  enum class Targets : std::uint8_t { include, exclude };
  Targets targets_mean = Targets::include;
  /// Only these records, as Dataset::find_ids tells them.
  std::optional<std::vector<IdBin>> records = {};
  std::optional<std::vector<std::size_t>> samples = {};  ///< Ordinals, in this order; none: all.
  std::shared_ptr<const Expression> expression = nullptr;
  /// Whose FORMAT fields the expression looks at, and so whose samples its header has: those of the
  /// answer, as bcftools query -s has it, or all of the dataset's, as bcftools view -s has it.
  enum class Looks : std::uint8_t { at_answer, at_everyone };
  Looks expression_looks = Looks::at_answer;
  /// What an expression on FORMAT fields chooses: records, or records by their samples (query).
  enum class Condition : std::uint8_t { on_records, on_samples };
  Condition condition = Condition::on_records;
  SiteSelection selection = {};  ///< Types, alleles, allele counts.
  bool only_alternate = false;   ///< Any of the samples has a non-reference allele.
  std::optional<std::uint64_t> limit = {};
};

struct ViewPlan {
  query::Plan plan;  ///< Of units of the dataset's chunk storage; none of them was read.
  std::shared_ptr<const struct ViewUnits> units;
};

/// Asks the index alone: one round trip if it has leaves below its root.
///
/// A unit is a bin. Of its pages those are read that a region meets and no zone rules out, of its
/// tiles those of the samples; INFO and FORMAT only if somebody looks at them.
[[nodiscard]] ViewPlan plan_view(const Dataset& dataset, const ViewQuery& query,
                                 std::shared_ptr<const Renderer> renderer, const Context& context);

/// The bin that is unit number `unit` of a plan.
[[nodiscard]] const BinRow& bin_of(const ViewPlan& plan, std::size_t unit);

/// Runs a plan; the tables are the renderer's. Throws Error unsupported for a record that is kept
/// as a line and would have to be split.
[[nodiscard]] query::Results run_view(const Dataset& dataset, const ViewPlan& plan,
                                      const query::ExecutorOptions& options,
                                      const Context& context);

}  // namespace cnf::vcfs3
