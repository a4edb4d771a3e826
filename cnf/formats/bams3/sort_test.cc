// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <random>
#include <stop_token>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/sort_order_internal.h"
#include "cnf/formats/bams3/source.h"
#include "cnf/formats/bams3/test_records_internal.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::bams3 {
namespace {

// From everything in memory down to runs of one block each, merged on several levels.
constexpr std::uint64_t kMemories[] = {std::uint64_t{1} << 30, 300'000, 50'000, 1};

std::vector<TestRecord> random_records(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<TestRecord> records;
  for (std::size_t i = 0; i < count; ++i) {
    TestRecord record;
    record.ref = static_cast<std::int32_t>(random() % 3) - 1;
    record.pos =
        record.ref < 0 && random() % 2 == 0 ? -1 : static_cast<std::int32_t>(random() % 50);
    constexpr std::uint16_t kFlags[] = {0,
                                        flag::kReverse,
                                        flag::kRead1,
                                        flag::kRead2,
                                        flag::kReverse | flag::kRead1,
                                        flag::kUnmapped};
    record.flag = kFlags[random() % std::size(kFlags)];
    record.name = "q" + std::to_string(random() % 40) + (random() % 2 == 0 ? "x" : "");
    record.payload = std::to_string(i) + std::string(random() % 60, 'p');
    records.push_back(std::move(record));
  }
  return records;
}

// The order of `samtools sort` said a second way, with nothing of the implementation in it.
auto coordinate_of(const TestRecord& record) {
  const std::int64_t ref = record.ref < 0 ? std::numeric_limits<std::int64_t>::max() : record.ref;
  return std::tuple(ref, record.pos, (record.flag & flag::kReverse) != 0);
}

struct Sorted {
  std::string bytes;
  bool moved = false;
};
Sorted sort(const std::vector<TestRecord>& records, const SortOptions& options,
            bool trust_header = false, const std::string& header = "") {
  const auto source =
      sort_source(std::make_unique<TestSource>(records, header), options, trust_header, Context());
  std::string bytes = read_rest(*source);
  return {std::move(bytes), source->moved()};
}

TEST(Sort, CoordinateOrderIsStableAtEveryMemory) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const std::vector<TestRecord> records = random_records(5000, seed);
    std::vector<TestRecord> want = records;
    std::stable_sort(want.begin(), want.end(), [](const TestRecord& a, const TestRecord& b) {
      return coordinate_of(a) < coordinate_of(b);
    });
    for (const std::uint64_t memory : kMemories) {
      const Sorted got = sort(records, {.order = Order::coordinate, .memory = memory});
      EXPECT_TRUE(got.bytes == bytes_of(want)) << "seed " << seed << ", memory " << memory;
      EXPECT_TRUE(got.moved);
    }
  }
}

TEST(Sort, NameOrderIsStableAtEveryMemory) {
  const auto number = [](const TestRecord& record) { return std::stoi(record.name.substr(1)); };
  const std::vector<TestRecord> records = random_records(5000, 4);
  std::vector<TestRecord> want = records;
  std::stable_sort(want.begin(), want.end(), [&](const TestRecord& a, const TestRecord& b) {
    return std::tuple(number(a), a.name.back() == 'x', a.flag & 0xc0) <
           std::tuple(number(b), b.name.back() == 'x', b.flag & 0xc0);
  });
  for (const std::uint64_t memory : kMemories) {
    const Sorted got = sort(records, {.order = Order::name, .memory = memory});
    EXPECT_TRUE(got.bytes == bytes_of(want)) << "memory " << memory;
    EXPECT_TRUE(got.moved);
  }
  EXPECT_FALSE(sort(want, {.order = Order::name, .memory = 1}).moved);
}

// Ascending places, strands mixed: how many tools write what they call sorted.
std::vector<TestRecord> in_place(std::size_t count, std::uint64_t seed) {
  std::vector<TestRecord> records = random_records(count, seed);
  std::stable_sort(records.begin(), records.end(), [](const TestRecord& a, const TestRecord& b) {
    const auto [ref_a, pos_a, strand_a] = coordinate_of(a);
    const auto [ref_b, pos_b, strand_b] = coordinate_of(b);
    return std::tuple(ref_a, pos_a) < std::tuple(ref_b, pos_b);
  });
  return records;
}

TEST(Sort, WhatIsInPlaceIsLeftAsItIs) {
  const std::vector<TestRecord> records = in_place(5000, 5);
  for (const std::uint64_t memory : kMemories) {
    const Sorted got = sort(records, {.order = Order::coordinate, .memory = memory});
    EXPECT_TRUE(got.bytes == bytes_of(records)) << "memory " << memory;
    EXPECT_FALSE(got.moved);
  }
}

TEST(Sort, OneRecordOutOfPlaceAtTheEndSortsEverythingByStrandToo) {
  std::vector<TestRecord> records = in_place(5000, 6);
  std::rotate(records.begin(), records.begin() + 1, records.end());
  std::vector<TestRecord> want = records;
  std::stable_sort(want.begin(), want.end(), [](const TestRecord& a, const TestRecord& b) {
    return coordinate_of(a) < coordinate_of(b);
  });
  ASSERT_FALSE(bytes_of(want) == bytes_of(in_place(5000, 6)));
  for (const std::uint64_t memory : kMemories) {
    const Sorted got = sort(records, {.order = Order::coordinate, .memory = memory});
    EXPECT_TRUE(got.bytes == bytes_of(want)) << "memory " << memory;
    EXPECT_TRUE(got.moved);
  }
}

TEST(Sort, KeepsWhatIsToBeKept) {
  const std::vector<TestRecord> records = random_records(100, 7);
  const Sorted got =
      sort(records, {.order = Order::keep, .memory = 1}, true, "@HD\tVN:1.6\tSO:coordinate\n");
  EXPECT_EQ(got.bytes, bytes_of(records));
  EXPECT_FALSE(got.moved);
}

TEST(Sort, AnEmptySourceStaysEmpty) {
  for (const Order order : {Order::coordinate, Order::name, Order::keep}) {
    const Sorted got = sort({}, {.order = order, .memory = 1});
    EXPECT_EQ(got.bytes, "");
    EXPECT_FALSE(got.moved);
  }
}

TEST(Sort, ARecordLargerThanTheMemoryPasses) {
  std::vector<TestRecord> records;
  for (const int pos : {3, 1, 2}) {
    records.push_back({.ref = 0,
                       .pos = pos,
                       .flag = 0,
                       .name = "r",
                       .payload = std::string(100'000, static_cast<char>('a' + pos))});
  }
  const Sorted got = sort(records, {.order = Order::coordinate, .memory = 10'000});
  EXPECT_TRUE(got.bytes == bytes_of({records[1], records[2], records[0]}));
}

TEST(Sort, ADeclaredOrderStreamsThrough) {
  // Unplaced reads may stand in any order among themselves; strands too.
  const std::vector<TestRecord> records = {{.ref = 0, .pos = 5, .flag = flag::kReverse},
                                           {.ref = 0, .pos = 5},
                                           {.ref = 1, .pos = -1},
                                           {.ref = -1, .pos = 7},
                                           {.ref = -1, .pos = -1}};
  const auto source = sort_source(
      std::make_unique<TestSource>(records, "@HD\tVN:1.6\tSO:coordinate\n"), {}, true, Context());
  RecordBatch batch;
  ASSERT_TRUE(source->next(batch));
  EXPECT_EQ(batch[0].flag(), flag::kReverse);
  EXPECT_EQ(read_rest(*source).size() + batch.bytes(), bytes_of(records).size());
  EXPECT_FALSE(source->moved());
}

TEST(Sort, ADeclaredOrderThatDoesNotHoldIsAnErrorThatNamesTheRecord) {
  const std::vector<TestRecord> records = {{.ref = 0, .pos = 5}, {.ref = 0, .pos = 4}};
  const auto open = [&](bool trust_header) {
    return sort_source(std::make_unique<TestSource>(records, "@HD\tVN:1.6\tSO:coordinate\n"), {},
                       trust_header, Context());
  };
  try {
    (void)read_rest(*open(true));
    ADD_FAILURE() << "accepted";
  } catch (const NotInOrder& error) {
    EXPECT_EQ(error.code(), Errc::invalid_argument);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("input, record 2"));
  }
  EXPECT_EQ(read_rest(*open(false)), bytes_of({records[1], records[0]}));
}

TEST(Sort, NothingIsLeftInTheFolderForRunsNotEvenWhileItIsUsed) {
  const cnf::testing::TempDir folder;
  const auto source = sort_source(
      std::make_unique<TestSource>(random_records(5000, 8), ""),
      {.order = Order::coordinate, .memory = 50'000, .temporary = folder.path()}, false, Context());
  RecordBatch batch;
  ASSERT_TRUE(source->next(batch));  // by now, all runs are written
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Sort, AFolderForRunsThatIsNotThereIsNamed) {
  const cnf::testing::TempDir folder;
  try {
    (void)sort(random_records(5000, 9),
               {.order = Order::coordinate, .memory = 1, .temporary = folder.path() / "absent"});
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::not_found);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("absent"));
  }
}

// Asks for a stop after some records.
class StoppingSource final : public RecordSource {
 public:
  StoppingSource(std::unique_ptr<RecordSource> inner, std::size_t after, std::stop_source stop)
      : inner_(std::move(inner)), after_(after), stop_(std::move(stop)) {}
  const Header& header() const override { return inner_->header(); }
  bool next(RecordBatch& batch) override {
    if (after_-- == 0) stop_.request_stop();
    return inner_->next(batch);
  }

 private:
  std::unique_ptr<RecordSource> inner_;
  std::size_t after_;
  std::stop_source stop_;
};

TEST(Sort, AStopIsObeyedWhileReadingAndWhileMerging) {
  for (const std::size_t after : {100U, 5000U}) {
    const std::stop_source stop;
    const auto source = sort_source(
        std::make_unique<StoppingSource>(std::make_unique<TestSource>(random_records(5000, 10), ""),
                                         after, stop),
        {.order = Order::coordinate, .memory = 50'000}, false, Context(stop.get_token()));
    try {
      (void)read_rest(*source);
      ADD_FAILURE() << "went on";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::cancelled) << after;
    }
  }
}

struct NameCase {
  const char* a;
  const char* b;
  int order;
};

// Oracle: the order in which `samtools sort -n` (1.16) puts the two.
constexpr NameCase kNameCases[] = {
    {"", "", 0},
    {"", "a", -1},
    {"a", "a", 0},
    {"a", "b", -1},
    {"a2", "a10", -1},
    {"a10", "a10b", -1},
    {"a02", "a2", -1},
    {"a002", "a02", -1},
    {"a02", "a3", -1},
    {"a0", "a00", 1},
    {"a00", "a0b", -1},
    {"a9", "a:", -1},
    {"a1b2", "a1b10", -1},
    {"a01b2", "a1b1", -1},
    {"a-1", "a1", -1},
    {"a\xc3", "az", 1},
    {"99999999999999999998", "99999999999999999999", -1},
};

TEST(SortOrder, NamesCompareAsSamtoolsHasThem) {
  for (const NameCase& row : kNameCases) {
    EXPECT_EQ(compare_names(row.a, row.b), row.order) << row.a << " and " << row.b;
    EXPECT_EQ(compare_names(row.b, row.a), -row.order) << row.b << " and " << row.a;
  }
}

TEST(SortOrder, KeysAscendByReferencePositionAndStrand) {
  constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();
  constexpr std::int32_t kMin = std::numeric_limits<std::int32_t>::min();
  const std::vector<TestRecord> ascending = {{.ref = 0, .pos = -1},
                                             {.ref = 0, .pos = 0},
                                             {.ref = 0, .pos = 0, .flag = flag::kReverse},
                                             {.ref = 0, .pos = 1},
                                             {.ref = 0, .pos = kMax},
                                             {.ref = 0, .pos = kMin},  // as an unsigned number
                                             {.ref = 0, .pos = -2},
                                             {.ref = 1, .pos = -1},
                                             {.ref = kMax - 1, .pos = 0},
                                             {.ref = -1, .pos = -1},
                                             {.ref = -1, .pos = -1, .flag = flag::kReverse},
                                             {.ref = -1, .pos = 0}};
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    const Buffer body = to_body(ascending[i]);
    const std::uint64_t key = coordinate_key(RecordView(body));
    if (i > 0) {
      EXPECT_GT(key, last) << i;
    }
    last = key;
  }
}

}  // namespace
}  // namespace cnf::bams3
