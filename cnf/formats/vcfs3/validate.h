// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "cnf/core/query/executor.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/dataset.h"

namespace cnf::vcfs3 {

/// How far validate() goes.
enum class Depth : std::uint8_t {
  sites,  ///< Decodes every page and holds counts, bounds, zones and IDs against the indices.
  text,   ///< Also decodes every tile, and holds carriers against genotypes and the SHA-256 of the
          ///< whole text against the manifest's.
};

/// Told each thing that is wrong: the object it lies in, and what was found instead of what.
using Complaint = std::function<void(const std::string& object, const std::string& what)>;

/// Holds the data of a dataset against its indices and manifest. Objects' checksums are core's job
/// (query::validate_objects); this reads what they hold. A damaged bin is told and passed over.
/// Complaints come in the order of the bins. Throws what keeps it from reading: unavailable, …
/// Memory: a few bins, and the rows of the position index.
void validate(const Dataset& dataset, Depth depth, const Complaint& complain,
              const query::ExecutorOptions& options, const Context& context);

}  // namespace cnf::vcfs3
