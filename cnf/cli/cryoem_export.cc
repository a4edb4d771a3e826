// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "cnf/cli/cryoem.h"
#include "cnf/cli/session.h"
#include "cnf/cli/verb.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"
#include "cnf/formats/cryoem/export.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(The format follows from the name (.mrc .map .rec .mrcs .st .npy .raw, and .gz
behind it) or --format. All of level 0 of an MRC file that was imported as it was
comes back byte for byte, header and extended header included; of another level,
and after --dtype, the header says what the file then holds.

Examples:
  cnf cryoem export s3://bucket/tomogram.zarr tomogram.mrc
  cnf cryoem export tomogram.zarr small.mrc.gz --level 2
  cnf cryoem export half.zarr wide.mrc --dtype float32)";

struct ExportArgs {
  std::string uri;
  std::string label;
  std::string target;
  std::string format;
  std::int64_t level = 0;
  std::optional<std::int64_t> mode;
  std::string type;
};

// The type that a mode of MRC2014 means.
DataType type_of_mode(std::int64_t mode) {
  switch (mode) {
    case 0:
      return DataType::int8;
    case 1:
      return DataType::int16;
    case 2:
      return DataType::float32;
    case 4:
      return DataType::complex64;
    case 6:
      return DataType::uint16;
    case 12:
      return DataType::float16;
    default:
      throw UsageError(fmt::format("--mode {}: it is 0, 1, 2, 4, 6 or 12", mode));
  }
}

std::optional<DataType> type_of(const ExportArgs& args) {
  if (args.mode && !args.type.empty()) throw UsageError("--mode or --dtype, not both");
  if (args.mode) return type_of_mode(*args.mode);
  if (args.type.empty()) return std::nullopt;
  const auto type = data_type(args.type);
  if (!type) throw UsageError(fmt::format("--dtype: there is no type \"{}\"", args.type));
  return type;
}

int export_file(const ExportArgs& args, Session& session) {
  const cryoem::FileFormat format = voxel_format(args.target, args.format);
  const std::optional<DataType> type = type_of(args);
  const auto level = static_cast<std::size_t>(args.level);
  const cryoem::Volume volume = open_cryoem(session, args.uri, args.label);
  if (session.options().explain)
    return explain_boxes(volume, level, {Box::of(volume.level(level).shape())}, session);
  return write_voxels(volume, {.format = format, .level = level, .type = type}, args.target,
                      session);
}

}  // namespace

void add_cryoem_export(Verb& cryoem) {
  auto args = std::make_shared<ExportArgs>();
  Verb verb =
      cryoem.add("export", "Write all of a level as MRC, TIFF, NumPy or raw values", kDetails);
  verb.argument("URI", args->uri, "The dataset, or any Zarr image");
  verb.argument("OUT", args->target, "A path or URI, or - for standard output");
  verb.choice("--format", args->format, voxel_formats(), "Instead of what the name says");
  add_label_option(verb, args->label);
  verb.option("--level", "N", args->level, "Of the pyramid; 0 is the finest (default: 0)");
  verb.option("--mode", "N", args->mode, "Convert to the type of this mode of MRC2014");
  verb.option("--dtype", "TYPE", args->type, "Convert values: int16, float32, …");
  verb.run([args](Session& session) { return export_file(*args, session); });
}

}  // namespace cnf::cli
