// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cnf/core/index/interval.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/query/table.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/expression.h"
#include "cnf/formats/vcfs3/selection.h"
#include "cnf/formats/vcfs3/variant.h"

namespace cnf::vcfs3 {

/// Which records and samples are wanted; what each field means is what bcftools view means by it.
struct ViewQuery {
  std::vector<index::Interval> regions = {};             ///< 0-based half-open; none: all records.
  std::vector<std::string> ids = {};                     ///< Records with any of these IDs only.
  std::optional<std::vector<std::size_t>> samples = {};  ///< Ordinals, in this order; none: all.
  std::shared_ptr<const Expression> expression = nullptr;
  SiteSelection selection = {};  ///< Types, alleles, allele counts.
  std::optional<std::uint64_t> limit = {};
};

/// What becomes of a record that is wanted: appends something to `out` (a line, nothing at all).
/// Called concurrently.
using Render = std::function<void(const Variant& variant, Buffer& out)>;

struct ViewPlan {
  query::Plan plan;  ///< Of units of the dataset's chunk storage.
  std::shared_ptr<const struct ViewUnits> units;
};

/// \param needs  what `render` looks at; what the filters need is added.
[[nodiscard]] ViewPlan plan_view(const Dataset& dataset, const ViewQuery& query, const Needs& needs,
                                 Render render, const Context& context);

/// Tables of one utf8 column "text", one row per record.
[[nodiscard]] query::Results run_view(const Dataset& dataset, const ViewPlan& plan,
                                      const query::ExecutorOptions& options,
                                      const Context& context);

/// Renders VCF lines.
[[nodiscard]] Render vcf_lines(const Dataset& dataset, bool drop_genotypes);

}  // namespace cnf::vcfs3
