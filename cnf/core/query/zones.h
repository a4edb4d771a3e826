// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cnf::query {

/// The least and the greatest of some numbers; of none if min > max.
struct Zone {
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();
  [[nodiscard]] bool empty() const noexcept { return min > max; }
  bool operator==(const Zone&) const = default;
};

/// What an index knows of the rows of a unit before it is read: a zone for some of its columns.
///
/// A zone covers every value of its column that is no null. A column without a zone may hold
/// anything.
class ZoneMap {
 public:
  void set(std::string column, Zone zone) { zones_.emplace_back(std::move(column), zone); }
  /// nullptr if nothing is known of the column. Cost: the number of zones; there are few.
  [[nodiscard]] const Zone* find(std::string_view column) const noexcept {
    for (const auto& [name, zone] : zones_) {
      if (name == column) return &zone;
    }
    return nullptr;
  }

 private:
  std::vector<std::pair<std::string, Zone>> zones_;
};

}  // namespace cnf::query
