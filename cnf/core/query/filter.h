// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cnf/core/query/table.h"

namespace cnf::query {

/// Row numbers that are still wanted, ascending.
using Selection = std::vector<std::uint32_t>;

/// One condition on the rows of a table. Immutable. Threads: concurrent use is fine.
class Predicate {
 public:
  virtual ~Predicate() = default;
  /// Removes from `selection` the rows that do not meet it.
  virtual void apply(const Table& table, Selection& selection) const = 0;
  /// The columns it looks at, so that a plan fetches them.
  [[nodiscard]] virtual std::vector<std::string> columns() const = 0;
  /// As --explain prints it: "mapq >= 20".
  [[nodiscard]] virtual std::string describe() const = 0;
};

/// Conditions that must all hold, applied one after another over whole columns.
class Filter {
 public:
  void add(std::shared_ptr<const Predicate> predicate) { predicates_.push_back(std::move(predicate)); }
  [[nodiscard]] bool empty() const noexcept { return predicates_.empty(); }
  [[nodiscard]] Selection select(const Table& table) const;
  [[nodiscard]] std::vector<std::string> columns() const;
  [[nodiscard]] std::string describe() const;

 private:
  std::vector<std::shared_ptr<const Predicate>> predicates_;
};

/// Predicates over integer columns of any width.
[[nodiscard]] std::shared_ptr<const Predicate> at_least(std::string column, std::int64_t value);
[[nodiscard]] std::shared_ptr<const Predicate> at_most(std::string column, std::int64_t value);
[[nodiscard]] std::shared_ptr<const Predicate> equals(std::string column, std::int64_t value);
/// All of the bits are set; none of the bits is set.
[[nodiscard]] std::shared_ptr<const Predicate> has_all_bits(std::string column, std::uint64_t bits);
[[nodiscard]] std::shared_ptr<const Predicate> has_no_bits(std::string column, std::uint64_t bits);
/// The text is one of these.
[[nodiscard]] std::shared_ptr<const Predicate> is_one_of(std::string column, std::vector<std::string> texts);

}  // namespace cnf::query
