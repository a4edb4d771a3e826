// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/cryoem/volume.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/wrappers.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/box_stream.h"
#include "cnf/formats/cryoem/import.h"
#include "cnf/formats/cryoem/slice.h"
#include "cnf/formats/cryoem/source_zarr.h"
#include "cnf/formats/cryoem/validate.h"

namespace cnf::cryoem {
namespace {

constexpr std::size_t kDepth = 40, kHeight = 70, kWidth = 90;

std::vector<std::int16_t> noise(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::int16_t> values(kDepth * kHeight * kWidth);
  for (auto& value : values) value = static_cast<std::int16_t>(random() % 1000);
  return values;
}

ByteSpan bytes_of(const std::vector<std::int16_t>& values) {
  return std::as_bytes(std::span(values));
}

class VolumeTest : public ::testing::Test {
 protected:
  VolumeTest() { make({.chunk = {16, 32, 32}}); }

  void make(ImportOptions options) {
    store_ = storage::make_memory();
    (void)write(bytes_of(values_), {kDepth, kHeight, kWidth}, DataType::int16, store_,
                std::move(options));
    volume_ = Volume::open(store_);
  }
  [[nodiscard]] std::vector<std::byte> expected(const Query& query) const {
    std::vector<std::byte> out;
    for (std::uint64_t z = query.z; z < query.z + query.depth; ++z) {
      for (std::uint64_t y = query.y; y < query.y + query.height; ++y) {
        const auto row =
            bytes_of(values_).subspan(2 * ((z * kHeight + y) * kWidth + query.x), 2 * query.width);
        out.insert(out.end(), row.begin(), row.end());
      }
    }
    return out;
  }
  [[nodiscard]] std::vector<std::string> complaints(Depth depth) const {
    std::vector<std::string> all;
    validate(Volume::open(store_), depth,
             [&all](const std::string& object, const std::string& what) {
               all.push_back(object + ": " + what);
             },
             {}, {});
    return all;
  }

  std::vector<std::int16_t> values_ = noise(1);
  std::shared_ptr<storage::Storage> store_;
  Volume volume_;
};

TEST_F(VolumeTest, OneRequestOpensADataset) {
  const Context context;
  const Volume volume = Volume::open(store_, context);
  EXPECT_EQ(context.accounting().snapshot().total_requests(), 1U);
  EXPECT_EQ(volume.kind(), em::Kind::volume);
  EXPECT_EQ(volume.level(0).shape(), (Shape{kDepth, kHeight, kWidth}));
  EXPECT_NE(volume.committed(), nullptr);
}

TEST_F(VolumeTest, BoxesAreTheVoxelsAndNothingElse) {
  const Query query{.x = 30, .y = 1, .z = 15, .width = 5, .height = 66, .depth = 3};
  const Buffer read = volume_.read(query);
  EXPECT_TRUE(std::ranges::equal(read.span(), expected(query)));
}

TEST_F(VolumeTest, BoxesThatLeaveALevelAreRefused) {
  const Query bad[] = {{.width = kWidth + 1, .height = 1, .depth = 1},
                       {.x = kWidth, .width = 1, .height = 1, .depth = 1},
                       {.y = ~std::uint64_t{0}, .width = 1, .height = 2, .depth = 1},
                       {.width = 1, .height = 1, .depth = 0}};
  for (const Query& query : bad) EXPECT_THROW((void)volume_.box_of(query, 0), Error);
  EXPECT_THROW((void)volume_.level(volume_.levels()), Error);
  EXPECT_THROW((void)volume_.box_of({.width = kWidth, .height = 1, .depth = 1}, 1), Error);
}

TEST_F(VolumeTest, StreamsOfAnyMemoryGiveTheSame) {
  const Query query{.x = 3, .y = 5, .z = 7, .width = 80, .height = 60, .depth = 30};
  const std::vector<std::byte> want = expected(query);
  for (const std::uint64_t memory : {1U, 200U, 5'000U, 30'000U, 200'000U, 1U << 30}) {
    std::vector<std::byte> have;
    std::size_t largest = 0;
    stream_box(volume_.level(0), volume_.box_of(query, 0),
               [&](ByteSpan voxels) {
                 have.insert(have.end(), voxels.begin(), voxels.end());
                 largest = std::max(largest, voxels.size());
               },
               {.memory = memory});
    EXPECT_EQ(have, want) << memory;
    EXPECT_LE(largest, std::max<std::uint64_t>(memory, 2)) << memory;
  }
}

TEST_F(VolumeTest, ABareArrayIsAnImageOfOneLevel) {
  const Volume bare = Volume::open(storage::prefixed(store_, "0"));
  EXPECT_EQ(bare.levels(), 1U);
  EXPECT_EQ(bare.committed(), nullptr);
  EXPECT_FALSE(bare.statistics());
  const Query all = bare.whole(0);
  EXPECT_TRUE(std::ranges::equal(bare.read(all).span(), bytes_of(values_)));
}

TEST_F(VolumeTest, AsASourceItReadsTheSameCachedOrUnpacked) {
  for (const Shape& chunk : {Shape{16, 32, 32}, Shape{kDepth, kHeight, kWidth}}) {
    make({.chunk = chunk});
    const auto source = open_zarr_source(volume_);
    EXPECT_EQ(source->info().shape, (Shape{kDepth, kHeight, kWidth}));
    const Query query{.x = 30, .y = 1, .z = 15, .width = 50, .height = 66, .depth = 3};
    Buffer read(query.width * query.height * query.depth * 2);
    source->read(volume_.box_of(query, 0), read.span(), {});
    EXPECT_TRUE(std::ranges::equal(read.span(), expected(query)));
  }
}

TEST_F(VolumeTest, ValidationFindsLevelsThatAreNotOfTheirData) {
  EXPECT_TRUE(complaints(Depth::pyramid).empty());
  // A whole level of another volume: every sum and index in it is right.
  const std::shared_ptr<storage::Storage> mine = store_;
  values_ = noise(2);
  make({.chunk = {16, 32, 32}});
  const auto theirs = store_;
  store_ = mine;
  for (const storage::FileInfo& object : theirs->list({.prefix = "1/c/"}))
    store_->put(object.key, theirs->read_all(object.key, 1 << 20).bytes);
  EXPECT_EQ(complaints(Depth::voxels).size(), 1U);   // its statistics
  EXPECT_GT(complaints(Depth::pyramid).size(), 1U);  // and its voxels
}

TEST(Slice, GreyIsLinearBetweenBlackAndWhite) {
  const std::vector<float> values = {-5, 0, 5, 10, 15, std::numeric_limits<float>::quiet_NaN()};
  const ByteSpan bytes = std::as_bytes(std::span(values));
  const Buffer grey = to_grey(DataType::float32, bytes, {.low = 0, .high = 10}, 8);
  const std::vector<int> want = {0, 0, 128, 255, 255, 0};
  ASSERT_EQ(grey.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i)
    EXPECT_EQ(std::to_integer<int>(grey.span()[i]), want[i]) << i;
  const Buffer wide = to_grey(DataType::float32, bytes, {.low = 0, .high = 10}, 16);
  EXPECT_EQ(std::to_integer<int>(wide.span()[6]) + 256 * std::to_integer<int>(wide.span()[7]),
            65535);
  // All one value: at it and above is white.
  const Buffer flat = to_grey(DataType::float32, bytes, {.low = 5, .high = 5}, 8);
  EXPECT_EQ(std::to_integer<int>(flat.span()[1]), 0);
  EXPECT_EQ(std::to_integer<int>(flat.span()[2]), 255);
}

}  // namespace
}  // namespace cnf::cryoem
