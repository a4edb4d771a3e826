// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "cnf/core/query/executor.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/bams3/dataset.h"

namespace cnf::bams3 {

/// How far validate() goes.
enum class Depth : std::uint8_t {
  counts,   ///< Decodes the core streams and holds every count, extent and order against the index.
  records,  ///< Also decodes every record and holds their SHA-256 against the manifest's.
};

/// Told each thing that is wrong: the object it lies in, and what was found instead of what.
using Complaint = std::function<void(const std::string& object, const std::string& what)>;

/// Holds the data of a dataset against its index and manifest. Objects' checksums are core's job
/// (query::validate_objects); this reads what they hold. A damaged group is told and passed over.
/// Throws what keeps it from reading: unavailable, cancelled, …
void validate(const Dataset& dataset, Depth depth, const Complaint& complain,
              const query::ExecutorOptions& options, const Context& context);

}  // namespace cnf::bams3
