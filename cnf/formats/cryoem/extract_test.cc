// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/cryoem/extract.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/compress/blosc.h"
#include "cnf/core/storage/faulty.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/mrc.h"
#include "cnf/em/particles.h"
#include "cnf/formats/cryoem/volume.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/codecs.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/ome.h"
#include "cnf/zarr/shard.h"

namespace cnf::cryoem {
namespace {

using ::testing::HasSubstr;
using Store = std::shared_ptr<storage::Storage>;
using Voxels = std::vector<std::int16_t>;

struct Layout {
  Shape shape, chunk, shard;
  bool images = false;
};

zarr::Codec plain(zarr::Codec::Kind kind) {
  zarr::Codec codec;
  codec.kind = kind;
  return codec;
}

/// Writes an array of int16, as the library's own writer would.
zarr::ArrayMetadata put_array(const Store& store, const std::string& path, const Layout& layout,
                              const Voxels& voxels) {
  zarr::ArrayMetadata array;
  array.shape = layout.shape;
  array.type = DataType::int16;
  array.chunk = layout.shard;
  array.fill.resize(2);
  auto sharding = std::make_shared<zarr::Sharding>();
  sharding->chunk = layout.chunk;
  zarr::Codec blosc = plain(zarr::Codec::Kind::blosc);
  blosc.blosc = {.typesize = 2};
  sharding->codecs = {plain(zarr::Codec::Kind::bytes), blosc};
  sharding->index_codecs = {plain(zarr::Codec::Kind::bytes), plain(zarr::Codec::Kind::crc32c)};
  zarr::Codec shards = plain(zarr::Codec::Kind::sharding);
  shards.sharding = sharding;
  array.codecs = {shards};
  array.dimension_names = {layout.images ? "n" : "z", "y", "x"};

  const std::string prefix = path.empty() ? "" : path + "/";
  const chunk::Grid shard_grid(layout.shape, layout.shard);
  const chunk::Grid grid(layout.shape, layout.chunk);
  chunk::for_each_place(Box::of(shard_grid.counts()), [&](const Shape& shard) {
    zarr::ObjectWriter writer(store, prefix + array.chunk_key(shard), array, {});
    chunk::for_each_place(grid.chunks_of(shard_grid.elements_of(shard)), [&](const Shape& at) {
      Voxels chunk(layout.chunk.elements());
      const Box box = grid.elements_of(at);
      chunk::for_each_place(box, [&](const Shape& v) {
        const std::size_t inside =
            ((v[0] - box.begin[0]) * layout.chunk[1] + v[1] - box.begin[1]) * layout.chunk[2] +
            v[2] - box.begin[2];
        chunk[inside] = voxels[(v[0] * layout.shape[1] + v[1]) * layout.shape[2] + v[2]];
      });
      Buffer encoded;
      zarr::encode_chunk(sharding->codecs, layout.chunk, array.type,
                         std::as_bytes(std::span(chunk)), encoded);
      Shape within = at;
      for (std::size_t axis = 0; axis < 3; ++axis) {
        within[axis] %= layout.shard[axis] / layout.chunk[axis];
      }
      writer.add(within, encoded);
    });
    (void)writer.finish();
  });
  store->put(prefix + "zarr.json", as_bytes(zarr::to_json(array).dump()));
  return array;
}

Voxels random_voxels(const Shape& shape, std::mt19937_64& random) {
  Voxels voxels(shape.elements());
  for (std::int16_t& voxel : voxels) voxel = static_cast<std::int16_t>(random() % 2'000 - 900);
  return voxels;
}

em::Particles particles_at(const std::vector<std::array<double, 3>>& places) {
  std::string text =
      "data_particles\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnCoordinateZ\n_rlnAngleRot\n";
  for (const auto& at : places) text += fmt::format("{} {} {} 1.5\n", at[0], at[1], at[2]);
  return em::parse_particles(as_bytes(text), {}, "test.star");
}

std::vector<std::array<double, 3>> random_places(std::size_t count, const Shape& shape,
                                                 std::mt19937_64& random) {
  std::vector<std::array<double, 3>> places(count);
  for (auto& at : places) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      at[axis] = static_cast<double>(random() % (shape[2 - axis] * 8 - 4)) / 8;
    }
  }
  return places;
}

/// The definition, voxel by voxel: nothing of batches, chunks and files.
Voxels slow_box(const Layout& layout, const Voxels& voxels, const std::array<double, 3>& at,
                std::int64_t size, std::int16_t fill) {
  Voxels box;
  const auto from = [&](std::size_t axis) {
    return static_cast<std::int64_t>(std::floor(at[axis] + 0.5)) - size / 2;
  };
  const auto dim = [&](std::size_t axis) { return static_cast<std::int64_t>(layout.shape[axis]); };
  const std::int64_t first = layout.images ? std::lround(at[2]) : from(2);
  const std::int64_t last = layout.images ? first + 1 : first + size;
  for (std::int64_t z = first; z < last; ++z) {
    for (std::int64_t y = from(1); y < from(1) + size; ++y) {
      for (std::int64_t x = from(0); x < from(0) + size; ++x) {
        const bool inside = z >= 0 && y >= 0 && x >= 0 && z < dim(0) && y < dim(1) && x < dim(2);
        box.push_back(inside ? voxels[static_cast<std::size_t>((z * dim(1) + y) * dim(2) + x)]
                             : fill);
      }
    }
  }
  return box;
}

/// The values of a stack that was written, behind its header.
template <typename T>
std::vector<T> stack_values(const Store& store, std::string_view key) {
  const Buffer bytes = store->read_all(key, std::uint64_t{1} << 30).bytes;
  std::vector<T> values((bytes.size() - em::kMrcHeaderSize) / sizeof(T));
  std::memcpy(values.data(), bytes.data() + em::kMrcHeaderSize, values.size() * sizeof(T));
  return values;
}

template <typename Call>
Error error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return {Errc::internal, "expect", "an error", "none was thrown"};
}

constexpr std::uint64_t kLittle = std::uint64_t{1} << 20;  // bytes: many batches

TEST(Extract, BoxesAreWhatTheyAreInTheVolume) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  const Layout layouts[] = {
      {.shape = {70, 81, 93}, .chunk = {16, 16, 16}, .shard = {64, 32, 32}},
      {.shape = {40, 64, 64}, .chunk = {8, 32, 32}, .shard = {8, 32, 64}},
      {.shape = {12, 60, 70}, .chunk = {1, 32, 32}, .shard = {4, 64, 64}, .images = true},
  };
  for (const Layout& layout : layouts) {
    const Store store = storage::make_memory();
    const Voxels voxels = random_voxels(layout.shape, random);
    put_array(store, "", layout, voxels);
    const Volume volume = Volume::open(store);
    const auto places = random_places(150, layout.shape, random);
    const std::size_t size = 8 + random() % 20;
    for (const std::uint64_t memory : {kLittle, kLittle << 8U}) {
      const ExtractReport report =
          extract(volume, particles_at(places), {store, "out/stack.mrcs"},
                  {.box_size = size, .fill = -7, .memory = memory, .threads = 3});
      EXPECT_EQ(report.boxes, places.size());
      EXPECT_EQ(report.type, DataType::int16);
      const Voxels stack = stack_values<std::int16_t>(store, "out/stack.mrcs");
      Voxels want;
      for (const auto& at : places) {
        const Voxels box = slow_box(layout, voxels, at, static_cast<std::int64_t>(size), -7);
        want.insert(want.end(), box.begin(), box.end());
      }
      ASSERT_TRUE(stack == want) << "box size " << size << ", memory " << memory;
    }
  }
}

class ExtractOne : public ::testing::Test {
 protected:
  ExtractOne() : random_(5), voxels_(random_voxels(layout_.shape, random_)) {
    put_array(store_, "", layout_, voxels_);
  }
  [[nodiscard]] Volume volume() const { return Volume::open(store_); }

  const Layout layout_{.shape = {64, 64, 64}, .chunk = {16, 16, 16}, .shard = {32, 32, 32}};
  std::mt19937_64 random_;
  const Voxels voxels_;
  const Store store_ = storage::make_memory();
};

TEST_F(ExtractOne, TheFileAndItsListSayWhatTheyAre) {
  const em::Particles particles = particles_at({{20.25, 30, 40.5}, {10, 11, 12}});
  const ExtractReport report =
      extract(volume(), particles, {store_, "a/stack.mrcs"}, {.box_size = 8});
  EXPECT_EQ(report.list, store_->uri("a/stack.star"));
  const Buffer file = store_->read_all("a/stack.mrcs", kLittle).bytes;
  const em::MrcHeader header = em::parse_mrc_header(file, "stack");
  EXPECT_EQ(header.n, (std::array<std::uint32_t, 3>{8, 8, 16}));
  EXPECT_EQ(header.m[2], 8);
  EXPECT_EQ(header.ispg, 401);
  EXPECT_EQ(header.mode, 1);
  ASSERT_TRUE(header.statistics_known());
  const Voxels values = stack_values<std::int16_t>(store_, "a/stack.mrcs");
  EXPECT_EQ(header.dmin, *std::ranges::min_element(values));
  EXPECT_EQ(header.dmax, *std::ranges::max_element(values));

  const Buffer list = store_->read_all("a/stack.star", kLittle).bytes;
  const em::Particles again = em::parse_particles(list, {}, "stack.star");
  ASSERT_EQ(again.rows.size(), 2U);
  EXPECT_EQ(again.rows[0].at, particles.rows[0].at);
  EXPECT_THAT(again.rows[1].line, HasSubstr("000002@stack.mrcs"));
  EXPECT_THAT(again.rows[0].line, HasSubstr("1.5\t20.000000\t30.000000\t41.000000\t"));
}

TEST_F(ExtractOne, AZarrArrayHoldsTheSame) {
  const auto places = random_places(20, layout_.shape, random_);
  const em::Particles particles = particles_at(places);
  extract(volume(), particles, {store_, "boxes.zarr"}, {.box_size = 10});
  extract(volume(), particles, {store_, "boxes.mrcs"}, {.box_size = 10});
  const zarr::Array array = zarr::Array::open(store_, "boxes.zarr");
  EXPECT_EQ(array.shape(), (Shape{20, 10, 10, 10}));
  EXPECT_EQ(array.metadata().inner_chunk(), (Shape{1, 10, 10, 10}));
  Voxels values(array.shape().elements());
  array.read(Box::of(array.shape()), std::as_writable_bytes(std::span(values)));
  EXPECT_TRUE(values == stack_values<std::int16_t>(store_, "boxes.mrcs"));
  EXPECT_TRUE(store_->exists("boxes.star"));
  EXPECT_EQ(error_of([&] {
              extract(volume(), particles, {store_, "boxes.zarr"}, {.box_size = 10});
            }).code(),
            Errc::already_exists);
}

TEST_F(ExtractOne, ThreadsAndMemoryChangeNothing) {
  const em::Particles particles = particles_at(random_places(200, layout_.shape, random_));
  ExtractOptions options{.box_size = 12,
                         .bin = 2,
                         .padding = Padding::mean,
                         .intensities = ExtractOptions::Intensities::normalised};
  std::vector<Buffer> files;
  for (const auto& [threads, memory] :
       {std::pair<std::size_t, std::uint64_t>{1, kLittle}, {4, kLittle}, {2, kLittle << 9U}}) {
    options.threads = threads;
    options.memory = memory;
    const Store out = storage::make_memory();
    extract(volume(), particles, {out, "s.mrcs"}, options);
    files.push_back(out->read_all("s.mrcs", kLittle << 5U).bytes);
  }
  EXPECT_EQ(as_text(files[0]), as_text(files[1]));
  EXPECT_EQ(as_text(files[0]), as_text(files[2]));
}

TEST_F(ExtractOne, BinningIsAroundTheParticle) {
  // A box of 4 voxels, each 2 wide: voxel 2 is the mean of those beside the particle's place.
  extract(volume(), particles_at({{20.5, 30.5, 40.5}}), {store_, "s.mrcs"},
          {.box_size = 4, .bin = 2});
  const std::vector<float> box = stack_values<float>(store_, "s.mrcs");
  ASSERT_EQ(box.size(), 64U);
  double sum = 0;
  for (const std::size_t z : {40U, 41U}) {
    for (const std::size_t y : {30U, 31U}) {
      for (const std::size_t x : {20U, 21U}) sum += voxels_[(z * 64 + y) * 64 + x];
    }
  }
  EXPECT_FLOAT_EQ(box[(2 * 4 + 2) * 4 + 2], static_cast<float>(sum / 8));
  const Buffer list = store_->read_all("s.star", kLittle).bytes;
  EXPECT_EQ(em::parse_particles(list, {}, "s").rows[0].at,
            (std::array<double, 3>{20.5, 30.5, 40.5}));
}

// What a pyramid's level says of its place is believed: voxel 0 of level 1 is at 0.5 of level 0.
TEST(Extract, FromALevelOfAPyramid) {
  std::mt19937_64 random(9);
  const Store store = storage::make_memory();
  const Layout fine{.shape = {64, 64, 64}, .chunk = {16, 16, 16}, .shard = {32, 32, 32}};
  const Layout coarse{.shape = {32, 32, 32}, .chunk = {16, 16, 16}, .shard = {32, 32, 32}};
  const Voxels voxels = random_voxels(coarse.shape, random);
  put_array(store, "0", fine, random_voxels(fine.shape, random));
  put_array(store, "1", coarse, voxels);
  zarr::Multiscale image;
  for (const char* const name : {"z", "y", "x"}) image.axes.push_back({name, "space", "angstrom"});
  image.levels = {{"0", {5, 5, 5}, {0, 0, 0}}, {"1", {10, 10, 10}, {2.5, 2.5, 2.5}}};
  const nlohmann::json attributes = {{"ome", zarr::to_json(image)}};
  store->put("zarr.json", as_bytes(zarr::group_json(attributes, {}).dump()));

  const Volume volume = Volume::open(store);
  const std::vector<std::array<double, 3>> places{{20.5, 30.5, 40.5}, {21, 31, 41}};
  extract(volume, particles_at(places), {store, "s.mrcs"}, {.box_size = 6, .level = 1});
  const Voxels stack = stack_values<std::int16_t>(store, "s.mrcs");
  const Voxels first = slow_box(coarse, voxels, {10, 15, 20}, 6, 0);
  EXPECT_TRUE(std::equal(first.begin(), first.end(), stack.begin()));
  const Voxels second = slow_box(coarse, voxels, {10.25, 15.25, 20.25}, 6, 0);
  EXPECT_TRUE(std::equal(second.begin(), second.end(), stack.begin() + 216));
  const Buffer list = store->read_all("s.star", kLittle).bytes;
  EXPECT_THAT(std::string(as_text(list)), HasSubstr("\t10.000000\t6\t3\n"));
  const em::Particles again = em::parse_particles(list, {.voxel = 5}, "s");
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      EXPECT_NEAR(again.rows[i].at[axis], places[i][axis], 1e-5);
    }
  }
}

TEST_F(ExtractOne, WhatReachesBeyondIsLeftOutIfAsked) {
  const em::Particles particles =
      particles_at({{2, 30, 30}, {30, 30, 30}, {200, 30, 30}, {60, 60, 60}});
  const ExtractReport report =
      extract(volume(), particles, {store_, "s.mrcs"}, {.box_size = 8, .padding = Padding::skip});
  EXPECT_EQ(report.boxes, 2U);
  EXPECT_EQ(report.skipped, 2U);
  EXPECT_EQ(report.padded, 0U);
  const Error error = error_of([&] {
    extract(volume(), particles, {store_, "t.mrcs"}, {.box_size = 8});
  });
  EXPECT_EQ(error.code(), Errc::invalid_argument);
  EXPECT_THAT(error.what(),
              HasSubstr("particle 3 at (200, 30, 30) lies outside of its 64 x 64 x 64"));
  EXPECT_FALSE(store_->exists("t.mrcs"));
}

TEST_F(ExtractOne, WhatCannotBeIsRefused) {
  const em::Particles one = particles_at({{30, 30, 30}});
  struct RefusedCase {
    std::string_view key;
    ExtractOptions options;
    std::string_view why;
  };
  const RefusedCase cases[] = {
      {"s.mrcs", {.box_size = 0}, "a box of 0 voxels"},
      {"s.mrcs", {.box_size = 20'000}, "a box of 20000 voxels"},
      {"s.mrcs", {.box_size = 8, .bin = 0}, "binned by 0"},
      {"s.mrcs", {.box_size = 8, .fill = 0.5}, "fill value 0.5"},
      {"s.mrcs", {.box_size = 200, .memory = kLittle}, "give more memory"},
      {"s.tif", {.box_size = 8}, "the name tells no format"},
      {"s.mrcs", {.box_size = 65, .padding = Padding::skip}, "no box lies within"},
  };
  for (const auto& row : cases) {
    const Error error = error_of([&] {
      extract(volume(), one, {store_, std::string(row.key)}, row.options);
    });
    EXPECT_EQ(error.code(), Errc::invalid_argument) << row.why;
    EXPECT_THAT(error.what(), HasSubstr(std::string(row.why)));
  }
  EXPECT_THAT(error_of([&] {
                extract(volume(), particles_at({}), {store_, "s.mrcs"}, {.box_size = 8});
              }).what(),
              HasSubstr("there are no particles"));
}

// 10,000 boxes of 4 chunks' side each, as 64³ boxes of a tomogram in chunks of 64³: every chunk
// comes once, and of every shard its index and what is wanted of it.
TEST(Extract, EveryChunkIsFetchedOnce) {
  std::mt19937_64 random(3);
  const Store store = storage::make_memory();
  const Layout layout{.shape = {128, 256, 256}, .chunk = {16, 16, 16}, .shard = {64, 64, 64}};
  put_array(store, "", layout, random_voxels(layout.shape, random));
  const Volume volume = Volume::open(store);
  const em::Particles particles = particles_at(random_places(10'000, layout.shape, random));
  std::uint64_t stored = 0;
  for (const storage::FileInfo& object : store->list({.prefix = "c/"})) stored += object.size;

  const Context context;
  const ExtractReport report = extract(volume, particles, {storage::make_memory(), "s.mrcs"},
                                       {.box_size = 16, .memory = std::uint64_t{8} << 20}, context);
  const Usage usage = context.accounting().snapshot();
  EXPECT_EQ(report.boxes, 10'000U);
  EXPECT_EQ(report.chunks, 8U * 16 * 16);
  constexpr std::uint64_t kShards = std::uint64_t{2} * 4 * 4;
  EXPECT_LE(usage.count(RequestKind::get), 2 * kShards);
  // All there is, and no byte of it twice.
  EXPECT_LE(usage.bytes_fetched, stored);
}

TEST_F(ExtractOne, AFaultLeavesNothingToSee) {
  const em::Particles particles = particles_at(random_places(30, layout_.shape, random_));
  for (const std::string key : {"s.mrcs", "s.zarr"}) {
    for (std::uint64_t nth = 1;; ++nth) {
      ASSERT_LT(nth, 100U);
      const Store inner = storage::make_memory();
      const storage::Faulty out = storage::make_faulty(
          inner, {.nth = nth, .persistence = storage::FaultPlan::Persistence::once});
      try {
        extract(volume(), particles, {out.storage, key}, {.box_size = 8});
        EXPECT_TRUE(inner->exists("s.star"));
        if (out.calls->load() < nth) break;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), Errc::unavailable);
        EXPECT_FALSE(inner->exists("s.star")) << nth;
      }
    }
  }
}

TEST_F(ExtractOne, StopsWhenToldTo) {
  std::stop_source stop;
  stop.request_stop();
  const em::Particles particles = particles_at({{30, 30, 30}});
  const Store out = storage::make_memory();
  const Error error = error_of([&] {
    extract(volume(), particles, {out, "s.mrcs"}, {.box_size = 8}, Context(stop.get_token()));
  });
  EXPECT_EQ(error.code(), Errc::cancelled);
  EXPECT_FALSE(out->exists("s.mrcs"));
}

TEST_F(ExtractOne, TellsHowFarItIs) {
  Progress progress;
  extract(volume(), particles_at(random_places(9, layout_.shape, random_)), {store_, "s.mrcs"},
          {.box_size = 8, .progress = &progress});
  EXPECT_EQ(progress.state().records, 9U);
  EXPECT_EQ(progress.state().bytes, 9U * 512 * 2);
  EXPECT_EQ(progress.state().total_bytes, 9U * 512 * 2);
}

}  // namespace
}  // namespace cnf::cryoem
