// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cnf/formats/vcfs3/format_features_internal.h"
#include "cnf/formats/vcfs3/format_stream_internal.h"

namespace cnf::vcfs3 {

/// What choose_model may take.
struct ModelPool {
  std::vector<Feature> contexts = {};
  std::vector<Feature> bases = {};  ///< For differences.
};

/// Finds the features that foretell a stream best, by what an adaptive coder would need for some of
/// its symbols: greedily, one context after another, first without and with each base.
///
/// Deterministic. Cost: (contexts + bases) × kMaxContexts passes over a small part of the stream.
[[nodiscard]] StreamModel choose_model(std::span<const std::uint32_t> symbols,
                                       std::span<const std::uint32_t> cells, const ModelPool& pool,
                                       Features& features, int level);

}  // namespace cnf::vcfs3
