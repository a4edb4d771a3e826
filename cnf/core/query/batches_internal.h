// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "cnf/core/query/plan.h"

namespace cnf::query {

/// Consecutive units of a plan that one call of Storage::fetch reads.
struct Batch {
  std::size_t begin = 0;    ///< Index of its first unit.
  std::size_t end = 0;      ///< One past its last.
  std::uint64_t bytes = 0;  ///< Fetched and decoded, as the plan tells.
};

/// Cuts a plan into batches, by the plan and the memory alone: the executor fetches these and
/// estimate() counts them, so the two agree.
///
/// A batch is large, because only what is fetched together is coalesced, but small enough that two
/// can be under way while a third is decoded and a fourth is read by the caller. With a limit the
/// first batch is one unit and each next one twice as many: little is fetched in vain.
class Batches {
 public:
  /// \param memory  of ExecutorOptions. The plan must outlive it.
  /// Throws Error invalid_argument if a range or a unit has no end below 2^64.
  Batches(const Plan& plan, std::uint64_t memory);

  /// The next batch, nullopt at the end. One unit at least, also where it is over the bound.
  [[nodiscard]] std::optional<Batch> next();

 private:
  const Plan* plan_;
  std::uint64_t most_bytes_;
  std::size_t most_units_;
  std::size_t position_ = 0;
};

/// Bytes that a unit fetches.
[[nodiscard]] std::uint64_t fetched_bytes(const Unit& unit) noexcept;
/// Bytes that a unit takes while it is decoded: those it fetches and its table.
[[nodiscard]] std::uint64_t total_bytes(const Unit& unit) noexcept;

}  // namespace cnf::query
