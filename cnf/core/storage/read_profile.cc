// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "cnf/core/storage/options.h"
#include "cnf/core/storage/prices.h"
#include "cnf/core/storage/read_profile_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"

namespace cnf::storage {
namespace {

// A GET buys 4.7 KB of transfer to the internet, and 1.5 MiB of time within the region: this is
// cheap in both.
constexpr std::uint64_t kSmallGap = std::uint64_t{64} << 10;
constexpr std::uint64_t kFreeGap = std::uint64_t{1} << 20;
constexpr std::uint64_t kMostGap = std::uint64_t{8} << 20;
// Of one connection: 0.4 Gbit/s, on which AnyBlob's model and AWS's own client agree.
constexpr double kBytesPerSecond = 50.0 * 1024 * 1024;
constexpr std::chrono::milliseconds kFirstByte{30};

std::uint64_t gap_for(Options::Objective objective, const PriceTable& prices,
                      std::chrono::microseconds first_byte) {
  switch (objective) {
    case Options::Objective::latency: {
      const std::chrono::duration<double> seconds = first_byte;
      const auto gap = static_cast<std::uint64_t>(std::min(seconds.count(), 1.0) * kBytesPerSecond);
      return std::clamp(gap, kSmallGap, kMostGap);
    }
    case Options::Objective::cost:
      if (prices.byte_usd() == 0) return kFreeGap;
      return static_cast<std::uint64_t>(prices.request_usd(RequestKind::get) / prices.byte_usd());
    case Options::Objective::automatic:
      break;
  }
  return kSmallGap;
}

}  // namespace

ReadProfile remote_read_profile(Options::Objective objective, const PriceTable& prices,
                                std::optional<std::chrono::microseconds> first_byte) {
  return {.gap = gap_for(objective, prices, first_byte.value_or(kFirstByte)),
          .max_request = std::uint64_t{16} << 20,
          .small_gap = kSmallGap};
}

}  // namespace cnf::storage
