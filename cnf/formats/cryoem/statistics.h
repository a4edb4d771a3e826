// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"

namespace cnf::cryoem {

/// What is known of a set of values: of a chunk, or of a level. NaN is counted and else left out;
/// complex values count by their magnitude. Merging is exact for min, max and counts; mean and m2
/// are merged in the grid's order, so that they do not depend on threads.
struct Statistics {
  std::uint64_t count = 0;  ///< Values that are numbers.
  std::uint64_t nan = 0;
  double min = 0, max = 0;  ///< 0 where count is 0.
  double mean = 0;
  double m2 = 0;  ///< Sum of squared differences from the mean.

  [[nodiscard]] double deviation() const noexcept;  ///< Of the population; what MRC calls rms.
  void merge(const Statistics& other) noexcept;
  bool operator==(const Statistics&) const = default;
};

/// \param values  little-endian elements; one pass.
[[nodiscard]] Statistics statistics_of(DataType type, ByteSpan values);

/// How often values occur: 65,536 classes in their order, one a value for types of 8 and 16 bits,
/// one a value's first 16 bits (sign, exponent, 7 bits of mantissa: within 1 %) for wider ones.
class Histogram {
 public:
  explicit Histogram(DataType type);
  void add(ByteSpan values);
  void merge(const Histogram& other);
  [[nodiscard]] std::uint64_t total() const noexcept;
  /// The value below which that share of all lie, 0 to 1; 0 where there is none.
  [[nodiscard]] double quantile(double share) const;
  /// The most frequent value.
  [[nodiscard]] double mode() const;
  /// `bins` even classes between two values, for plots.
  [[nodiscard]] std::vector<std::uint64_t> even(double low, double high, std::size_t bins) const;

 private:
  DataType type_;
  std::vector<std::uint64_t> counts_;
};

[[nodiscard]] nlohmann::json to_json(const Statistics& statistics);
[[nodiscard]] Statistics statistics_of(const nlohmann::json& json);

}  // namespace cnf::cryoem
