// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/cli/cryoem.h"
#include "cnf/cli/output.h"
#include "cnf/cli/session.h"
#include "cnf/core/compress/blosc.h"
#include "cnf/core/util/data_type.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/layout.h"
#include "cnf/formats/cryoem/statistics.h"
#include "cnf/formats/cryoem/volume.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/metadata.h"

namespace cnf::cli {
namespace {

std::string blosc_text(const compress::BloscOptions& options) {
  static constexpr std::string_view kCodecs[] = {"blosclz", "lz4", "snappy", "zlib", "zstd"};
  static constexpr std::string_view kShuffles[] = {"no shuffle", "shuffle", "bitshuffle"};
  return fmt::format("blosc({}, {})", kCodecs[static_cast<std::size_t>(options.codec)],
                     kShuffles[static_cast<std::size_t>(options.shuffle)]);
}

std::string codec_text(const zarr::Codec& codec) {
  using Kind = zarr::Codec::Kind;
  switch (codec.kind) {
    case Kind::blosc:
      return blosc_text(codec.blosc);
    case Kind::transpose:
      return "transpose";
    case Kind::zstd:
      return fmt::format("zstd:{}", codec.level);
    case Kind::gzip:
      return fmt::format("gzip:{}", codec.level);
    case Kind::zlib:
      return fmt::format("zlib:{}", codec.level);
    case Kind::bz2:
      return fmt::format("bz2:{}", codec.level);
    case Kind::lz4:
      return "lz4";
    case Kind::crc32c:
      return "crc32c";
    case Kind::fletcher32:
      return "fletcher32";
    case Kind::shuffle:
      return "shuffle";
    case Kind::delta:
      return "delta";
    case Kind::fixed_scale_offset:
      return "scaled";
    case Kind::bytes:
      return codec.little ? "" : "big-endian";
    case Kind::sharding:
    case Kind::identity:
      return "";
  }
  return "";
}

std::string codecs_text(const zarr::ArrayMetadata& array) {
  std::vector<std::string> names;
  const zarr::Sharding* const sharding = array.sharding();
  for (const zarr::Codec& codec : sharding != nullptr ? sharding->codecs : array.codecs) {
    std::string name = codec_text(codec);
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

// Along x first, as sides are told.
std::string lengths(std::vector<double> values) {
  std::ranges::reverse(values);
  return fmt::format("{:g}", fmt::join(values, " x "));
}

nlohmann::json level_json(const cryoem::Volume& volume, std::size_t level) {
  const zarr::Array& array = volume.level(level);
  const zarr::ArrayMetadata& metadata = array.metadata();
  nlohmann::json one = {
      {"path", volume.image().levels[level].path}, {"shape", array.shape()},
      {"chunk", metadata.inner_chunk()},           {"codec", codecs_text(metadata)},
      {"voxel_angstrom", volume.voxel(level)},     {"origin_angstrom", volume.origin(level)}};
  if (metadata.sharding() != nullptr) one["shard"] = metadata.chunk;
  return one;
}

std::string level_text(const cryoem::Volume& volume, std::size_t level) {
  const zarr::ArrayMetadata& array = volume.level(level).metadata();
  std::string text =
      fmt::format("{}, chunks of {}", format_sides(array.shape), format_sides(array.inner_chunk()));
  if (array.sharding() != nullptr)
    text += fmt::format(" in shards of {}", format_sides(array.chunk));
  return text + ", " + codecs_text(array);
}

// Fields of a file's header as indented lines; what they mean the file's format says.
void print_fields(const nlohmann::json& fields, int depth, Output& out) {
  for (const auto& [name, value] : fields.items()) {
    const std::string label = fmt::format("{:{}}{}", "", 2 * depth, name);
    if (value.is_object()) {
      out.line(label);
      print_fields(value, depth + 1, out);
    } else {
      constexpr std::size_t kLongest = 100;
      std::string text = value.is_string() ? value.get<std::string>() : value.dump();
      if (text.size() > kLongest) text = fmt::format("{} entries", value.size());
      out.line(fmt::format("{:<20} {}", label, text));
    }
  }
}

}  // namespace

nlohmann::json cryoem_json(const cryoem::Volume& volume, Session& session) {
  nlohmann::json image = {{"kind", to_string(volume.kind())},
                          {"dtype", to_string(volume.type())},
                          {"labels", volume.labels(session.context())}};
  for (const auto& axis : volume.image().axes) image["axes"].push_back(axis.name);
  for (std::size_t level = 0; level < volume.levels(); ++level)
    image["levels"].push_back(level_json(volume, level));
  if (const auto& window = volume.image().window) image["window"] = {window->start, window->end};
  return image;
}

void print_cryoem(const cryoem::Volume& volume, Session& session, Output& out) {
  const auto field = [&out](std::string_view name, const std::string& value) {
    if (!value.empty()) out.line(fmt::format("{:<20} {}", name, value));
  };
  field("kind", std::string(to_string(volume.kind())));
  field("voxels",
        fmt::format("{} of {}", format_sides(volume.level(0).shape()), to_string(volume.type())));
  const std::vector<double> voxel = volume.voxel(0);
  const bool known = std::ranges::any_of(voxel, [](double size) { return size > 0; });
  field("voxel", known ? lengths(voxel) + " Å" : "not told");
  for (std::size_t level = 0; level < volume.levels(); ++level)
    field(fmt::format("level {}", level), level_text(volume, level));
  if (const auto& window = volume.image().window)
    field("window", fmt::format("{:g} to {:g}", window->start, window->end));
  field("labels", fmt::format("{}", fmt::join(volume.labels(session.context()), ", ")));
  const cryoem::Custom* const custom = volume.custom();
  if (custom == nullptr) return;
  if (!custom->statistics.empty()) {
    const cryoem::Statistics& all = custom->statistics.front();
    field("values", fmt::format("{:g} to {:g}, mean {:g}, deviation {:g}", all.min, all.max,
                                all.mean, all.deviation()));
  }
  field("points", fmt::format("{}", fmt::join(custom->points, ", ")));
  if (custom->keep_bits) field("bits kept", fmt::format("{}", *custom->keep_bits));
  if (custom->converted_from)
    field("converted from", std::string(to_string(*custom->converted_from)));
  if (custom->flipped_y) field("flipped", "y");
  if (!custom->tilts.empty()) field("tilts", fmt::format("{} angles", custom->tilts.size()));
  if (const auto fields = custom->source.find("fields"); fields != custom->source.end())
    print_fields({{"source", *fields}}, 0, out);
}

}  // namespace cnf::cli
