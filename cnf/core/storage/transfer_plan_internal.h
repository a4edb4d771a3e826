// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// What to send for some ranges, and what to do when each answer is there. A value; no I/O.
///
/// Every wanted byte is fetched once, into the buffer of one request that wants it; the others that
/// want it too get a copy when its transfer is whole.
struct TransferPlan {
  struct Copy {
    const std::byte* from = nullptr;
    std::byte* to = nullptr;
    std::size_t size = 0;
  };
  /// Whom a transfer serves.
  struct Share {
    std::vector<std::size_t> requests;  ///< Indices of requests with bytes in it.
    std::vector<Copy> copies;
  };
  std::vector<Transfer> transfers;
  std::vector<Share> shares;  ///< One for each transfer.
};

struct PlanLimits {
  std::uint64_t gap = 0;          ///< As FetchOptions, but 0 means 0.
  std::uint64_t max_request = 1;  ///< Bytes, at least 1.
  std::uint64_t small_gap = std::numeric_limits<std::uint64_t>::max();  ///< As ReadProfile.
};

/// Whether requests for near ranges of one object may be served by one transfer.
enum class Sharing : std::uint8_t { together, alone };

/// Plans the requests whose indices are in `which`. Their ranges must not be empty and must end
/// below 2^64; each index at most once. The plan refers to their keys, ETags and buffers.
///
/// No transfer is longer than max_request. Two ranges share one only if the bytes between them, and
/// between any two neighbours in it, are at most `gap`, and joining them over more than `small_gap`
/// leaves at least half of it wanted. Cost: O(n log n) comparisons of keys.
[[nodiscard]] TransferPlan plan_transfers(std::span<const FetchRequest> requests,
                                          std::vector<std::size_t> which, const PlanLimits& limits,
                                          Sharing sharing);

}  // namespace cnf::storage
