// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/cli/conversions.h"
#include "cnf/cli/cryoem.h"
#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/verb.h"
#include "cnf/core/query/new_dataset.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/progress.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/import.h"
#include "cnf/formats/cryoem/input.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Reads MRC and CCP4 (all modes, either byte order, .gz and .bz2), TIFF, EER, NumPy,
and OME-Zarr or Zarr of version 2 or 3, told apart by content, and writes an
OME-Zarr 0.5 image: levels, each half of the one before, statistics, and what the
exact copy needs. cnf cryoem export gives an MRC file back byte for byte.

Values keep their type; they are converted, rounded or turned over only if asked
for, and the dataset says so. Axes come in the order z, y, x.

Sides are x,y,z: --chunk 256,256,32 is for looking at planes, 64,64,64 (the choice
for tomograms) for boxes in any direction.

Nothing is visible before all is written. --resume goes on where an import of the
same file was cut short.

Examples:
  cnf cryoem import tomogram.mrc s3://bucket/tomogram.zarr
  cnf cryoem import --keep-bits 10 emd_3197.map.gz emd_3197.zarr
  cnf cryoem import --eer-frames 32 movie.eer movie.zarr
  cnf cryoem import --label membranes labels.mrc s3://bucket/tomogram.zarr
  cnf cryoem import https://host/tomogram.zarr tomogram.zarr)";

struct ImportArgs {
  std::string input;
  std::string target;
  cryoem::ImportOptions options;
  std::optional<std::int64_t> levels, keep_bits;
  std::string kind;
  std::string tilts;
  std::int64_t eer_frames = 40, eer_upsampling = 1;
  std::string flip;
  std::string label;
};

DataType parse_type(const std::string& text) {
  if (const auto type = data_type(text)) return *type;
  throw UsageError(fmt::format("--dtype: there is no type \"{}\" (int16, float32, …)", text));
}

cryoem::ImportOptions options_of(const ImportArgs& args, Session& session) {
  cryoem::ImportOptions options = args.options;
  if (args.levels) options.levels = static_cast<std::size_t>(*args.levels);
  if (args.keep_bits) options.keep_bits = static_cast<int>(*args.keep_bits);
  if (!args.label.empty()) options.label = args.label;
  options.flip_y = args.flip == "y";
  if (session.options().overwrite) options.existing = query::Existing::replace;
  options.threads = session.threads();
  return options;
}

nlohmann::json to_json(const cryoem::ImportReport& report, const em::SourceInfo& info) {
  return {{"shape", info.shape},
          {"axes", info.axes},
          {"dtype", to_string(info.type)},
          {"kind", to_string(info.kind)},
          {"chunk", report.chunk},
          {"shard", report.shard},
          {"codec", report.codec},
          {"levels", report.levels},
          {"voxels", report.voxels},
          {"raw_bytes", report.raw_bytes},
          {"stored_bytes", report.stored_bytes},
          {"resumed_objects", report.resumed}};
}

int tell(const cryoem::ImportReport& report, const em::SourceInfo& info, const ImportArgs& args,
         Session& session) {
  if (session.options().json) {
    Output out(session);
    out.line(dump_line(to_json(report, info)));
    out.commit();
    return kDone;
  }
  const double ratio = report.stored_bytes == 0 ? 0
                                                : static_cast<double>(report.raw_bytes) /
                                                      static_cast<double>(report.stored_bytes);
  session.note(fmt::format("{}: {} of {} voxels, {}; {} to {}, {:.2f} times smaller", args.target,
                           to_string(info.kind), format_sides(info.shape), to_string(info.type),
                           format_size(report.raw_bytes), format_size(report.stored_bytes), ratio));
  session.note(fmt::format("chunks of {} in shards of {}, {}, {}", format_sides(report.chunk),
                           format_sides(report.shard), report.codec,
                           count_of(report.levels, "level")));
  if (report.resumed != 0)
    session.note(fmt::format("{} were there already", count_of(report.resumed, "object")));
  return kDone;
}

int import(const ImportArgs& args, Session& session) {
  cryoem::ImportOptions options = options_of(args, session);
  if (session.options().explain) {
    const std::uint64_t bytes = input_size(args.input, session);
    return explain_conversion(
        fmt::format("import {} ({} bytes) into {}", args.input, bytes, args.target), args.input,
        args.target, bytes, session);
  }
  const auto source =
      cryoem::open_input(args.input,
                         {.kind = args.kind.empty() ? std::nullopt : em::kind_of(args.kind),
                          .tilts = args.tilts,
                          .eer = {.frames = static_cast<std::size_t>(args.eer_frames),
                                  .upsampling = static_cast<unsigned>(args.eer_upsampling)},
                          .storage = session.options().storage},
                         session.context());
  const em::SourceInfo& info = source->info();
  const auto progress = session.progress(info.shape.elements() * size_of(info.type));
  options.progress = progress.get();
  const cryoem::ImportReport report =
      cryoem::import_source(*source, session.open(args.target), options, session.context());
  return tell(report, info, args, session);
}

void add_options(Verb& verb, const std::shared_ptr<ImportArgs>& args) {
  verb.option(
      "--chunk", "X,Y,Z",
      [args](const std::string& text) { args->options.chunk = parse_sides("--chunk", text); },
      "Voxels of a chunk (default: 64,64,64 for volumes, else 256,256,32)");
  verb.option(
      "--shard", "X,Y,Z",
      [args](const std::string& text) { args->options.shard = parse_sides("--shard", text); },
      "Voxels of an object: chunks by powers of two (default: 64 to 256 MiB)");
  verb.option("--codec", "NAME[:LEVEL]", args->options.codec,
              "auto, lz4, zstd or none (default: auto, by the type of the values)");
  verb.option("--levels", "N", args->levels, "Of the pyramid (default: until all is one chunk)", 1);
  verb.option(
      "--dtype", "TYPE", [args](const std::string& text) { args->options.type = parse_type(text); },
      "Convert values: int8, uint8, int16, uint16, float16, float32, …");
  verb.option("--keep-bits", "N", args->keep_bits,
              "Round floats to so many bits of mantissa, 1 to 23 (10: half the size)", 1);
  verb.choice("--flip", args->flip, {"y"}, "Turn the y axis over");
  verb.choice("--kind", args->kind, {"volume", "stack", "tilt_series", "movie", "volume_stack"},
              "What the slowest axis is (default: as the file says)");
  verb.option("--tilts", "FILE", args->tilts,
              "Tilts of a series: .mdoc, .tlt or .rawtlt (default: beside IN)");
  verb.option("--eer-frames", "N", args->eer_frames,
              "Sum so many EER frames to an image; 0: all (default: 40)");
  verb.option("--eer-upsampling", "N", args->eer_upsampling,
              "Pixels along x and y for each of an EER camera: 1, 2 or 4 (default: 1)", 1);
  verb.option("--label", "NAME", args->label,
              "Import as labels of the dataset that is at URI: integers, one a class");
  verb.option("--name", "NAME", args->options.name, "Of the image (default: the file's)");
  verb.flag("--resume", args->options.resume, "Go on with an import that was cut short");
  verb.flag("--checksum", args->options.checksum, "A CRC32C with every chunk, for all readers");
}

}  // namespace

void add_cryoem_import(Verb& cryoem) {
  auto args = std::make_shared<ImportArgs>();
  Verb verb = cryoem.add("import", "Make a dataset from a file or another Zarr image", kDetails);
  verb.argument("IN", args->input, "A path or URI of a file, or of a Zarr image");
  verb.argument("URI", args->target, "Where the dataset goes");
  add_options(verb, args);
  verb.run([args](Session& session) { return import(*args, session); });
}

}  // namespace cnf::cli
