// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "cnf/core/chunk/chunk.h"
#include "cnf/core/compress/codec.h"
#include "cnf/core/query/new_dataset.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"
#include "cnf/formats/bams3/source.h"

namespace cnf::bams3 {

struct ConvertOptions {
  Order order = Order::coordinate;
  using Existing = query::Existing;
  Existing existing = Existing::refuse;
  compress::CodecOptions codec = {.algorithm = "zstd", .level = 6};
  /// Where a chunk ends; null: FixedStrategy of 64 MiB.
  std::shared_ptr<const chunk::Strategy> strategy = nullptr;
  int sharding_bits = 0;                          ///< 0: none; else 4 to 8.
  std::size_t threads = 0;                        ///< 0: the machine's cores.
  std::uint64_t memory = std::uint64_t{2} << 30;  ///< Bytes of records in work, sorting included.
  std::filesystem::path temporary = {};           ///< For sorting; empty: the system's.
  std::string reference = {};                     ///< FASTA, for CRAM input.
  storage::Options storage = {};                  ///< For input from a store.
  Progress* progress = nullptr;
};

struct ConvertReport {
  std::uint64_t records = 0;
  std::uint64_t groups = 0;
  std::uint64_t chunks = 0;
  std::uint64_t raw_bytes = 0;     ///< Of the records as BAM.
  std::uint64_t stored_bytes = 0;  ///< Of all objects but the manifest.
  bool sorted = false;             ///< Records left the order of the input.
};

/// Makes a dataset at the root of `target` from an alignment file (see open_source).
///
/// The same bytes come out for any number of threads, names of objects aside. Nothing is a dataset
/// before the very end; on any error what was written is removed, and what was there stays.
/// Throws Error already_exists (existing == refuse), precondition_failed (somebody else committed
/// meanwhile), and what sources and stores throw.
[[nodiscard]] ConvertReport convert(const std::string& input,
                                    const std::shared_ptr<storage::Storage>& target,
                                    const ConvertOptions& options, const Context& context);

}  // namespace cnf::bams3
