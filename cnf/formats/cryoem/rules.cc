// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/compress/blosc.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/pyramid_internal.h"
#include "cnf/formats/cryoem/rules_internal.h"
#include "cnf/zarr/metadata.h"

namespace cnf::cryoem {
namespace {

constexpr std::uint64_t kCube = 64;
constexpr std::uint64_t kLeastForCubes = 192;  // three cubes: fewer leave most of them cut
constexpr std::uint64_t kSlabDepth = 32;
constexpr std::uint64_t kSlabSide = 256;
constexpr std::uint64_t kWholeImage = 1'024;
constexpr std::uint64_t kImageTile = 512;
constexpr std::uint64_t kImagesBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kShardBytes = std::uint64_t{128} << 20;
// What is shuffled and compressed at a time: it and its result stay in the second cache.
constexpr std::uint64_t kBlockBytes = std::uint64_t{64} << 10;
constexpr std::uint64_t kMaxBlockBytes = std::uint64_t{256} << 10;

constexpr int kLz4Level = 5;
constexpr int kZstdLevel = 3;

Shape cut(Shape sides, const Shape& array) {
  for (std::size_t axis = 0; axis < sides.size(); ++axis)
    sides[axis] = std::min(sides[axis], array[axis]);
  return sides;
}

std::uint64_t bytes_of(const Shape& shape, DataType type) {
  return shape.elements() * size_of(type);
}

int zstd_level(std::string_view wanted) {
  if (wanted == "zstd") return kZstdLevel;
  int level = 0;
  const std::string_view digits = wanted.substr(5);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), level);
  if (error != std::errc() || end != digits.data() + digits.size() || level < 1 || level > 9) {
    throw Error(Errc::invalid_argument, "compress", wanted, "not a level of zstd",
                "ask for 1 to 9");
  }
  return level;
}

/// Whole planes of the chunk, or whole rows of large ones.
std::size_t block_bytes(const Shape& chunk, DataType type) {
  const std::uint64_t all = bytes_of(chunk, type);
  std::uint64_t unit = all;
  for (std::size_t axis = 0; axis + 1 < chunk.size(); ++axis) {
    const bool is_plane = axis + 2 >= chunk.size();
    if (!is_plane || unit > kMaxBlockBytes) unit /= chunk[axis];
  }
  if (unit < kBlockBytes) {  // some of them together
    for (std::uint64_t together = kBlockBytes / unit; together > 1; --together)
      if (all % (unit * together) == 0) return static_cast<std::size_t>(unit * together);
  }
  return static_cast<std::size_t>(unit);
}

zarr::Codec blosc(compress::BloscCodec codec, int level, compress::BloscShuffle shuffle,
                  const Shape& chunk, DataType type) {
  return {.kind = zarr::Codec::Kind::blosc,
          .blosc = {.codec = codec,
                    .level = level,
                    .shuffle = shuffle,
                    .typesize = word_of(type),
                    .blocksize = block_bytes(chunk, type)}};
}

}  // namespace

std::vector<bool> binned_axes(const em::SourceInfo& source) {
  std::vector<bool> binned;
  for (const std::string& name : source.axes)
    binned.push_back(name == "z" || name == "y" || name == "x");
  return binned;
}

Shape automatic_chunk(const em::SourceInfo& source, DataType type) {
  const Shape& array = source.shape;
  const std::size_t axes = array.size();
  Shape chunk = Shape::filled(axes, 1);
  const auto set_last = [&](std::initializer_list<std::uint64_t> sides) {
    std::size_t axis = axes - std::min(axes, sides.size());
    for (auto side = sides.end() - static_cast<std::ptrdiff_t>(axes - axis); side != sides.end();
         ++side)
      chunk[axis++] = *side;
  };
  if (std::find(source.axes.begin(), source.axes.end(), "z") != source.axes.end()) {
    const auto least = std::min({array[axes - 3], array[axes - 2], array[axes - 1]});
    if (least >= kLeastForCubes) {
      set_last({kCube, kCube, kCube});
    } else {
      set_last({kSlabDepth, kSlabSide, kSlabSide});
    }
    return cut(chunk, array);
  }
  const std::uint64_t longest =
      axes < 2 ? array[axes - 1] : std::max(array[axes - 2], array[axes - 1]);
  if (longest > kWholeImage) {
    set_last({kImageTile, kImageTile});
    return cut(chunk, array);
  }
  set_last({kWholeImage, kWholeImage});
  chunk = cut(chunk, array);
  if (source.kind != em::Kind::stack || axes < 3) return chunk;
  std::uint64_t& images = chunk[axes - 3];
  while (images < array[axes - 3] && 2 * bytes_of(chunk, type) <= kImagesBytes) images *= 2;
  return cut(chunk, array);
}

Shape asked_sides(const Shape& asked, const Shape& array, std::string_view what) {
  if (asked.size() > array.size()) {
    throw Error(
        Errc::invalid_argument, "import", what,
        fmt::format("{} has more axes than a volume of {}", to_string(asked), to_string(array)));
  }
  if (std::find(asked.begin(), asked.end(), 0U) != asked.end()) {
    throw Error(Errc::invalid_argument, "import", what,
                fmt::format("a side of {} is 0", to_string(asked)));
  }
  Shape sides = Shape::filled(array.size(), 1);
  std::copy(asked.begin(), asked.end(), &sides[array.size() - asked.size()]);
  return sides;
}

Shape automatic_shard(const em::SourceInfo& source, DataType type, const Shape& chunk) {
  const std::vector<bool> binned = binned_axes(source);
  Shape shard = chunk;
  bool grows = true;
  for (const bool in_space : {true, false}) {
    while (grows && bytes_of(shard, type) < kShardBytes) {
      grows = false;
      for (std::size_t axis = chunk.size(); axis-- > 0;) {
        if (binned[axis] != in_space || shard[axis] >= source.shape[axis] ||
            bytes_of(shard, type) >= kShardBytes)
          continue;
        shard[axis] *= 2;
        grows = true;
        if (!in_space) break;  // all images before a second channel
      }
    }
    grows = true;
  }
  return shard;
}

ChosenCodec choose_codec(std::string_view wanted, DataType type, Downscaling downscaling,
                         const Shape& chunk, bool checksum) {
  const bool labels = downscaling == Downscaling::mode;
  if (wanted == "auto") wanted = labels ? "zstd" : "lz4";
  ChosenCodec chosen{.codecs = {zarr::Codec{.kind = zarr::Codec::Kind::bytes}}, .name = "none"};
  if (wanted == "lz4") {
    chosen.codecs.push_back(
        blosc(compress::BloscCodec::lz4, kLz4Level, compress::BloscShuffle::bit, chunk, type));
    chosen.name = "blosc(lz4, bitshuffle)";
  } else if (wanted == "zstd" || wanted.starts_with("zstd:")) {
    const int level = zstd_level(wanted);
    if (labels) {
      chosen.codecs.push_back({.kind = zarr::Codec::Kind::zstd, .level = level});
      chosen.name = fmt::format("zstd:{}", level);
    } else {
      chosen.codecs.push_back(
          blosc(compress::BloscCodec::zstd, level, compress::BloscShuffle::byte, chunk, type));
      chosen.name = fmt::format("blosc(zstd:{}, shuffle)", level);
    }
  } else if (wanted != "none") {
    throw Error(Errc::invalid_argument, "compress", wanted, "not a codec that is written",
                "choose auto, lz4, zstd, zstd:1 to zstd:9, or none");
  }
  if (checksum) {
    chosen.codecs.push_back({.kind = zarr::Codec::Kind::crc32c});
    chosen.name += ", crc32c";
  }
  return chosen;
}

}  // namespace cnf::cryoem
