// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "cnf/core/metadata/metadata.h"
#include "cnf/core/storage/storage.h"

namespace cnf::query::test {

struct SampleOptions {
  std::uint64_t chunks = 3;
  std::uint64_t chunk_bytes = 5000;
  int sharding_bits = 0;
};

/// Commits a small dataset of no real format ("SAMPLE" 1.0.0) as any format would, for tests: its
/// chunks, their index, and a header, which the manifest also carries.
metadata::Metadata write_sample_dataset(const std::shared_ptr<storage::Storage>& root,
                                        const SampleOptions& options = {});

}  // namespace cnf::query::test
