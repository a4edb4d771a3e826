// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/storage/parallel_internal.h"

namespace cnf::storage {
namespace {

TEST(ParallelFor, RunsEachTaskOnce) {
  for (const std::size_t width : {0U, 1U, 3U, 50U}) {
    for (const std::size_t count : {0U, 1U, 2U, 1'000U}) {
      std::vector<std::atomic<int>> runs(count);
      parallel_for(count, width, [&](std::size_t i) { ++runs[i]; });
      EXPECT_TRUE(std::all_of(runs.begin(), runs.end(), [](const auto& n) { return n == 1; }))
          << count << " tasks on " << width << " threads";
    }
  }
}

TEST(ParallelFor, WhatATaskThrowsEndsIt) {
  std::atomic<std::size_t> begun{0};
  const auto task = [&](std::size_t i) {
    ++begun;
    if (i == 5) throw std::runtime_error("five");
  };
  EXPECT_THROW(parallel_for(1'000'000, 1, task), std::runtime_error);
  EXPECT_EQ(begun, 6U);
  begun = 0;
  EXPECT_THROW(parallel_for(1'000'000'000, 4, task), std::runtime_error);
  EXPECT_LT(begun, 1'000'000'000U);
}

}  // namespace
}  // namespace cnf::storage
