// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/chunk/position_sample.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include <gtest/gtest.h>

#include "cnf/core/chunk/chunk.h"
#include "cnf/core/util/error.h"

namespace cnf::chunk {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

struct CutCase {
  std::string_view name;
  std::uint64_t samples;
  std::optional<std::uint64_t> span;
  Fill fill;
  Key next;
  bool ends;
};
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
const CutCase kCutCases[] = {
    {"nothing_in_it", 1, {}, {.records = 0, .bytes = 1u << 30, .first = {1, 0}}, {2, 0}, false},
    {"other_sequence", 1, {}, {.records = 1, .bytes = 0, .first = {1, 0}}, {2, 0}, true},
    {"far_but_few", 1, {}, {.records = 4'095, .bytes = 0, .first = {1, 0}}, {1, 9'000'000}, false},
    {"far_and_many", 1, {}, {.records = 4'096, .bytes = 0, .first = {1, 0}}, {1, 1'000'000}, true},
    {"many_but_near", 1, {}, {.records = 4'096, .bytes = 0, .first = {1, 0}}, {1, 999'999}, false},
    {"full", 1, {}, {.records = 16'384, .bytes = 0, .first = {1, 0}}, {1, 0}, true},
    {"before_position_0", 1, {}, {.records = 5'000, .bytes = 0, .first = {1, -1}}, {1, 3}, false},
    {"backwards", 1, {}, {.records = 5'000, .bytes = 0, .first = {1, 9'000'000}}, {1, 3}, false},
    {"far_apart", 1, {}, {.records = 5'000, .bytes = 0, .first = {1, kMin}}, {1, 3}, true},
    {"text_of_few", 99, {}, {.records = 9, .bytes = 8 * kMiB, .first = {1, 0}}, {1, 1}, true},
    {"text_of_more", 100, {}, {.records = 9, .bytes = 8 * kMiB, .first = {1, 0}}, {1, 1}, false},
    {"text_at_most",
     99'999,
     {},
     {.records = 9, .bytes = 128 * kMiB, .first = {1, 0}},
     {1, 1},
     true},
    {"values", 100'000, {}, {.records = 671, .bytes = 0, .first = {1, 0}}, {1, 1}, true},
    {"fewer_values", 100'000, {}, {.records = 670, .bytes = 0, .first = {1, 0}}, {1, 1}, false},
    {"a_record_at_least", ~0ULL, {}, {.records = 1, .bytes = 0, .first = {1, 0}}, {1, 1}, true},
    {"fixed_same", 1, 1'000, {.records = 1, .bytes = 0, .first = {1, 1'000}}, {1, 1'999}, false},
    {"fixed_next", 1, 1'000, {.records = 1, .bytes = 0, .first = {1, 1'999}}, {1, 2'000}, true},
    {"fixed_full", 1, 1'000, {.records = 16'384, .bytes = 0, .first = {1, 0}}, {1, 1}, true},
};

TEST(PositionSampleStrategy, EndsBinsAsItSays) {
  for (const CutCase& row : kCutCases) {
    EXPECT_EQ(PositionSampleStrategy(row.samples, row.span).ends_before(row.fill, row.next),
              row.ends)
        << row.name;
  }
}

TEST(PositionSampleStrategy, GroupsSamplesByTheirNumber) {
  struct Case {
    std::uint64_t samples = 0;
    std::optional<std::uint64_t> asked;
    std::uint64_t size = 0, groups = 0;
  };
  for (const Case& row : {Case{0, {}, 16, 0}, Case{1, {}, 16, 1}, Case{16, {}, 16, 1},
                          Case{17, {}, 16, 2}, Case{2'504, {}, 24, 105}, Case{10'000, {}, 100, 100},
                          Case{100'000, {}, 1'000, 100}, Case{1'000'000, {}, 1'000, 1'000},
                          Case{2'504, 100, 100, 26}, Case{10, 3, 3, 4}, Case{9, 3, 3, 3}}) {
    const PositionSampleStrategy strategy(row.samples, {}, row.asked);
    EXPECT_EQ(strategy.group_samples(), row.size) << row.samples;
    EXPECT_EQ(strategy.groups(), row.groups) << row.samples;
    EXPECT_EQ(strategy.samples(), row.samples);
  }
}

TEST(PositionSampleStrategy, SaysWhatItIs) {
  EXPECT_EQ(PositionSampleStrategy(1).name(), "position_sample");
  EXPECT_EQ(PositionSampleStrategy(1).chunk_size(), 1'000'000U);
  EXPECT_EQ(PositionSampleStrategy(1, 500).chunk_size(), 500U);
  const auto code_of = [](const auto& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.code();
    }
    return Errc::internal;
  };
  EXPECT_EQ(code_of([] {
              return PositionSampleStrategy(1).plan({0, 0}, {0, 9});
            }),
            Errc::unsupported);
  EXPECT_EQ(code_of([] { return PositionSampleStrategy(1, 0); }), Errc::invalid_argument);
  EXPECT_EQ(code_of([] { return PositionSampleStrategy(1, {}, 0); }), Errc::invalid_argument);
  EXPECT_EQ(code_of([] { return PositionSampleStrategy(1, ~0ULL); }), Errc::invalid_argument);
}

}  // namespace
}  // namespace cnf::chunk
