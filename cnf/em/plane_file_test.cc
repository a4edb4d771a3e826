// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/em/plane_file_internal.h"

namespace cnf::em {
namespace {

TEST(PlaneFile, DecodesEachPlaneOnceForAllThreads) {
  constexpr std::size_t kPlanes = 40;
  PlaneFile planes(kPlanes, 3, "a.tif");
  std::vector<std::atomic<int>> decoded(kPlanes);
  const auto decode = [&](std::size_t plane) {
    ++decoded[plane];
    const std::string text = {'a', static_cast<char>('A' + plane), 'z'};
    planes.write(plane, 1, as_bytes(text).subspan(1));
    planes.write(plane, 0, as_bytes(text).first(1));
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t first = 0; first != 4; ++first) {
      threads.emplace_back([&, first] {
        planes.need(first * 5, kPlanes, decode);
        for (std::size_t plane = first * 5; plane != kPlanes; ++plane) {
          EXPECT_EQ(as_text(planes.plane(plane))[1], static_cast<char>('A' + plane));
        }
      });
    }
  }
  for (const auto& times : decoded) EXPECT_EQ(times, 1);
}

TEST(PlaneFile, TriesAPlaneAgainThatFailed) {
  PlaneFile planes(2, 1, "a.tif");
  int calls = 0;
  const auto decode = [&](std::size_t plane) {
    if (++calls == 1) throw std::runtime_error("the first time");
    planes.write(plane, 0, as_bytes("x"));
  };
  EXPECT_THROW(planes.need(0, 2, decode), std::runtime_error);
  planes.need(0, 2, decode);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(as_text(planes.plane(1)), "x");
}

TEST(PlaneFile, SaysThatItHasNoRoom) {
  try {
    const PlaneFile planes(16, std::uint64_t{1} << 60U, "a.tif");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::out_of_space) << error.what();
  }
}

}  // namespace
}  // namespace cnf::em
