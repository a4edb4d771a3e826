// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cnf/core/query/executor.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/view.h"

namespace cnf::vcfs3 {

/// Numbers of a dataset's records, as bcftools stats counts them.
struct Statistics {
  std::uint64_t records = 0;
  std::uint64_t raw = 0;     ///< Kept as lines; in no other number but `records`.
  std::uint64_t no_alt = 0;  ///< ALT "."
  /// Records that have such an allele; a record may have several.
  std::uint64_t snps = 0, mnps = 0, indels = 0, others = 0;
  std::uint64_t multiallelic = 0;                    ///< Records with more than one ALT.
  std::uint64_t transitions = 0, transversions = 0;  ///< Alleles.
  struct Contig {
    std::string name;
    std::uint64_t records = 0;
  };
  std::vector<Contig> contigs = {};  ///< In the order of the records.
  struct Sample {
    std::uint64_t reference = 0, heterozygous = 0, alternate = 0, missing = 0;
  };
  std::vector<Sample> samples = {};  ///< Of the answer; empty if they were not asked for.
};

enum class CountSamples : std::uint8_t { yes, no };

/// What count_statistics reads.
[[nodiscard]] ViewPlan plan_statistics(const Dataset& dataset, const ViewQuery& query,
                                       CountSamples samples, const Context& context);

/// Reads the alleles of the records of `query`, and their genotypes if samples are counted.
[[nodiscard]] Statistics count_statistics(const Dataset& dataset, const ViewQuery& query,
                                          CountSamples samples,
                                          const query::ExecutorOptions& options,
                                          const Context& context);

}  // namespace cnf::vcfs3
