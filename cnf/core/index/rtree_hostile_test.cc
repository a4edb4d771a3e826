// SPDX-License-Identifier: Apache-2.0

// Saved R-trees that somebody damaged, or made to do harm: with right checksums, as an attacker
// would. What all kinds of trees have in common is in hostile_test.cc.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/index/page_content_internal.h"
#include "cnf/core/index/page_internal.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/index/rtree.h"
#include "cnf/core/index/rtree_internal.h"
#include "cnf/core/index/tree_testing_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"

namespace cnf::index {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::pairs_of;
using testing::Saved;
using testing::scan;

using Pairs = testing::Pairs<RTreeTraits>;

struct Answer {
  Pairs all;
  Pairs some;
  bool operator==(const Answer&) const = default;
};
Answer read(ByteSpan saved) {
  const RTree tree(memory_pages(Buffer::copy_of(saved), "test"), saved);
  return {scan(tree), pairs_of<RTreeTraits>(tree.find({{{2, 2, 2}, {30, 30, 30}}}, {}))};
}

// Three levels; leaves of points and leaves of boxes.
Saved sample() {
  std::vector<testing::AddedRow<RTreeTraits>> rows;
  for (std::uint64_t i = 0; i < 60; ++i) {
    const auto at = static_cast<double>(i);
    const double side = i < 30 ? 0 : 2.5;
    rows.push_back({{{at, at / 2, at}, {at + side, at / 2, at}}, {i}});
  }
  return testing::build<RTreeTraits>({.page_rows = 4, .page_children = 4, .columns = 1}, rows);
}

TEST(HostileRTree, EveryFlippedBitIsFound) {
  Saved saved = sample();
  ASSERT_EQ(read(saved.bytes).all.size(), 60U);
  for (std::size_t bit = 0; bit < saved.bytes.size() * 8; ++bit) {
    const auto mask = static_cast<std::byte>(1U << (bit % 8));
    saved.bytes.span()[bit / 8] ^= mask;
    EXPECT_EQ(error_of([&] { return read(saved.bytes); }).code(), Errc::corrupt_data) << bit;
    saved.bytes.span()[bit / 8] ^= mask;
  }
}

Buffer with_root(Buffer before, const Buffer& raw, std::size_t columns) {
  const Buffer stored = pack_page(raw);
  const std::uint64_t offset = before.size();
  before.append(stored);
  put_trailer({.root_offset = offset,
               .root_length = static_cast<std::uint32_t>(stored.size()),
               .root_crc32c = crc32c(stored),
               .shape = {.kind = TreeKind::rtree, .columns = columns, .summed = 0}},
              before);
  return before;
}

TEST(HostileRTree, RandomPagesDoNoHarm) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  const Saved saved = sample();
  const Trailer trailer = get_trailer(saved.bytes, "test");
  const Buffer root = unpack_page(root_page(trailer, saved.bytes, "test"), "test");
  std::size_t refused = 0;
  for (int round = 0; round < 5'000; ++round) {
    Buffer raw = Buffer::copy_of(root);
    for (std::uint64_t flips = 1 + random() % 4; flips > 0; --flips) {
      raw.span()[random() % raw.size()] = static_cast<std::byte>(random());
    }
    raw.resize(raw.size() - (random() % 4 == 0 ? random() % raw.size() : 0));
    const Buffer bytes = with_root(Buffer::copy_of(saved.bytes.span().first(trailer.root_offset)),
                                   raw, trailer.shape.columns);
    try {
      static_cast<void>(read(bytes));
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), Errc::corrupt_data) << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, 3'000U);
}

struct RawCase {
  std::string_view why;
  std::function<void(ByteWriter&)> write;
};
void put_axis(ByteWriter& out, double low, std::uint8_t highs, double high) {
  out.put(low);
  out.put(highs);
  if (highs == 1) out.put(high);
}
TEST(HostileRTree, LeavesThatHoldNoBoxes) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto leaf = [](double low, std::uint8_t highs, double high) {
    return [=](ByteWriter& out) {
      out.put(std::uint8_t{0});
      out.put_varint(1);
      put_axis(out, 1, 0, 1);
      put_axis(out, low, highs, high);
      put_axis(out, 3, 1, 4);
    };
  };
  const RawCase cases[] = {
      {"a box that is none", leaf(kNan, 0, 0)},
      {"a box that is none", leaf(1, 1, kNan)},
      {"a box that is none", leaf(1, 1, 0.5)},
      {"a box that is none", leaf(-kInfinity, 1, kInfinity)},
      {"boxes of an unknown coding", leaf(1, 2, 0)},
      {"a count of 1",
       [](ByteWriter& out) { out.put(std::uint8_t{0}), out.put_varint(1), out.put(1.0); }},
  };
  for (const auto& row : cases) {
    Buffer raw;
    ByteWriter out(raw);
    row.write(out);
    const Error error = error_of([&] { return read(with_root({}, raw, 0)); });
    EXPECT_EQ(error.code(), Errc::corrupt_data) << row.why;
    EXPECT_THAT(error.what(), HasSubstr(std::string(row.why)));
  }
  Buffer sound;
  ByteWriter out(sound);
  leaf(1, 1, 1.5)(out);
  EXPECT_EQ(read(with_root({}, sound, 0)).all.size(), 1U);
}

TEST(HostileRTree, AParentThatLiesAboutBounds) {
  const LeafPage<RTreeTraits> leaf{.keys = {{{1, 1, 1}, {2, 2, 2}}}, .columns = {}};
  const Buffer stored = pack_page(encode_page(leaf));
  const Child<RTreeTraits> child{.bounds = summarize(leaf, 0).bounds,
                                 .offset = 0,
                                 .length = stored.size(),
                                 .crc32c = crc32c(stored),
                                 .rows = 1,
                                 .sums = {}};
  const auto read_with = [&](const Child<RTreeTraits>& told) {
    const InnerPage<RTreeTraits> root{.level = 1, .children = {told}};
    return read(with_root(Buffer::copy_of(stored), encode_page(root, 0), 0));
  };
  EXPECT_EQ(read_with(child).all.size(), 1U);
  Child<RTreeTraits> wide = child;
  wide.bounds.box.high[1] = 2.5;
  EXPECT_THAT(error_of([&] { return read_with(wide); }).what(),
              HasSubstr("not what its parent says"));
  Child<RTreeTraits> none = child;
  none.bounds.box.high[2] = 0;
  EXPECT_THAT(error_of([&] { return read_with(none); }).what(),
              HasSubstr("bounds of a child that are no box"));
}

}  // namespace
}  // namespace cnf::index
