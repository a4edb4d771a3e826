// SPDX-License-Identifier: Apache-2.0

// Saved trees that somebody damaged, or made to do harm: with right checksums, as an attacker
// would.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/index/btree.h"
#include "cnf/core/index/btree_internal.h"  // IWYU pragma: keep: decode_page needs the codec
#include "cnf/core/index/interval.h"
#include "cnf/core/index/interval_internal.h"
#include "cnf/core/index/page_content_internal.h"
#include "cnf/core/index/page_internal.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/index/tree_testing_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"

namespace cnf::index {
namespace {

using testing::AddedRow;
using testing::build;
using testing::error_of;
using ::testing::HasSubstr;
using testing::pairs_of;
using testing::Saved;
using testing::scan;

using Pairs = testing::Pairs<IntervalTraits>;
using Inner = InnerPage<IntervalTraits>;
using Leaf = LeafPage<IntervalTraits>;

// What a reader who has only these bytes makes of them: all rows, and the answer to a query.
struct Answer {
  Pairs all;
  Pairs some;
  std::vector<std::uint64_t> sums;
  bool operator==(const Answer&) const = default;
};
Answer read(ByteSpan saved, ByteSpan root) {
  const IntervalTree tree(memory_pages(Buffer::copy_of(saved), "test"), root);
  return {scan(tree), pairs_of<IntervalTraits>(tree.find({{1, 30, 60}}, {})), tree.sums()};
}

Saved three_levels() {
  std::vector<AddedRow<IntervalTraits>> rows;
  for (std::uint32_t i = 0; i < 60; ++i) rows.push_back({{i / 20, i, i + 7}, {i, i % 3}});
  return build<IntervalTraits>({.page_rows = 4, .page_children = 4, .columns = 2}, rows);
}

TEST(HostileTree, EveryFlippedBitIsFoundOrDoesNotMatter) {
  Saved saved = three_levels();
  const Answer right = read(saved.bytes, saved.bytes);
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < saved.bytes.size() * 8; ++bit) {
    const auto mask = static_cast<std::byte>(1U << (bit % 8));
    saved.bytes.span()[bit / 8] ^= mask;
    for (const ByteSpan root : {saved.bytes.span(), saved.info.root.span()}) {
      try {
        EXPECT_EQ(read(saved.bytes, root), right) << "bit " << bit;
      } catch (const Error& error) {
        ASSERT_EQ(error.code(), Errc::corrupt_data) << error.what();
        ++refused;
      }
    }
    saved.bytes.span()[bit / 8] ^= mask;
  }
  const std::size_t carried = saved.info.root.size() * 8;  // not read from the object then
  EXPECT_EQ(refused, saved.bytes.size() * 8 * 2 - carried);
}

TEST(HostileTree, EveryFlippedBitOfACarriedRootIsFound) {
  Saved saved = three_levels();
  for (std::size_t bit = 0; bit < saved.info.root.size() * 8; ++bit) {
    const auto mask = static_cast<std::byte>(1U << (bit % 8));
    saved.info.root.span()[bit / 8] ^= mask;
    EXPECT_EQ(error_of([&] { return read(saved.bytes, saved.info.root); }).code(),
              Errc::corrupt_data)
        << "bit " << bit;
    saved.info.root.span()[bit / 8] ^= mask;
  }
}

TEST(HostileTree, EveryTruncationIsFound) {
  const Saved saved = three_levels();
  for (std::size_t size = 0; size < saved.bytes.size(); ++size) {
    const ByteSpan head = saved.bytes.span().first(size);
    EXPECT_EQ(error_of([&] { return read(head, head); }).code(), Errc::corrupt_data) << size;
    const std::size_t pages = saved.bytes.size() - saved.info.root.size();
    if (size < pages) {
      EXPECT_EQ(error_of([&] { return read(head, saved.info.root); }).code(), Errc::corrupt_data)
          << size;
    }
  }
}

// Whatever bytes stand in a page whose checksum is right, decoding ends in a page or in an Error.
TEST(HostileTree, RandomPagesDoNoHarm) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  const Saved saved = three_levels();
  const Trailer trailer = get_trailer(saved.bytes, "test");
  const Buffer root = unpack_page(root_page(trailer, saved.bytes, "test"), "test");
  std::size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    Buffer raw = Buffer::copy_of(root);
    for (std::uint64_t flips = 1 + random() % 4; flips > 0; --flips) {
      raw.span()[random() % raw.size()] = static_cast<std::byte>(random());
    }
    raw.resize(raw.size() - (random() % 4 == 0 ? random() % raw.size() : 0));
    Buffer bytes = Buffer::copy_of(saved.bytes.span().first(trailer.root_offset));
    const Buffer stored = pack_page(raw);
    bytes.append(stored);
    put_trailer({.root_offset = trailer.root_offset,
                 .root_length = static_cast<std::uint32_t>(stored.size()),
                 .root_crc32c = crc32c(stored),
                 .shape = trailer.shape},
                bytes);
    try {
      static_cast<void>(read(bytes, bytes));
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), Errc::corrupt_data) << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, 10'000U);
}

constexpr TreeShape kNoColumns{.kind = TreeKind::interval, .columns = 0, .summed = 0};

// A saved tree put together by hand.
class Forge {
 public:
  Child<IntervalTraits> leaf(const std::vector<Interval>& keys) {
    const Leaf page{.keys = keys, .columns = {}};
    return add(encode_page(page), summarize(page, 0));
  }
  Child<IntervalTraits> inner(const Inner& page) {
    return add(encode_page(page, 0), summarize(page, 0));
  }
  /// The whole of it, with `page` for its root.
  Buffer with_root(const Inner& page) { return with_root(encode_page(page, 0)); }
  Buffer with_root(ByteSpan raw, TreeShape shape = kNoColumns) {
    const Buffer stored = pack_page(raw);
    const std::uint64_t offset = bytes_.size();
    bytes_.append(stored);
    put_trailer({.root_offset = offset,
                 .root_length = static_cast<std::uint32_t>(stored.size()),
                 .root_crc32c = crc32c(stored),
                 .shape = shape},
                bytes_);
    return std::move(bytes_);
  }

 private:
  Child<IntervalTraits> add(const Buffer& raw, const Summary<IntervalTraits>& summary) {
    const Buffer stored = pack_page(raw);
    Child<IntervalTraits> child{.bounds = summary.bounds,
                                .offset = bytes_.size(),
                                .length = stored.size(),
                                .crc32c = crc32c(stored),
                                .rows = summary.rows,
                                .sums = {}};
    bytes_.append(stored);
    return child;
  }

  Buffer bytes_;
};

TEST(HostileTree, MoreColumnsThanARowMayHaveAreRefusedByTheTrailer) {
  Buffer raw;
  ByteWriter out(raw);
  out.put(std::uint8_t{0});
  out.put_varint(0);
  for (std::size_t i = 0; i <= kMaxColumns; ++i) out.put(std::uint8_t{0});
  for (const std::size_t columns : {kMaxColumns, kMaxColumns + 1}) {
    const Buffer bytes =
        Forge().with_root(raw.span().first(2 + columns),
                          {.kind = TreeKind::interval, .columns = columns, .summed = 0});
    const auto opened = [&] { return IntervalTree(memory_pages({}, "forged"), bytes).columns(); };
    if (columns == kMaxColumns) {
      EXPECT_EQ(opened(), kMaxColumns);
    } else {
      EXPECT_EQ(error_of(opened).code(), Errc::corrupt_data);
    }
  }
}

Inner inner_of(std::vector<Child<IntervalTraits>> children, unsigned level = 1) {
  return {.level = level, .children = std::move(children)};
}

void expect_refused(const Buffer& bytes, std::string_view why) {
  const Error error = error_of([&] { return read(bytes, bytes); });
  EXPECT_EQ(error.code(), Errc::corrupt_data) << why;
  EXPECT_THAT(error.what(), HasSubstr(std::string(why)));
}

TEST(HostileTree, AForgedTreeThatIsRightIsRead) {
  Forge forge;
  auto first = forge.leaf({{1, 10, 20}, {1, 30, 40}});
  auto second = forge.leaf({{1, 50, 60}});
  const Buffer bytes = forge.with_root(inner_of({first, second}));
  EXPECT_EQ(read(bytes, bytes).all.size(), 3U);
  EXPECT_EQ(read(bytes, bytes).some.size(), 2U);
}

struct LieCase {
  std::string_view why;
  std::function<void(Child<IntervalTraits>& first, Child<IntervalTraits>& second)> lie;
};
TEST(HostileTree, AParentThatLies) {
  const LieCase cases[] = {
      {"not what its parent says", [](auto& first, auto&) { first.rows += 1; }},
      {"not what its parent says", [](auto& first, auto&) { first.bounds.max_end += 1; }},
      {"not what its parent says", [](auto&, auto& second) { second.bounds.first.start -= 1; }},
      {"impossible number of rows", [](auto& first, auto&) { first.rows = 0; }},
      {"impossible number of rows",
       [](auto& first, auto& second) {
         first.rows = ~0ULL;
         second.rows = 2;
       }},
      {"crc32c", [](auto& first, auto&) { first.crc32c ^= 1; }},
      {"crc32c", [](auto& first, auto&) { first.length -= 1; }},
      {"beyond 32 bits", [](auto& first, auto&) { first.bounds.first.sequence = 2; }},
      {"not in order", [](auto&, auto& second) { second.bounds.first.start = 0; }},
      {"not in order", [](auto& first, auto&) { first.bounds.max_end = first.bounds.last.start; }},
      {"not lie before its parent", [](auto&, auto& second) { second.offset += 1'000; }},
      {"not lie before its parent", [](auto&, auto& second) { second.offset = ~0ULL - 5; }},
      {"not lie before its parent", [](auto&, auto& second) { second.offset -= 1; }},
      {"a child page of 0 bytes", [](auto& first, auto&) { first.length = 0; }},
      {"a child page of 2097152 bytes", [](auto& first, auto&) { first.length = 1U << 21U; }},
  };
  for (const auto& row : cases) {
    Forge forge;
    auto first = forge.leaf({{1, 10, 20}, {1, 30, 40}});
    auto second = forge.leaf({{1, 50, 60}});
    row.lie(first, second);
    expect_refused(forge.with_root(inner_of({first, second})), row.why);
  }
}

TEST(HostileTree, APageThatIsItsOwnChild) {
  Forge forge;
  auto leaf = forge.leaf({{1, 10, 20}});
  leaf.length += 40;  // reaches into its parent
  expect_refused(forge.with_root(inner_of({leaf})), "not lie before its parent");
}

TEST(HostileTree, CousinsThatShareAPage) {
  Forge forge;
  const auto leaf = forge.leaf({{1, 10, 20}});
  const auto left = forge.inner(inner_of({leaf}));
  const auto right = forge.inner(inner_of({leaf}));
  const Buffer bytes = forge.with_root(inner_of({left, right}, 2));
  const IntervalTree tree(memory_pages(Buffer::copy_of(bytes), "test"), bytes);
  const Error found = error_of([&] { return tree.find({{1, 0, 100}}, {}); });
  EXPECT_THAT(found.what(), HasSubstr("named twice"));
  EXPECT_THAT(error_of([&] { return scan(tree); }).what(), HasSubstr("named twice"));
}

TEST(HostileTree, LevelsThatDoNotDescend) {
  for (const unsigned level : {2U, 5U, 31U}) {
    Forge forge;
    const auto leaf = forge.leaf({{1, 10, 20}});
    expect_refused(forge.with_root(inner_of({leaf}, level)), "not what its parent says");
  }
  Forge forge;
  const auto leaf = forge.leaf({{1, 10, 20}});
  expect_refused(forge.with_root(inner_of({leaf}, kMaxLevels)), "a page of level 32");
}

TEST(HostileTree, EmptyPagesBelowTheRoot) {
  Forge forge;
  auto leaf = forge.leaf({});
  leaf.rows = 1;
  leaf.bounds = {{0, 1}, {0, 1}, 2};
  expect_refused(forge.with_root(inner_of({leaf})), "not what its parent says");
  expect_refused(Forge().with_root(inner_of({})), "a page of 0 children");
}

struct RawCase {
  std::string_view why;
  std::function<void(ByteWriter&)> write;
  TreeShape shape = kNoColumns;
};
TEST(HostileTree, RawPages) {
  const RawCase cases[] = {
      {"2^60_rows", [](ByteWriter& out) { out.put(std::uint8_t{0}), out.put_varint(1ULL << 60); }},
      {"2^60_children",
       [](ByteWriter& out) { out.put(std::uint8_t{1}), out.put_varint(1ULL << 60); }},
      {"a_million_rows_in_a_bomb",
       [](ByteWriter& out) {
         out.put(std::uint8_t{0});
         out.put_varint(300'000);
         for (int i = 0; i < 900'000; ++i) out.put(std::uint8_t{0});
       }},
      {"a_hundred_thousand_children_in_a_bomb",
       [](ByteWriter& out) {
         out.put(std::uint8_t{1});
         out.put_varint(80'000);
         for (int i = 0; i < 1'000'000; ++i) out.put(std::uint8_t{0});
       }},
      {"rows_for_keys_but_not_for_columns",
       [](ByteWriter& out) {
         out.put(std::uint8_t{0});
         out.put_varint(10);
         for (int i = 0; i < 30; ++i) out.put(std::uint8_t{0});
       },
       {.kind = TreeKind::interval, .columns = 16'384, .summed = 0}},
      {"bytes_behind_the_end",
       [](ByteWriter& out) { out.put(std::uint8_t{0}), out.put_varint(0), out.put('x'); }},
      {"nothing", [](ByteWriter&) {}},
      {"sequence_beyond_32_bits",
       [](ByteWriter& out) {
         out.put(std::uint8_t{0}), out.put_varint(1), out.put_varint(1ULL << 32);
         out.put_zigzag(1), out.put_varint(1);
       }},
      {"an_end_beyond_64_bits",
       [](ByteWriter& out) {
         out.put(std::uint8_t{0}), out.put_varint(1), out.put_varint(0);
         out.put_zigzag(5), out.put_varint(~0ULL >> 1);
       }},
      {"starts_that_descend",
       [](ByteWriter& out) {
         out.put(std::uint8_t{0}), out.put_varint(2), out.put_varint(0), out.put_varint(0);
         out.put_zigzag(5), out.put_zigzag(-1), out.put_varint(1), out.put_varint(1);
       }},
  };
  for (const auto& row : cases) {
    Buffer raw;
    ByteWriter out(raw);
    row.write(out);
    const Buffer bytes = Forge().with_root(raw, row.shape);
    EXPECT_EQ(error_of([&] { return read(bytes, bytes); }).code(), Errc::corrupt_data) << row.why;
  }
}

TEST(HostileTree, PagesThatGrowWithoutEnd) {
  Buffer raw(kMaxPageBytes + 1);
  for (std::byte& byte : raw.span()) byte = std::byte{0};
  expect_refused(Forge().with_root(raw), "a page of 1048577 bytes");
}

TEST(HostileTree, KeysThatShareWithoutEnd) {
  Buffer raw;
  ByteWriter out(raw);
  out.put(std::uint8_t{0});
  out.put_varint(10'000);
  out.put_varint(0);
  for (int i = 1; i < 10'000; ++i) out.put_varint(4'000);
  out.put_varint(4'000);
  for (int i = 1; i < 10'000; ++i) out.put_varint(0);
  out.put_bytes(as_bytes(std::string(4'000, 'k')));
  const Buffer bytes = Forge().with_root(raw, {.kind = TreeKind::btree, .columns = 0, .summed = 0});
  EXPECT_THAT(error_of([&] { return BTree(memory_pages({}, "test"), bytes); }).what(),
              HasSubstr("keys that are longer than a page"));
}

TEST(HostileTree, KeysOfABTreeOutOfOrder) {
  const LeafPage<BTreeTraits> page{.keys = {"b", "a"}, .columns = {}};
  const Buffer bytes =
      Forge().with_root(encode_page(page), {.kind = TreeKind::btree, .columns = 0, .summed = 0});
  EXPECT_THAT(error_of([&] { return BTree(memory_pages({}, "test"), bytes); }).what(),
              HasSubstr("not in order"));
}

TEST(HostileTree, ATrailerFromTheFuture) {
  Saved saved = three_levels();
  const MutableByteSpan trailer = saved.bytes.span().last(kTrailerBytes);
  trailer[21] = std::byte{2};  // version
  const std::uint32_t crc = crc32c(trailer.first(24));
  std::memcpy(trailer.data() + 24, &crc, sizeof(crc));
  const Error error = error_of([&] { return read(saved.bytes, saved.bytes); });
  EXPECT_EQ(error.code(), Errc::unsupported);
  EXPECT_THAT(error.what(), HasSubstr("use a newer version of cnf"));
}

TEST(HostileTree, ErrorsNameTheObjectAndTheOffset) {
  Saved saved = three_levels();
  saved.bytes.span()[0] ^= std::byte{1};
  const IntervalTree tree(memory_pages(Buffer::copy_of(saved.bytes), "s3://b/d/_index/t.idx"),
                          saved.info.root);
  EXPECT_EQ(error_of([&] { return scan(tree); }).subject(), "s3://b/d/_index/t.idx@0");
}

}  // namespace
}  // namespace cnf::index
