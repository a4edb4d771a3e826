// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cnf/core/query/filter.h"
#include "cnf/core/util/buffer.h"

namespace cnf::query {

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
  std::vector<PlannedRange> ranges;
  std::uint64_t decoded_bytes = 0;  ///< Estimate of the memory its table takes.
  std::uint64_t id = 0;             ///< The format's own: which group or tile it is.
};

/// What a query will cost, told before it is run.
struct Cost {
  std::uint64_t requests = 0;  ///< After coalescing.
  std::uint64_t bytes = 0;     ///< Fetched, gaps between coalesced ranges included.
  double seconds = 0;
  double price_usd = 0;
};

/// How a store answers and bills, for estimates.
struct CostModel {
  double first_byte_seconds = 0.03;      ///< S3 in-region; research/storage.md has the sources.
  double bytes_per_second = 50.0 * 1024 * 1024;  ///< Of one connection.
  unsigned concurrency = 16;
  double usd_per_get = 0.4e-6;
  double usd_per_byte = 0;               ///< Egress: in-region there is none.
  std::uint64_t gap = 0;                 ///< As fetch() will coalesce.
  std::uint64_t max_request = std::uint64_t{16} << 20;

  [[nodiscard]] static CostModel local();
  [[nodiscard]] static CostModel object_store();
};

/// What will be read and how it becomes the answer. A value; making one reads no data.
struct Plan {
  std::vector<Unit> units;  ///< In the order of the results.
  Filter filter = {};
  std::optional<std::uint64_t> limit = {};  ///< Rows after the filter.
  std::vector<std::string> columns = {};    ///< Of the results; empty: all that the decoder gives.
};

[[nodiscard]] Cost estimate(const Plan& plan, const CostModel& model);
/// A few lines for people: units, ranges, filter, cost.
[[nodiscard]] std::string describe(const Plan& plan, const Cost& cost);

}  // namespace cnf::query
