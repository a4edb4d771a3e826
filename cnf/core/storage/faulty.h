// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// Which call of a store goes wrong, and how. Calls are counted from 1 over reads (each range that
/// is sent), writes, commits, lists (each page), stats, copies and removes (each batch).
struct FaultPlan {
  enum class Kind : std::uint8_t { fail, delay, truncate, corrupt };
  enum class Persistence : std::uint8_t { once, ever_after };

  Kind kind = Kind::fail;
  std::uint64_t nth = 1;
  Persistence persistence = Persistence::ever_after;
  Errc code = Errc::unavailable;       ///< fail: what is thrown.
  std::chrono::milliseconds delay{0};  ///< delay: how long, cut short by the context.
  /// corrupt: which bit flips; truncate: where; fail, at a commit, a copy or a remove: if odd, it
  /// has been done when it throws, as when only the answer of a store is lost.
  std::uint64_t seed = 0;
};

/// Wraps a store and makes it fail on plan: truncate throws corrupt_data on reads as a short body
/// would, corrupt flips one bit of what is read. For tests of those who use a store.
struct Faulty {
  std::shared_ptr<Storage> storage;
  /// Calls seen so far; while it is below FaultPlan::nth, no fault was met.
  std::shared_ptr<const std::atomic<std::uint64_t>> calls;
};
[[nodiscard]] Faulty make_faulty(std::shared_ptr<Storage> inner, const FaultPlan& plan);

}  // namespace cnf::storage
