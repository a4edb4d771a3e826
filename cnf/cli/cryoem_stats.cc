// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/cli/cryoem.h"
#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/verb.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/shape.h"
#include "cnf/formats/cryoem/box_stream.h"
#include "cnf/formats/cryoem/chunk_statistics.h"
#include "cnf/formats/cryoem/statistics.h"
#include "cnf/formats/cryoem/volume.h"
#include "cnf/zarr/array.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Least, greatest and mean value, standard deviation and NaNs of each level, as they
were found while the dataset was made: no voxel is read. Of an image that others
made, the voxels are read.

--histogram counts the values of level 0 in even classes; with --level or --bins, and of
an image that others made, it reads the voxels of the level to count them.

--chunks prints a line for each chunk of a level instead, where it begins (x,y,z)
and what it holds: chunks of ice, of gold, of nothing.

Examples:
  cnf cryoem stats s3://bucket/tomogram.zarr
  cnf cryoem stats --json tomogram.zarr | jq .levels[0].mean
  cnf cryoem stats --histogram --level 1 --bins 64 tomogram.zarr)";

struct StatsArgs {
  std::string uri;
  std::string label;
  bool histogram = false, chunks = false;  // flags, each as its option
  std::optional<std::int64_t> level, bins;
};

constexpr std::int64_t kUsualBins = 64;

/// Even classes from `low` to `high`.
struct Classes {
  std::size_t level = 0;
  double low = 0, high = 0;
  std::vector<std::uint64_t> counts = {};
};

// Calls `take` with all voxels of a level.
template <typename Take>
void each_slab(const cryoem::Volume& volume, std::size_t level, const Take& take,
               Session& session) {
  const zarr::Array& array = volume.level(level);
  cryoem::stream_box(array, Box::of(array.shape()), take, {.read = read_options(session)},
                     session.context());
}

std::vector<cryoem::Statistics> statistics_of(const cryoem::Volume& volume, Session& session) {
  if (auto known = volume.statistics()) return *std::move(known);
  std::vector<cryoem::Statistics> levels(volume.levels());
  for (std::size_t level = 0; level < levels.size(); ++level) {
    each_slab(
        volume, level,
        [&](ByteSpan voxels) { levels[level].merge(cryoem::statistics_of(volume.type(), voxels)); },
        session);
  }
  return levels;
}

// Whether the histogram that the import made is what is asked for.
bool histogram_is_known(const cryoem::Volume& volume, const StatsArgs& args) {
  return volume.custom() != nullptr && !args.level && !args.bins;
}

Classes classes_of(const cryoem::Volume& volume, const StatsArgs& args,
                   const std::vector<cryoem::Statistics>& statistics, Session& session) {
  if (histogram_is_known(volume, args)) {
    const auto& known = volume.custom()->histogram;
    return {.low = known.low, .high = known.high, .counts = known.counts};
  }
  const auto level = static_cast<std::size_t>(args.level.value_or(0));
  cryoem::Histogram histogram(volume.type());
  each_slab(
      volume, level, [&](ByteSpan voxels) { histogram.add(voxels); }, session);
  const cryoem::Statistics& known = statistics.at(level);
  return {.level = level,
          .low = known.min,
          .high = known.max,
          .counts = histogram.even(known.min, known.max,
                                   static_cast<std::size_t>(args.bins.value_or(kUsualBins)))};
}

nlohmann::json to_json(const cryoem::Volume& volume,
                       const std::vector<cryoem::Statistics>& statistics) {
  nlohmann::json levels = nlohmann::json::array();
  for (std::size_t level = 0; level < statistics.size(); ++level) {
    nlohmann::json one = cryoem::to_json(statistics[level]);
    one["level"] = level;
    one["shape"] = volume.level(level).shape();
    one["deviation"] = statistics[level].deviation();
    levels.push_back(std::move(one));
  }
  return {{"levels", std::move(levels)}};
}

void print_statistics(const cryoem::Volume& volume,
                      const std::vector<cryoem::Statistics>& statistics, Output& out) {
  out.line("level\tx,y,z\tmin\tmax\tmean\tdeviation\tvoxels\tnan");
  for (std::size_t level = 0; level < statistics.size(); ++level) {
    const cryoem::Statistics& one = statistics[level];
    out.line(fmt::format("{}\t{}\t{:g}\t{:g}\t{:g}\t{:g}\t{}\t{}", level,
                         format_sides(volume.level(level).shape()), one.min, one.max, one.mean,
                         one.deviation(), one.count, one.nan));
  }
}

void print_classes(const Classes& classes, Output& out) {
  out.line("from\tto\tvoxels");
  const auto bins = static_cast<double>(classes.counts.size());
  for (std::size_t i = 0; i < classes.counts.size(); ++i) {
    const double width = (classes.high - classes.low) / bins;
    out.line(fmt::format("{:g}\t{:g}\t{}", classes.low + static_cast<double>(i) * width,
                         classes.low + static_cast<double>(i + 1) * width, classes.counts[i]));
  }
}

// Boxes of one level only can be planned: of an image of others, level 0 stands for all.
int explain(const StatsArgs& args, const cryoem::Volume& volume, Session& session) {
  const bool reads = !volume.statistics() || (args.histogram && !histogram_is_known(volume, args));
  if (!reads) return explain_boxes(volume, 0, {}, session);
  const auto level = static_cast<std::size_t>(args.level.value_or(0));
  return explain_boxes(volume, level, {Box::of(volume.level(level).shape())}, session);
}

int print_chunks(const cryoem::Volume& volume, const StatsArgs& args, Session& session) {
  const auto level = static_cast<std::size_t>(args.level.value_or(0));
  Output out(session);
  const bool json = session.options().json;
  if (!json) out.line("begin\tx,y,z\tmin\tmax\tmean\tdeviation\tvoxels\tnan");
  cryoem::for_each_chunk(
      volume, level,
      [&](const Box& box, const cryoem::Statistics& one) {
        if (json) {
          nlohmann::json line = cryoem::to_json(one);
          line["begin"] = box.begin;
          line["shape"] = box.shape();
          line["deviation"] = one.deviation();
          return out.line(dump_line(line));
        }
        out.line(fmt::format("{}\t{}\t{:g}\t{:g}\t{:g}\t{:g}\t{}\t{}", format_sides(box.begin),
                             format_sides(box.shape()), one.min, one.max, one.mean, one.deviation(),
                             one.count, one.nan));
      },
      session.context());
  out.commit();
  return kDone;
}

int stats(const StatsArgs& args, Session& session) {
  const cryoem::Volume volume = open_cryoem(session, args.uri, args.label);
  if (args.level) (void)volume.level(static_cast<std::size_t>(*args.level));
  if (session.options().explain) return explain(args, volume, session);
  if (args.chunks) return print_chunks(volume, args, session);
  const std::vector<cryoem::Statistics> statistics = statistics_of(volume, session);
  std::optional<Classes> classes;
  if (args.histogram) classes = classes_of(volume, args, statistics, session);
  Output out(session);
  if (session.options().json) {
    nlohmann::json all = to_json(volume, statistics);
    if (classes) {
      all["histogram"] = {{"level", classes->level},
                          {"low", classes->low},
                          {"high", classes->high},
                          {"counts", classes->counts}};
    }
    out.line(dump_line(all));
  } else {
    print_statistics(volume, statistics, out);
    if (classes) print_classes(*classes, out);
  }
  out.commit();
  return kDone;
}

}  // namespace

void add_cryoem_stats(Verb& cryoem) {
  auto args = std::make_shared<StatsArgs>();
  Verb verb = cryoem.add("stats", "Statistics of each level, without reading voxels", kDetails);
  verb.argument("URI", args->uri, "The dataset, or any Zarr image");
  verb.flag("--histogram", args->histogram, "Count values in classes, too");
  add_label_option(verb, args->label);
  verb.option("--level", "N", args->level, "Of the histogram or the chunks (default: 0)");
  verb.flag("--chunks", args->chunks, "A line for each chunk of a level instead");
  verb.option("--bins", "N", args->bins, "Classes of the histogram", 1);
  verb.run([args](Session& session) { return stats(*args, session); });
}

}  // namespace cnf::cli
