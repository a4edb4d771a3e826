// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/index/paged_tree.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/index/btree.h"
#include "cnf/core/index/interval.h"
#include "cnf/core/index/tree_testing_internal.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::index {
namespace {

using testing::AddedRow;
using testing::build;
using testing::counting_pages;
using testing::error_of;
using testing::pairs_of;
using testing::Saved;
using testing::scan;

using Rows = std::vector<AddedRow<IntervalTraits>>;

// Row groups of an alignment: where they lie, what they hold. Counters vary by about a percent.
Rows row_groups(std::size_t count, std::size_t columns) {
  std::mt19937_64 random(count);
  Rows rows(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto start = static_cast<std::int64_t>(i * 50'000 + random() % 10'000);
    rows[i].key = {static_cast<std::uint32_t>(i * 24 / count), start, start + 55'000};
    rows[i].columns.resize(columns);
    for (std::size_t c = 0; c < columns; ++c) {
      rows[i].columns[c] = c % 3 == 0 ? 0 : 16'000 / c + random() % 160;  // a third is always zero
    }
  }
  std::ranges::stable_sort(
      rows, {}, [](const auto& row) { return std::pair(row.key.sequence, row.key.start); });
  return rows;
}

TEST(Tree, APointQueryOnAHundredThousandRowsIsOneRoundTrip) {
  const Rows rows = row_groups(100'000, 8);
  const Saved saved = build<IntervalTraits>({.columns = 8}, rows);
  const auto pages = counting_pages(saved);
  const IntervalTree tree(pages, saved.info.root);
  EXPECT_EQ(pages->reads, 0U) << "the root is carried";
  EXPECT_EQ(tree.levels(), 2U);

  const Interval point{rows[70'000].key.sequence, rows[70'000].key.start,
                       rows[70'000].key.start + 1};
  EXPECT_GE(tree.find({point}, {}).size(), 1U);
  EXPECT_EQ(pages->reads, 1U);
  EXPECT_LE(pages->pages, 2U);
}

TEST(Tree, ManyIntervalsAreStillOneRoundTrip) {
  const Rows rows = row_groups(100'000, 2);
  const Saved saved = build<IntervalTraits>({.columns = 2}, rows);
  const auto pages = counting_pages(saved);
  const IntervalTree tree(pages, saved.info.root);
  std::vector<Interval> query;
  for (std::size_t i = 0; i < rows.size(); i += 1'000) query.push_back(rows[i].key);
  EXPECT_GE(tree.find(query, {}).size(), 100U);
  EXPECT_EQ(pages->reads, 1U);
}

struct RootCase {
  std::size_t rows;
  std::size_t columns;
  std::size_t summed;
  unsigned levels;
  std::size_t root_bytes;
};
// 50,000 row groups are a 30-fold human genome.
constexpr RootCase kRootCases[] = {
    {50'000, 0, 0, 2, 2'048},     {50'000, 8, 8, 2, 4'096},
    {50'000, 30, 30, 2, 8'192},   {50'000, 30, 8, 2, 4'096},
    {100'000, 30, 30, 2, 16'384}, {512, 4, 4, 1, 16'384},
    {513, 4, 4, 2, 256},          {0, 4, 4, 1, 64},
};
TEST(TreeBuilder, RootsStaySmall) {
  for (const auto& row : kRootCases) {
    const Saved saved = build<IntervalTraits>({.columns = row.columns, .summed = row.summed},
                                              row_groups(row.rows, row.columns));
    const IntervalTree tree(counting_pages(saved), saved.info.root);
    EXPECT_EQ(tree.levels(), row.levels) << row.rows << " rows, " << row.columns << " columns";
    EXPECT_LE(saved.info.root.size(), row.root_bytes)
        << row.rows << " rows, " << row.columns << " columns, " << row.summed << " summed";
  }
}

TEST(TreeBuilder, TellsWhatItWrote) {
  const Saved saved = build<IntervalTraits>({.page_rows = 10, .columns = 2}, row_groups(1'000, 2));
  EXPECT_EQ(saved.info.rows, 1'000U);
  EXPECT_EQ(saved.info.bytes, saved.bytes.size());
  EXPECT_EQ(saved.info.crc32c, crc32c(saved.bytes));
  EXPECT_EQ(as_text(saved.info.root),
            as_text(saved.bytes).substr(saved.bytes.size() - saved.info.root.size()));
}

TEST(TreeBuilder, TheSameRowsGiveTheSameBytes) {
  const Rows rows = row_groups(5'000, 5);
  EXPECT_EQ(as_text(build<IntervalTraits>({.columns = 5}, rows).bytes),
            as_text(build<IntervalTraits>({.columns = 5}, rows).bytes));
}

TEST(TreeBuilder, RefusesOptionsOutOfRange) {
  const TreeOptions bad[] = {{.page_rows = 0},
                             {.page_rows = 100'000},
                             {.page_children = 1},
                             {.page_children = 0},
                             {.columns = 20'000}};
  for (const TreeOptions& options : bad) {
    EXPECT_EQ(error_of([&] { return build<IntervalTraits>(options, {}); }).code(),
              Errc::invalid_argument);
  }
  EXPECT_EQ(error_of([&] {
              return build<IntervalTraits>({.columns = 2}, {{{}, {1}}});
            }).code(),
            Errc::invalid_argument);
}

// Each boundary at which a page or a level is closed.
TEST(Tree, EveryNumberOfRows) {
  for (std::size_t count = 0; count < 200; ++count) {
    const Rows rows = row_groups(count, 2);
    const TreeOptions options{.page_rows = 3, .page_children = 3, .columns = 2};
    const Saved saved = build<IntervalTraits>(options, rows);
    const IntervalTree tree(counting_pages(saved), saved.info.root);
    ASSERT_EQ(scan(tree), pairs_of<IntervalTraits>(rows)) << count;
    ASSERT_EQ(tree.rows(), count);
    unsigned levels = 1;
    for (std::size_t pages = (count + 2) / 3; pages > 1; pages = (pages + 2) / 3) ++levels;
    ASSERT_EQ(tree.levels(), levels) << count << ": no level more than needed";
  }
}

TEST(Tree, SumsAreToldWithoutReading) {
  const Rows rows = row_groups(3'000, 4);
  const Saved saved = build<IntervalTraits>({.page_rows = 50, .columns = 4, .summed = 3}, rows);
  const auto pages = counting_pages(saved);
  const IntervalTree tree(pages, saved.info.root);
  std::vector<std::uint64_t> expected(3);
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < 3; ++c) expected[c] += row.columns[c];
  }
  EXPECT_EQ(tree.sums(), expected);
  EXPECT_EQ(tree.rows(), 3'000U);
  EXPECT_EQ(tree.columns(), 4U);
  EXPECT_EQ(pages->reads, 0U);
}

TEST(Tree, ColumnsHoldAllOf64Bits) {
  std::mt19937_64 random(5);
  Rows rows(700);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] = {{0, static_cast<std::int64_t>(i), static_cast<std::int64_t>(i)}, {random(), ~0ULL}};
  }
  const Saved saved = build<IntervalTraits>({.columns = 2}, rows);
  const IntervalTree tree(counting_pages(saved), saved.info.root);
  EXPECT_EQ(scan(tree), pairs_of<IntervalTraits>(rows));
  EXPECT_EQ(tree.sums()[1], 0 - std::uint64_t{700}) << "modulo 2^64";
}

TEST(Tree, WideRowsCloseAPageByItsBytes) {
  std::mt19937_64 random(6);
  Rows rows(100);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].key = {0, static_cast<std::int64_t>(i), static_cast<std::int64_t>(i) + 1};
    rows[i].columns.resize(16'384);
    for (auto& value : rows[i].columns) value = random();
  }
  const Saved saved = build<IntervalTraits>({.columns = 16'384, .summed = 0}, rows);
  const auto pages = counting_pages(saved);
  const IntervalTree tree(pages, saved.info.root);
  EXPECT_EQ(tree.find({{0, 50, 51}}, {}).at(0).columns, rows[50].columns);
  EXPECT_LE(pages->bytes, 300'000U);
}

TEST(Tree, RowsAreFoundByTheirPlace) {
  for (const std::size_t count : {0U, 1U, 7U, 2'000U}) {
    const Rows rows = row_groups(count, 2);
    const Saved saved =
        build<IntervalTraits>({.page_rows = 7, .page_children = 3, .columns = 2}, rows);
    const auto pages = counting_pages(saved);
    const IntervalTree tree(pages, saved.info.root);
    for (const std::size_t step : {1U, 3U, 500U, 5'000U}) {
      std::vector<std::uint64_t> places;
      Rows expected;
      for (std::size_t i = count % step; i < count; i += step) {
        places.push_back(i);
        expected.push_back(rows[i]);
      }
      pages->reads = 0;
      EXPECT_EQ(pairs_of<IntervalTraits>(tree.at(places, {})), pairs_of<IntervalTraits>(expected));
      EXPECT_LT(pages->reads, tree.levels() + 1U);
    }
    const std::vector<std::uint64_t> beyond = {count};
    EXPECT_EQ(error_of([&] { return tree.at(beyond, {}).size(); }).code(), Errc::invalid_argument);
  }
  const Saved saved = build<IntervalTraits>({.columns = 1}, row_groups(9, 1));
  const IntervalTree tree(counting_pages(saved), saved.info.root);
  const std::vector<std::uint64_t> twice = {3, 3};
  EXPECT_EQ(error_of([&] { return tree.at(twice, {}).size(); }).code(), Errc::invalid_argument);
}

TEST(Tree, AScanReadsEachPageOnceInFewRoundTrips) {
  const Rows rows = row_groups(20'000, 3);
  const Saved saved =
      build<IntervalTraits>({.page_rows = 20, .page_children = 50, .columns = 3}, rows);
  const auto pages = counting_pages(saved);
  const IntervalTree tree(pages, saved.info.root);
  EXPECT_EQ(tree.levels(), 3U);
  EXPECT_EQ(scan(tree), pairs_of<IntervalTraits>(rows));
  EXPECT_EQ(pages->bytes, saved.info.bytes - saved.info.root.size());
  EXPECT_EQ(pages->reads, 1U + 20U) << "one for the inner pages, one for each one's leaves";
}

TEST(Tree, ThreadsShareOne) {
  const Rows rows = row_groups(5'000, 2);
  const Saved saved = build<IntervalTraits>({.page_rows = 50, .columns = 2}, rows);
  const IntervalTree tree(counting_pages(saved), saved.info.root);
  std::vector<std::size_t> found(4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t& mine : found) {
      threads.emplace_back([&] { mine = tree.find({{3, 0, 1'000'000'000}}, {}).size(); });
    }
  }
  for (const std::size_t one : found) EXPECT_EQ(one, found[0]);
  EXPECT_GT(found[0], 0U);
}

TEST(Tree, StopsWhenItIsTold) {
  const Saved saved = build<IntervalTraits>({.page_rows = 5}, row_groups(100, 0));
  const IntervalTree tree(counting_pages(saved), saved.info.root);
  const std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(error_of([&] {
              return tree.find({{0, 0, 9'999'999}}, Context(stop.get_token()));
            }).code(),
            Errc::cancelled);
}

TEST(Tree, KindsAreNotMixedUp) {
  const Saved saved = build<IntervalTraits>({}, row_groups(10, 0));
  EXPECT_STREQ(error_of([&] { return BTree(counting_pages(saved), saved.info.root); }).what(),
               "read index memory:test/_index/t.idx: it is an interval tree, not a B+tree");
}

struct OpenCase {
  std::size_t rows;
  std::size_t columns;
  std::uint64_t to_open;
  std::uint64_t to_query;
};
// Opened from the object's tail; then a point query. Requests are those a remote store would count.
constexpr OpenCase kOpenCases[] = {
    {100'000, 8, 1, 1},   // root in the tail, one leaf
    {1'000, 2, 1, 0},     // all of it in the tail
    {0, 0, 1, 0},         // nothing
    {300'000, 30, 1, 2},  // three levels
};
TEST(TreeOnStorage, RequestsFromTheTail) {
  for (const auto& row : kOpenCases) {
    const Rows rows = row_groups(row.rows, row.columns);
    const auto store = storage::make_memory();
    store->put("_index/t.idx", build<IntervalTraits>({.columns = row.columns}, rows).bytes);
    const auto accounting = std::make_shared<Accounting>();
    const Context context = Context().with_accounting(accounting);

    const IntervalTree tree = IntervalTree::open(store, "_index/t.idx", context);
    EXPECT_EQ(accounting->snapshot().total_requests(), row.to_open) << row.rows;
    const std::vector<Interval> query{rows.empty() ? Interval{0, 1, 2} : rows[row.rows / 2].key};
    EXPECT_EQ(tree.find(query, context).empty(), rows.empty());
    EXPECT_EQ(accounting->snapshot().total_requests(), row.to_open + row.to_query) << row.rows;
  }
}

TEST(TreeOnStorage, ARootLongerThanTheGuessIsAskedForAgain) {
  std::mt19937_64 random(8);
  Rows rows(512);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].key = {0, static_cast<std::int64_t>(i), static_cast<std::int64_t>(i) + 1};
    for (int c = 0; c < 10; ++c) rows[i].columns.push_back(random());
  }
  const auto store = storage::make_memory();
  store->put("t", build<IntervalTraits>({.page_rows = 500, .columns = 10}, rows).bytes);
  const Saved one_page = build<IntervalTraits>({.columns = 10}, rows);
  ASSERT_GT(one_page.info.root.size(), 32'768U);
  store->put("big", one_page.bytes);
  const auto accounting = std::make_shared<Accounting>();
  const Context context = Context().with_accounting(accounting);
  const IntervalTree tree = IntervalTree::open(store, "big", context);
  EXPECT_EQ(scan(tree), pairs_of<IntervalTraits>(rows));
  EXPECT_EQ(accounting->snapshot().total_requests(), 2U);
}

TEST(TreeOnStorage, AbsentAndForeignObjects) {
  const auto store = storage::make_memory();
  store->put("text", as_bytes("this is no index, and long enough to hold a trailer"));
  store->put("short", as_bytes("short"));
  EXPECT_EQ(error_of([&] { return IntervalTree::open(store, "absent", {}); }).code(),
            Errc::not_found);
  for (const std::string key : {"text", "short"}) {
    const Error error = error_of([&] { return IntervalTree::open(store, key, {}); });
    EXPECT_EQ(error.code(), Errc::corrupt_data);
    EXPECT_THAT(error.what(), ::testing::HasSubstr(store->uri(key)));
  }
}

// An index that was replaced by a longer one behind our back is not taken for the old one.
TEST(TreeOnStorage, AnotherLengthThanTheTrailerSays) {
  const Saved saved = build<IntervalTraits>({.page_rows = 10}, row_groups(100, 0));
  Buffer longer = Buffer::copy_of(as_bytes("prefix"));
  longer.append(saved.bytes);
  const auto store = storage::make_memory();
  store->put("t", longer);
  EXPECT_EQ(error_of([&] { return IntervalTree::open(store, "t", {}); }).code(),
            Errc::corrupt_data);
}

}  // namespace
}  // namespace cnf::index
