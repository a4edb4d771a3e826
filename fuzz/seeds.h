// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string_view>

#include "cnf/core/util/buffer.h"

namespace cnf::fuzz {

/// Writes inputs for the fuzz targets, one file each, into a folder per target.
class SeedWriter {
 public:
  explicit SeedWriter(std::filesystem::path root) : root_(std::move(root)) {}

  /// Throws Error internal if the seed cannot be written.
  void write(std::string_view target, std::string_view name, ByteSpan bytes) const;
  void write(std::string_view target, std::string_view name, std::string_view text) const {
    write(target, name, as_bytes(text));
  }

 private:
  std::filesystem::path root_;
};

void write_bams3_seeds(const SeedWriter& seeds);
void write_blosc_seeds(const SeedWriter& seeds);
void write_cryoem_seeds(const SeedWriter& seeds);
/// MRC and NumPy files.
void write_em_seeds(const SeedWriter& seeds);
/// What datasets keep of particles.
void write_points_seeds(const SeedWriter& seeds);
void write_vcfs3_seeds(const SeedWriter& seeds);
void write_vcfs3_format_seeds(const SeedWriter& seeds);
/// URIs, options, what servers answer, and attributes of OME-Zarr.
void write_text_seeds(const SeedWriter& seeds);
/// TIFF, electron events, and SerialEM's metadata.
void write_tiff_seeds(const SeedWriter& seeds);
void write_zarr_seeds(const SeedWriter& seeds);

}  // namespace cnf::fuzz
