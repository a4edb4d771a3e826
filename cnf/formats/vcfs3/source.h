// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cnf/core/storage/options.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/header.h"

namespace cnf::vcfs3 {

/// Whole lines of VCF text, some MiB of them, as they came.
struct Slab {
  Buffer text = {};  ///< Lines with their ends.
  /// BCF input: Bin::residuals, one per line, or none if all are empty; else none.
  std::vector<std::string> residuals = {};
};

struct SourceOptions {
  storage::Options storage = {};
  std::size_t threads = 0;  ///< For decompression; 0: the machine's cores.
};

/// A VCF, VCF.gz (BGZF or gzip) or BCF file, read from front to back. Threads: one at a time.
class Source {
 public:
  virtual ~Source() = default;
  [[nodiscard]] virtual const Header& header() const noexcept = 0;
  /// nullopt at the end. Throws Error corrupt_data (truncated, damaged) and what stores throw.
  [[nodiscard]] virtual std::optional<Slab> next() = 0;
  /// Bytes read so far, as stored.
  [[nodiscard]] virtual std::uint64_t consumed() const noexcept = 0;
  /// "vcf", "vcf.gz", "bcf", for the manifest.
  [[nodiscard]] virtual std::string kind() const = 0;
};

/// Opens a path, a URI or "-" and finds out by its content what it holds. Slabs do not depend on
/// the number of threads. BCF 2.1 and 2.2 become lines as htslib writes them, behind the header's
/// text as it stands in the file. Throws Error not_found, permission_denied, corrupt_data (no VCF
/// or BCF, cut short), unsupported (other compression, another version of BCF).
[[nodiscard]] std::unique_ptr<Source> open_source(const std::string& uri,
                                                  const SourceOptions& options,
                                                  const Context& context);

}  // namespace cnf::vcfs3
