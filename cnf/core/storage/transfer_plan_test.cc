// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/transfer_plan_internal.h"

namespace cnf::storage {
namespace {

// What byte `offset` of object `key` is.
std::byte truth(std::string_view key, std::uint64_t offset) {
  return static_cast<std::byte>(offset * 7 + offset / 251 + static_cast<unsigned char>(key[0]));
}

struct Range {
  std::string key;
  std::string etag;
  std::uint64_t offset = 0;
  std::size_t size = 1;
};

// Requests with a buffer each.
struct Wanted {
  explicit Wanted(const std::vector<Range>& ranges) {
    for (const Range& range : ranges) {
      buffers.emplace_back(range.size);
      std::fill_n(buffers.back().data(), range.size, std::byte{0xee});
      requests.push_back({range.key, range.offset, buffers.back().span(), range.etag});
    }
    which.resize(requests.size());
    std::iota(which.begin(), which.end(), std::size_t{0});
  }
  std::vector<Buffer> buffers;
  std::vector<FetchRequest> requests;
  std::vector<std::size_t> which;
};

// Does what a backend does with the transfers, and fetch with the copies.
void carry_out(const TransferPlan& plan) {
  for (std::size_t i = 0; i < plan.transfers.size(); ++i) {
    const Transfer& transfer = plan.transfers[i];
    std::uint64_t at = transfer.offset;
    for (const Transfer::Piece& piece : transfer.pieces) {
      at += piece.skip;
      for (std::byte& byte : piece.into) byte = truth(transfer.key, at++);
    }
    for (const TransferPlan::Copy& copy : plan.shares[i].copies) {
      std::copy_n(copy.from, copy.size, copy.to);
    }
  }
}

using Object = std::tuple<std::string, std::string>;  // key, ETag

std::map<Object, std::set<std::uint64_t>> wanted_bytes(const std::vector<Range>& ranges) {
  std::map<Object, std::set<std::uint64_t>> bytes;
  for (const Range& range : ranges) {
    std::set<std::uint64_t>& of_object = bytes[{range.key, range.etag}];
    for (std::size_t i = 0; i < range.size; ++i) of_object.insert(range.offset + i);
  }
  return bytes;
}

rc::Gen<std::vector<Range>> any_ranges() {
  return rc::gen::container<std::vector<Range>>(rc::gen::build<Range>(
      rc::gen::set(&Range::key, rc::gen::elementOf(std::vector<std::string>{"a", "b"})),
      rc::gen::set(&Range::etag, rc::gen::elementOf(std::vector<std::string>{"", "", "", "v1"})),
      rc::gen::set(&Range::offset, rc::gen::inRange<std::uint64_t>(0, 600)),
      rc::gen::set(&Range::size, rc::gen::inRange<std::size_t>(1, 120))));
}

RC_GTEST_PROP(TransferPlan, AnyPlanGivesTheBytesOfANaiveRead, ()) {
  const std::vector<Range> ranges = *any_ranges();
  const PlanLimits limits{.gap = *rc::gen::inRange<std::uint64_t>(0, 60),
                          .max_request = *rc::gen::inRange<std::uint64_t>(1, 300),
                          .small_gap = *rc::gen::inRange<std::uint64_t>(0, 60)};
  const Sharing sharing = *rc::gen::element(Sharing::together, Sharing::alone);
  Wanted wanted(ranges);
  const TransferPlan plan = plan_transfers(wanted.requests, wanted.which, limits, sharing);
  carry_out(plan);
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    for (std::size_t at = 0; at < ranges[i].size; ++at) {
      RC_ASSERT(wanted.buffers[i].data()[at] == truth(ranges[i].key, ranges[i].offset + at));
    }
  }
}

RC_GTEST_PROP(TransferPlan, NothingIsFetchedTwiceAndOnlySmallGapsWith, ()) {
  const std::vector<Range> ranges = *any_ranges();
  const PlanLimits limits{.gap = *rc::gen::inRange<std::uint64_t>(0, 60),
                          .max_request = *rc::gen::inRange<std::uint64_t>(1, 300)};
  Wanted wanted(ranges);
  const TransferPlan plan =
      plan_transfers(wanted.requests, wanted.which, limits, Sharing::together);
  std::map<Object, std::set<std::uint64_t>> left = wanted_bytes(ranges);
  for (const Transfer& transfer : plan.transfers) {
    RC_ASSERT(transfer.length >= 1 && transfer.length <= limits.max_request);
    RC_ASSERT(transfer.pieces.front().skip == 0U);
    std::set<std::uint64_t>& of_object =
        left[{std::string(transfer.key), std::string(transfer.etag)}];
    std::uint64_t at = transfer.offset;
    for (const Transfer::Piece& piece : transfer.pieces) {
      RC_ASSERT(piece.skip <= limits.gap);
      for (std::uint64_t i = 0; i < piece.skip; ++i) RC_ASSERT(of_object.count(at++) == 0U);
      for (std::size_t i = 0; i < piece.into.size(); ++i) RC_ASSERT(of_object.erase(at++) == 1U);
    }
    RC_ASSERT(at == transfer.offset + transfer.length);
  }
  for (const auto& [object, bytes] : left) RC_ASSERT(bytes.empty());
}

RC_GTEST_PROP(TransferPlan, ARequestWaitsForExactlyTheTransfersItHasBytesIn, ()) {
  const std::vector<Range> ranges = *any_ranges();
  Wanted wanted(ranges);
  const PlanLimits limits{.gap = 20, .max_request = *rc::gen::inRange<std::uint64_t>(1, 300)};
  const TransferPlan plan =
      plan_transfers(wanted.requests, wanted.which, limits, Sharing::together);
  for (std::size_t i = 0; i < plan.transfers.size(); ++i) {
    const Transfer& transfer = plan.transfers[i];
    std::vector<std::size_t> expected;
    for (std::size_t r = 0; r < ranges.size(); ++r) {
      if (ranges[r].key == transfer.key && ranges[r].etag == transfer.etag &&
          ranges[r].offset < transfer.offset + transfer.length &&
          transfer.offset < ranges[r].offset + ranges[r].size) {
        expected.push_back(r);
      }
    }
    std::vector<std::size_t> served = plan.shares[i].requests;
    std::sort(served.begin(), served.end());
    RC_ASSERT(served == expected);
  }
}

struct PlanCase {
  std::string_view name;
  std::vector<Range> ranges;
  PlanLimits limits;
  std::vector<std::uint64_t> lengths;  // of the transfers
};

TEST(TransferPlan, JoinsAndSplits) {
  const PlanCase cases[] = {
      {"nothing", {}, {10, 100}, {}},
      {"a gap as long as allowed", {{"a", "", 0, 10}, {"a", "", 20, 10}}, {10, 100}, {30}},
      {"a gap one byte too long", {{"a", "", 0, 10}, {"a", "", 21, 10}}, {10, 100}, {10, 10}},
      {"neighbours without a gap", {{"a", "", 0, 10}, {"a", "", 10, 10}}, {0, 100}, {20}},
      {"other objects", {{"a", "", 0, 10}, {"b", "", 10, 10}}, {99, 100}, {10, 10}},
      {"other versions", {{"a", "1", 0, 10}, {"a", "2", 10, 10}}, {99, 100}, {10, 10}},
      {"joining stops at the longest", {{"a", "", 0, 60}, {"a", "", 65, 60}}, {99, 100}, {60, 60}},
      {"a long one is split evenly", {{"a", "", 5, 201}}, {0, 100}, {67, 67, 67}},
      {"twice is fetched once", {{"a", "", 5, 90}, {"a", "", 5, 90}}, {0, 100}, {90}},
      {"a long gap with half of it wanted",
       {{"a", "", 0, 20}, {"a", "", 40, 20}, {"a", "", 65, 5}},
       {99, 100, 10},
       {70}},
      {"a long gap with less than half",
       {{"a", "", 0, 10}, {"a", "", 31, 10}},
       {99, 100, 10},
       {10, 10}},
      {"what was dropped before counts",
       {{"a", "", 0, 30}, {"a", "", 58, 10}, {"a", "", 86, 4}},
       {99, 100, 10},
       {68, 4}},
      {"short gaps are never too many",
       {{"a", "", 0, 1}, {"a", "", 11, 1}, {"a", "", 22, 1}},
       {99, 100, 10},
       {23}},
      {"one inside another", {{"a", "", 5, 90}, {"a", "", 50, 10}}, {0, 100}, {90}},
  };
  for (const PlanCase& row : cases) {
    Wanted wanted(row.ranges);
    const TransferPlan plan =
        plan_transfers(wanted.requests, wanted.which, row.limits, Sharing::together);
    std::vector<std::uint64_t> lengths;
    for (const Transfer& transfer : plan.transfers) lengths.push_back(transfer.length);
    EXPECT_EQ(lengths, row.lengths) << row.name;
  }
}

TEST(TransferPlan, AloneEachRequestHasItsOwnTransfer) {
  Wanted wanted({{"a", "", 0, 10}, {"a", "", 10, 10}, {"a", "", 0, 10}});
  const TransferPlan plan = plan_transfers(wanted.requests, {2, 1}, {99, 100}, Sharing::alone);
  ASSERT_EQ(plan.transfers.size(), 2U);
  EXPECT_EQ(plan.shares[0].requests, std::vector<std::size_t>{2});
  EXPECT_EQ(plan.shares[1].requests, std::vector<std::size_t>{1});
}

TEST(TransferPlan, RangesUpToTheLastOffsetThereIs) {
  const std::uint64_t last = ~std::uint64_t{0};
  Wanted wanted({{"a", "", last - 10, 10}, {"a", "", last - 30, 15}});
  const TransferPlan plan =
      plan_transfers(wanted.requests, wanted.which, {last, last}, Sharing::together);
  ASSERT_EQ(plan.transfers.size(), 1U);
  EXPECT_EQ(plan.transfers[0].offset, last - 30);
  EXPECT_EQ(plan.transfers[0].length, 30U);
}

}  // namespace
}  // namespace cnf::storage
