// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/cli/cryoem.h"
#include "cnf/cli/cryoem_particles.h"
#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/verb.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/data_type.h"
#include "cnf/em/particles.h"
#include "cnf/formats/cryoem/extract.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Cuts a box around each particle and writes them in the particles' order: as a stack of
MRC (.mrcs), or a Zarr array with a box a chunk (.zarr). A list of the boxes (STAR) is
written beside it under the same name. Particles come from a STAR or ndjson file, or from
a list in the dataset (--points).

Each chunk is fetched and decoded once, however many boxes meet it; memory is bounded.
A particle is at voxel N / 2 of its box, to the nearest voxel, and the list tells what is
left over. Voxels keep their type unless something is computed: then they are float32.

--bin 2 takes level 1 of the pyramid, if there is one with voxels twice as large; with
--exact, and where there is none, it averages voxels around each particle.

Examples:
  cnf cryoem extract s3://bucket/tomogram.zarr particles.star --box-size 64 -o stack.mrcs
  cnf cryoem extract tomogram.zarr --points ribosomes --box-size 48 --bin 2 \
      --normalise --invert --pad mean -o ribosomes.mrcs
  cnf cryoem extract tomogram.zarr particles.star --box-size 64 --pad skip -o boxes.zarr)";

struct ExtractArgs {
  std::string uri, file, points, box;
  std::int64_t box_size = 0, level = 0, bin = 1;
  bool exact = false, normalise = false, invert = false;
  std::string pad = "fill";
  std::string fill = "0";
  ParticleScale scale;
};

/// The level whose voxels are so many times larger than those of `level` along each axis of space
/// that is binned; nullopt if there is none.
std::optional<std::size_t> level_of_bin(const cryoem::Volume& volume, std::size_t level,
                                        double bin) {
  const auto& levels = volume.image().levels;
  const std::vector<double>& from = levels.at(level).scale;
  constexpr double kNear = 1e-6;
  for (std::size_t other = level; other < levels.size(); ++other) {
    bool is_that = true;
    for (std::size_t axis = from.size() - std::min<std::size_t>(from.size(), 3); axis < from.size();
         ++axis) {
      const bool binned = volume.kind() == em::Kind::volume || axis + 2 >= from.size();
      const double wanted = from[axis] * (binned ? bin : 1);
      is_that = is_that && std::abs(levels[other].scale[axis] - wanted) <= kNear * wanted;
    }
    if (is_that) return other;
  }
  return std::nullopt;
}

cryoem::ExtractOptions options_of(const ExtractArgs& args, const cryoem::Volume& volume,
                                  Session& session) {
  using Options = cryoem::ExtractOptions;
  constexpr std::uint64_t kMostMemory = std::uint64_t{384} << 20;
  Options options;
  options.box_size = static_cast<std::uint64_t>(args.box_size);
  options.level = static_cast<std::size_t>(args.level);
  options.bin = static_cast<std::uint64_t>(args.bin);
  (void)volume.level(options.level);  // refuses one that is not there
  if (!args.exact) {
    const auto level = level_of_bin(volume, options.level, static_cast<double>(args.bin));
    if (level) {
      options.level = *level;
      options.bin = 1;
    }
  }
  if (args.pad == "mean") options.padding = cryoem::Padding::mean;
  if (args.pad == "skip") options.padding = cryoem::Padding::skip;
  options.fill = parse_real("--fill", args.fill);
  if (args.normalise) options.intensities = Options::Intensities::normalised;
  if (args.invert) options.contrast = Options::Contrast::inverted;
  options.memory = std::min(session.options().memory, kMostMemory);
  options.threads = session.threads();
  // Boxes wait on the disk that they are written to: it must have room for them anyway.
  if (const auto path = storage::local_path(session.options().output)) {
    options.temporary = std::filesystem::absolute(*path).parent_path();
    if (!std::filesystem::is_directory(options.temporary)) options.temporary.clear();
  }
  return options;
}

void report(const cryoem::ExtractReport& done, Session& session) {
  session.note(
      fmt::format("{}: {} boxes of {}{}{}", done.stack, done.boxes, to_string(done.type),
                  done.padded == 0 ? "" : fmt::format(", {} padded", done.padded),
                  done.skipped == 0 ? "" : fmt::format(", {} particles left out", done.skipped)));
  if (!session.options().json) return;
  Output out(session, "-");
  out.line(dump_line({{"stack", done.stack},
                      {"list", done.list},
                      {"boxes", done.boxes},
                      {"padded", done.padded},
                      {"skipped", done.skipped},
                      {"chunks", done.chunks},
                      {"type", to_string(done.type)}}));
  out.commit();
}

int extract(const ExtractArgs& args, Session& session) {
  if (args.file.empty() == args.points.empty())
    throw UsageError("which particles? (a STAR or ndjson file, or --points NAME)");
  if (!args.box.empty() && args.points.empty())
    throw UsageError("--box chooses from a list in the dataset: give --points NAME");
  if (args.box_size == 0) throw UsageError("how large are the boxes? (--box-size 64)");
  const std::string& target = session.options().output;
  if (target == "-" && !session.options().explain)
    throw UsageError("boxes need a place: -o stack.mrcs, or -o boxes.zarr");
  const cryoem::Volume volume = open_cryoem(session, args.uri);
  const em::Particles particles = args.points.empty()
                                      ? read_particles(args.file, volume, args.scale, session)
                                      : points_of(volume, args.points, args.box, session);
  cryoem::ExtractOptions options = options_of(args, volume, session);
  if (session.options().explain) {
    return explain_boxes(volume, options.level, cryoem::boxes_of(volume, particles, options),
                         session);
  }
  const auto progress = session.progress();
  options.progress = progress.get();
  report(cryoem::extract(volume, particles, session.locate(target), options, session.context()),
         session);
  return kDone;
}

}  // namespace

void add_cryoem_extract(Verb& cryoem) {
  auto args = std::make_shared<ExtractArgs>();
  Verb verb = cryoem.add("extract", "Boxes around particles, as a stack", kDetails);
  verb.argument("URI", args->uri, "The dataset, or any Zarr image");
  verb.optional_argument("PARTICLES", args->file, "A STAR or ndjson file");
  verb.option("--points", "NAME", args->points, "Particles of this list in the dataset");
  verb.option("--box", "X,Y,Z,W,H,D", args->box, "Of them, those in these voxels");
  verb.option("--box-size", "N", args->box_size, "Voxels of a box's edge, as written", 1);
  verb.option("--level", "N", args->level, "Of the pyramid; 0 is the finest (default: 0)");
  verb.option("--bin", "N", args->bin, "Voxels so many times larger (default: 1)", 1);
  verb.flag("--exact", args->exact, "With --bin: average around each particle");
  verb.choice("--pad", args->pad, {"fill", "mean", "skip"},
              "Outside of the volume: --fill, the box's mean, or skip such boxes");
  verb.option("--fill", "VALUE", args->fill, "What boxes are filled up with (default: 0)");
  verb.flag("--normalise", args->normalise, "Mean 0 and standard deviation 1 in each box");
  verb.flag("--invert", args->invert, "Make dark light");
  add_scale_options(verb, args->scale);
  verb.run([args](Session& session) { return extract(*args, session); });
}

}  // namespace cnf::cli
