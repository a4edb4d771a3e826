// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cnf/cli/cryoem.h"
#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/session.h"
#include "cnf/cli/verb.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"
#include "cnf/formats/cryoem/export.h"
#include "cnf/formats/cryoem/volume.h"
#include "cnf/hts/bgzf_writer.h"

namespace cnf::cli {

std::vector<std::string> voxel_formats() { return {"mrc", "tif", "npy", "raw"}; }

cryoem::FileFormat voxel_format(const std::string& target, const std::string& format) {
  if (format.empty() && target == "-")
    throw UsageError("standard output has no name: give -o FILE, or --format");
  const auto known = cryoem::file_format_of(format.empty() ? target : "." + format);
  if (!known) {
    throw UsageError(fmt::format(
        "{}: the name tells no format (.mrc, .tif, .npy, .raw); give --format", target));
  }
  return *known;
}

int write_voxels(const cryoem::Volume& volume, const cryoem::ExportOptions& options,
                 const std::string& target, Session& session) {
  // What --memory gives is halved between what is fetched and what is written.
  constexpr std::uint64_t kMostHeld = std::uint64_t{256} << 20;
  constexpr int kGzipLevel = 6;
  const Box box = options.query ? volume.box_of(*options.query, options.level)
                                : Box::of(volume.level(options.level).shape());
  const auto progress = session.progress(box.shape().elements() * size_of(volume.type()));
  cryoem::ExportOptions all = options;
  all.stream = {.read = read_options(session),
                .memory = std::min(session.options().memory / 2, kMostHeld),
                .progress = progress.get()};
  Output out(session, target);
  // Blocked gzip is gzip to everybody, and is compressed by all cores.
  std::optional<hts::BgzfWriter> gzip;
  if (target.ends_with(".gz")) {
    gzip.emplace([&out](ByteSpan bytes) { out.write(bytes); }, kGzipLevel, session.threads(),
                 session.context());
  }
  cryoem::export_volume(
      volume, all,
      [&](ByteSpan bytes) {
        if (gzip) {
          gzip->write(bytes);
        } else {
          out.write(bytes);
        }
      },
      session.context());
  if (gzip) gzip->finish();
  out.commit();
  return kDone;
}

}  // namespace cnf::cli
