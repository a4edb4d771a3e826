// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/compress/blosc.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/levels_internal.h"
#include "cnf/formats/cryoem/pyramid_internal.h"
#include "cnf/formats/cryoem/rules_internal.h"
#include "cnf/zarr/metadata.h"

namespace cnf::cryoem {
namespace {

struct Case {
  std::string name;
  em::Kind kind = em::Kind::volume;
  std::vector<std::string> axes;
  Shape shape;
  DataType type = DataType::uint8;
  Shape chunk, shard;
};

void expect_cut(const Case& row) {
  em::SourceInfo info;
  info.kind = row.kind;
  info.axes = row.axes;
  info.shape = row.shape;
  const Shape chunk = automatic_chunk(info, row.type);
  EXPECT_EQ(chunk, row.chunk) << row.name;
  const Shape shard = automatic_shard(info, row.type, chunk);
  EXPECT_EQ(shard, row.shard) << row.name << to_string(shard);
  EXPECT_NO_THROW(static_cast<void>(plan_levels(
      {.array = row.shape, .binned = binned_axes(info), .chunk = chunk, .shard = shard})))
      << row.name;
}

TEST(Rules, CutVolumesByTheirSides) {
  using enum em::Kind;
  const std::vector<std::string> zyx{"z", "y", "x"};
  for (const Case& row : {
           Case{"a tomogram",
                volume,
                zyx,
                {500, 928, 960},
                DataType::int16,
                {64, 64, 64},
                {256, 512, 512}},
           Case{"of floats",
                volume,
                zyx,
                {500, 928, 960},
                DataType::float32,
                {64, 64, 64},
                {256, 256, 512}},
           Case{"a lamella",
                volume,
                zyx,
                {100, 4'000, 4'000},
                DataType::int16,
                {32, 256, 256},
                {64, 1'024, 1'024}},
           Case{"a map", volume, zyx, {20, 30, 40}, DataType::float32, {20, 30, 40}, {20, 30, 40}},
       }) {
    expect_cut(row);
  }
}

TEST(Rules, CutImagesByWhatIsLookedAt) {
  using enum em::Kind;
  const std::vector<std::string> nyx{"n", "y", "x"};
  for (const Case& row : {
           Case{"particles",
                stack,
                nyx,
                {5'000, 128, 128},
                DataType::float32,
                {16, 128, 128},
                {2'048, 128, 128}},
           Case{"few particles",
                stack,
                nyx,
                {3, 128, 128},
                DataType::float32,
                {3, 128, 128},
                {3, 128, 128}},
           Case{"a micrograph",
                stack,
                nyx,
                {1, 4'096, 4'096},
                DataType::uint16,
                {1, 512, 512},
                {1, 4'096, 4'096}},
           Case{"tilts",
                tilt_series,
                {"t", "y", "x"},
                {41, 3'838, 3'710},
                DataType::int16,
                {1, 512, 512},
                {4, 4'096, 4'096}},
           Case{"colours",
                volume,
                {"c", "z", "y", "x"},
                {3, 200, 200, 200},
                DataType::uint8,
                {1, 64, 64, 64},
                {4, 256, 256, 256}},
           Case{"subtomograms",
                volume_stack,
                {"n", "z", "y", "x"},
                {900, 64, 64, 64},
                DataType::float32,
                {1, 32, 64, 64},
                {128, 64, 64, 64}},
       }) {
    expect_cut(row);
  }
}

TEST(Rules, CompressByTypeAndInWholePlanes) {
  const auto blosc = [](DataType type, const Shape& chunk) {
    return choose_codec("auto", type, Downscaling::mean, chunk, false).codecs.at(1).blosc;
  };
  EXPECT_EQ(blosc(DataType::int16, {64, 64, 64}).blocksize, 8U * 64 * 64 * 2);
  EXPECT_EQ(blosc(DataType::int16, {32, 256, 256}).blocksize, 256U * 256 * 2);
  EXPECT_EQ(blosc(DataType::float32, {1, 1'024, 1'024}).blocksize, 16U * 1'024 * 4);
  EXPECT_EQ(blosc(DataType::float32, {20, 30, 41}).blocksize, 10U * 30 * 41 * 4);
  EXPECT_EQ(blosc(DataType::complex64, {64, 64, 64}).typesize, 4U);
  EXPECT_EQ(choose_codec("auto", DataType::uint16, Downscaling::mode, {64, 64, 64}, false).name,
            "zstd:3");
  const ChosenCodec zstd =
      choose_codec("zstd:5", DataType::float32, Downscaling::mean, {64, 64, 64}, true);
  EXPECT_EQ(zstd.name, "blosc(zstd:5, shuffle), crc32c");
  EXPECT_EQ(zstd.codecs.at(1).blosc.level, 5);
  EXPECT_EQ(zstd.codecs.at(2).kind, zarr::Codec::Kind::crc32c);
}

}  // namespace
}  // namespace cnf::cryoem
