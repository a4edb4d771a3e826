// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "cnf/core/query/executor.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/view.h"

namespace cnf::vcfs3 {

/// A record, and who has a non-reference allele in it.
struct CarrierSite {
  std::string_view contig = {};
  std::int64_t pos = 0;  ///< 0-based.
  std::string_view id = {}, ref = {}, alt = {};
  std::span<const std::uint32_t> samples = {};  ///< Ordinals of the dataset, ascending.
};

/// Finds the samples with a non-reference allele in each record of a query's place (regions,
/// targets, records; its other fields are not looked at).
///
/// Of records with few carriers the site pages tell them; only for the others are genotype tiles
/// read, those of their bins alone. Memory: the answer. Records that are kept as lines have none.
/// \param visit  called for each record, in the order of an answer; its views last for the call.
void find_carriers(const Dataset& dataset, const ViewQuery& query,
                   const query::ExecutorOptions& options, const Context& context,
                   const std::function<void(const CarrierSite&)>& visit);

/// What find_carriers reads first; tiles may come on top.
[[nodiscard]] query::Plan plan_carriers(const Dataset& dataset, const ViewQuery& query,
                                        const Context& context);

}  // namespace cnf::vcfs3
