// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "cnf/core/query/filter.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"

namespace cnf::query {

/// Bytes fetched or decoded and not yet taken that a query may hold, unless told otherwise.
inline constexpr std::uint64_t kDefaultMemory = std::uint64_t{512} << 20;

/// A range of an object that a plan reads, and the sum its bytes must have.
struct PlannedRange {
  std::string key;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::optional<std::uint32_t> crc32c = {};  ///< Absent: the decoder checks parts of it itself.
};

/// What decodes by itself: a row group, a tile. The executor fetches its ranges, checks them and
/// gives them to the format's decoder.
struct Unit {
  std::vector<PlannedRange> ranges = {};
  std::uint64_t decoded_bytes = 0;  ///< Estimate of the memory its table takes.
  std::uint64_t id = 0;             ///< The format's own: which group or tile it is.
};

/// What a query will cost, told before it is run. Retries come on top; a limit may end it earlier.
struct Cost {
  std::uint64_t requests = 0;  ///< After coalescing.
  std::uint64_t bytes = 0;     ///< Fetched, gaps between coalesced ranges included.
  double seconds = 0;
  double price_usd = 0;
};

/// How a store answers and bills, for estimates.
struct CostModel {
  double first_byte_seconds = 0.03;  ///< S3 in-region; research/storage.md has the sources.
  double bytes_per_second = 50.0 * 1024 * 1024;  ///< Of one connection.
  unsigned concurrency = 16;
  double usd_per_get = 0;   ///< Of the store's price list, as usd_per_byte.
  double usd_per_byte = 0;  ///< From the store to here.
  std::uint64_t gap = 0;    ///< As fetch() will coalesce.
  std::uint64_t max_request = std::uint64_t{16} << 20;
  std::uint64_t small_gap = std::numeric_limits<std::uint64_t>::max();  ///< As ReadProfile.
  std::uint64_t memory = kDefaultMemory;  ///< As ExecutorOptions: it bounds what coalesces.

  [[nodiscard]] static CostModel local();
  [[nodiscard]] static CostModel object_store();
  /// By the scheme of the store's URI, with the read profile and the prices of the store itself:
  /// requests and bytes are then exactly those of a run on it.
  [[nodiscard]] static CostModel of(const storage::Storage& storage);
};

/// What will be read and how it becomes the answer. A value; making one reads no data.
struct Plan {
  std::vector<Unit> units = {};  ///< In the order of the results.
  Filter filter = {};
  std::optional<std::uint64_t> limit = {};  ///< Rows after the filter.
  std::vector<std::string> columns = {};    ///< Of the results; empty: all that the decoder gives.
};

/// Requests and bytes are those that the executor causes; with a limit, at most. Throws Error
/// invalid_argument if a range or a unit has no end below 2^64. Cost: O(n log n) in the ranges.
[[nodiscard]] Cost estimate(const Plan& plan, const CostModel& model);
/// A few lines for people: units, ranges, filter, cost.
[[nodiscard]] std::string describe(const Plan& plan, const Cost& cost);

}  // namespace cnf::query
