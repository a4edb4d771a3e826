// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/cryoem/points.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/index/rtree.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/storage/faulty.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/em/particles.h"
#include "cnf/formats/cryoem/import.h"
#include "cnf/formats/cryoem/layout.h"
#include "cnf/formats/cryoem/points_coding_internal.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cryoem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Store = std::shared_ptr<storage::Storage>;

/// A dataset of a few voxels.
Store make_dataset() {
  Store store = storage::make_memory();
  const std::vector<std::int16_t> voxels(std::size_t{8} * 9 * 10, 5);
  write(std::as_bytes(std::span(voxels)), {8, 9, 10}, DataType::int16, store);
  return store;
}

em::Particles random_particles(std::size_t count, std::mt19937_64& random) {
  std::string text =
      "# made for a test\ndata_particles\nloop_\n_rlnTomoName\n_rlnCoordinateX\n_rlnCoordinateY\n"
      "_rlnCoordinateZ\n_rlnNote\n";
  for (std::size_t i = 0; i < count; ++i) {
    text += fmt::format(" TS_{} {} {:.3f} {}  'note {}'\n", random() % 3, random() % 1'000,
                        static_cast<double>(random() % 1'000'000) / 1'000, random() % 300, i);
  }
  return em::parse_particles(as_bytes(text + "\ndata_after\n_x 1\n"), {}, "test.star");
}

std::vector<std::string> lines_of(const em::Particles& particles) {
  std::vector<std::string> lines;
  for (const em::Particle& particle : particles.rows) lines.push_back(particle.line);
  return lines;
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

TEST(Points, AreFoundByTheirPlaces) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  const Store store = make_dataset();
  for (const std::size_t count : {0U, 1U, 7'000U}) {
    const em::Particles particles = random_particles(count, random);
    const std::string name = fmt::format("set-{}", count);
    add_points(Volume::open(store), name, particles, false);
    const Volume volume = Volume::open(store);
    EXPECT_EQ(em::to_text(all_points(volume, name)), em::to_text(particles));
    for (int round = 0; round < 20; ++round) {
      index::SpatialBox box;
      for (std::size_t axis = 0; axis < 3; ++axis) {
        box.low[axis] = static_cast<double>(random() % 900);
        box.high[axis] = box.low[axis] + static_cast<double>(random() % 300);
      }
      em::Particles want = particles;
      std::erase_if(want.rows, [&](const em::Particle& particle) {
        for (std::size_t axis = 0; axis < 3; ++axis) {
          if (particle.at[axis] < box.low[axis] || particle.at[axis] > box.high[axis]) return true;
        }
        return false;
      });
      const em::Particles found = find_points(volume, name, box);
      ASSERT_EQ(em::to_text(found), em::to_text(want));
      for (std::size_t i = 0; i < found.rows.size(); ++i) {
        EXPECT_EQ(found.rows[i].at, want.rows[i].at);
        EXPECT_EQ(found.rows[i].tomogram, want.rows[i].tomogram);
      }
    }
  }
  EXPECT_THAT(points_names(Volume::open(store)), ElementsAre("set-0", "set-1", "set-7000"));
}

// The manifest carries the tree's root and the list's header: one round trip for the pages below
// the root, and one for the lines, which lie together as the points do.
TEST(Points, ASmallBoxReadsLittle) {
  std::mt19937_64 random(2);
  const Store store = make_dataset();
  add_points(Volume::open(store), "p", random_particles(50'000, random), false);
  const Volume volume = Volume::open(store);
  const Context context;
  const em::Particles found = find_points(volume, "p", {{100, 100, 100}, {150, 150, 150}}, context);
  EXPECT_FALSE(found.rows.empty());
  const Usage usage = context.accounting().snapshot();
  EXPECT_EQ(volume.committed()->metadata.object("rtree/p").root.empty(), false);
  EXPECT_LE(usage.count(RequestKind::get), 6U);
  const std::uint64_t lines = volume.committed()->metadata.object("points/p").length;
  EXPECT_LT(usage.bytes_fetched, lines / 4);
}

TEST(Points, ReplaceWhatIsThereOnlyIfAsked) {
  std::mt19937_64 random(4);
  const Store store = make_dataset();
  const em::Particles first = random_particles(30, random);
  const em::Particles second = random_particles(20, random);
  add_points(Volume::open(store), "a", first, false);
  add_points(Volume::open(store), "b", first, false);
  EXPECT_EQ(error_of([&] { add_points(Volume::open(store), "a", second, false); }).code(),
            Errc::already_exists);
  EXPECT_EQ(lines_of(all_points(Volume::open(store), "a")), lines_of(first));
  const std::uint64_t size = Volume::open(store).committed()->metadata.storage.total_size;
  add_points(Volume::open(store), "a", second, true);
  const Volume volume = Volume::open(store);
  EXPECT_EQ(lines_of(all_points(volume, "a")), lines_of(second));
  EXPECT_EQ(lines_of(all_points(volume, "b")), lines_of(first));
  EXPECT_THAT(points_names(volume), ElementsAre("a", "b"));
  EXPECT_LT(volume.committed()->metadata.storage.total_size, size);
  // Three objects of the old set are nobody's now.
  const auto dataset = query::open_dataset(store);
  EXPECT_EQ(query::find_orphans(dataset).size(), 3U);
}

TEST(Points, TwoWritersOneWins) {
  std::mt19937_64 random(5);
  const Store store = make_dataset();
  const Volume early = Volume::open(store);
  const em::Particles particles = random_particles(10, random);
  add_points(Volume::open(store), "first", particles, false);
  EXPECT_EQ(error_of([&] { add_points(early, "second", particles, false); }).code(),
            Errc::precondition_failed);
  EXPECT_THAT(points_names(Volume::open(store)), ElementsAre("first"));
  const auto dataset = query::open_dataset(store);
  EXPECT_THAT(query::find_orphans(dataset), IsEmpty());
}

TEST(Points, AFaultChangesNothing) {
  std::mt19937_64 random(6);
  const em::Particles particles = random_particles(10, random);
  for (std::uint64_t nth = 1;; ++nth) {
    ASSERT_LT(nth, 50U);
    const Store inner = make_dataset();
    const Volume before = Volume::open(inner);
    const storage::Faulty faulty = storage::make_faulty(inner, {.nth = nth});
    try {
      add_points(Volume::open(faulty.storage), "p", particles, false);
      EXPECT_EQ(lines_of(all_points(Volume::open(inner), "p")), lines_of(particles));
      if (faulty.calls->load() < nth) break;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::unavailable);
      EXPECT_THAT(points_names(Volume::open(inner)), IsEmpty());
    }
  }
}

TEST(Points, EveryFlippedBitIsFound) {
  std::mt19937_64 random(7);
  const Store store = make_dataset();
  add_points(Volume::open(store), "p", random_particles(40, random), false);
  const Volume volume = Volume::open(store);
  for (const char* const name : {"points/p", "rtree/p"}) {
    const metadata::ObjectInfo& object = volume.committed()->metadata.object(name);
    Buffer bytes = std::move(store->read_all(object.path, std::uint64_t{1} << 20).bytes);
    const bool is_carried = bytes.size() == object.root.size();  // then it is not read
    for (std::size_t i = 0; i < bytes.size() && !is_carried; i += 5) {
      bytes.span()[i] ^= std::byte{4};
      store->put(object.path, bytes);
      EXPECT_EQ(error_of([&] { (void)all_points(volume, "p"); }).code(), Errc::corrupt_data)
          << name << " byte " << i;
      bytes.span()[i] ^= std::byte{4};
    }
    store->put(object.path, bytes);
  }
  EXPECT_EQ(all_points(volume, "p").rows.size(), 40U);
}

TEST(Points, WhatCannotBeIsRefused) {
  std::mt19937_64 random(8);
  const Store store = make_dataset();
  const Volume volume = Volume::open(store);
  const em::Particles particles = random_particles(1, random);
  for (const char* const name : {"", ".hidden", "a/b", "a b", "\xc3\xa4"}) {
    EXPECT_EQ(error_of([&] { add_points(volume, name, particles, false); }).code(),
              Errc::invalid_argument)
        << name;
  }
  EXPECT_EQ(error_of([&] { add_points(volume, std::string(65, 'a'), particles, false); }).code(),
            Errc::invalid_argument);
  const Error error = error_of([&] { (void)all_points(volume, "p"); });
  EXPECT_EQ(error.code(), Errc::not_found);
  EXPECT_THAT(error.what(), HasSubstr("there are no points 'p'"));
}

TEST(PointsCoding, WhatIsForgedIsRefused) {
  const em::Particle particle{{1, 2, 3}, "TS", "a line"};
  const std::vector<const em::Particle*> rows{&particle};
  const Buffer block = encode_points(rows);
  for (std::size_t size = 0; size < block.size(); ++size) {
    EXPECT_EQ(error_of([&] { (void)decode_points(block.span().first(size), "t"); }).code(),
              Errc::corrupt_data);
  }
  em::Particles list;
  list.columns = {"rlnCoordinateX"};
  list.preamble = "data_\n";
  const Buffer header = encode_points_header(list);
  EXPECT_EQ(decode_points_header(header, "t").columns, list.columns);
  for (std::size_t size = 0; size < header.size(); ++size) {
    const Error error =
        error_of([&] { (void)decode_points_header(header.span().first(size), "t"); });
    EXPECT_EQ(error.code(), Errc::corrupt_data);
  }
  Buffer later = Buffer::copy_of(header);
  later.span()[0] = std::byte{2};
  EXPECT_EQ(error_of([&] { (void)decode_points_header(later, "t"); }).code(), Errc::unsupported);
}

}  // namespace
}  // namespace cnf::cryoem
