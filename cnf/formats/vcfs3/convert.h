// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cnf/core/query/new_dataset.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"
#include "cnf/formats/vcfs3/source.h"
#include "cnf/formats/vcfs3/source_part.h"

namespace cnf::vcfs3 {

/// How hard to compress.
enum class Profile : std::uint8_t { fast, normal, archive };  ///< zstd 3, 9, 19

struct ConvertOptions {
  using Existing = query::Existing;
  Existing existing = Existing::refuse;
  Profile profile = Profile::normal;
  std::optional<std::uint64_t> chunk_span = {};     ///< Bins of so many bp; none: adaptive.
  std::optional<std::uint64_t> chunk_samples = {};  ///< Samples per tile; none: by their number.
  std::uint64_t chunk_bytes = std::uint64_t{32} << 20;  ///< Objects are about so long.
  std::string sample_table = {};  ///< TSV (with a header line) or PED with attributes of samples.
  int sharding_bits = 0;          ///< 0: none; else 4 to 8.
  std::size_t threads = 0;        ///< 0: the machine's cores.
  /// Bytes for work under way; a bin of all samples is let in whatever it takes.
  std::uint64_t memory = std::uint64_t{2} << 30;
  std::filesystem::path temporary = {};  ///< For sorting IDs; empty: the system's.
  storage::Options storage = {};         ///< For input from a store.
  Progress* progress = nullptr;
  /// Converts this part of the input only and leaves it waiting at the target: commit_parts() makes
  /// it visible, together with the others. Done again, it takes the place of the one before.
  std::optional<PartNumber> part = {};
};

struct ConvertReport {
  std::uint64_t records = 0, raw_records = 0;
  std::uint64_t samples = 0;
  std::uint64_t bins = 0, chunks = 0;
  std::uint64_t text_bytes = 0;    ///< Of the VCF text, its header included.
  std::uint64_t stored_bytes = 0;  ///< Of all objects but the manifest.
};

/// Makes a dataset at the root of `target` from a VCF or BCF file (see open_source).
///
/// The same bytes come out for any number of threads, names of objects aside. Nothing is a dataset
/// before the very end; on any error what was written is removed, and what was there stays.
/// Throws Error already_exists (existing == refuse), precondition_failed (somebody else committed
/// meanwhile), and what sources and stores throw.
[[nodiscard]] ConvertReport convert(const std::string& input,
                                    const std::shared_ptr<storage::Storage>& target,
                                    const ConvertOptions& options, const Context& context);

/// Opens what is converted; called once, when it is known that the target may be written.
using OpenSource = std::function<std::unique_ptr<Source>()>;

/// The same for records that do not come from a file: see open_dataset_source, open_merged. All of
/// them: options.part does not count.
[[nodiscard]] ConvertReport convert(const OpenSource& open,
                                    const std::shared_ptr<storage::Storage>& target,
                                    const ConvertOptions& options, const Context& context);

}  // namespace cnf::vcfs3
