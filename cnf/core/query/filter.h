// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cnf/core/query/table.h"
#include "cnf/core/query/zones.h"

namespace cnf::query {

/// Row numbers that are still wanted, ascending.
using Selection = std::vector<std::uint32_t>;

/// One condition on the rows of a table. Immutable. Threads: concurrent use is fine.
class Predicate {
 public:
  virtual ~Predicate() = default;
  /// Removes from `selection` the rows that do not meet it. Throws Error invalid_argument if the
  /// table has no such column, or one of a type that the condition does not apply to.
  virtual void apply(const Table& table, Selection& selection) const = 0;
  /// False only if no row can meet it that lies within these zones: then a plan need not read them.
  [[nodiscard]] virtual bool may_match(const ZoneMap& zones) const;
  /// The columns it looks at, so that a plan fetches them.
  [[nodiscard]] virtual std::vector<std::string> columns() const = 0;
  /// As --explain prints it: "mapq >= 20".
  [[nodiscard]] virtual std::string describe() const = 0;
};

/// Conditions that must all hold, applied one after another over whole columns.
class Filter {
 public:
  void add(std::shared_ptr<const Predicate> predicate) {
    predicates_.push_back(std::move(predicate));
  }
  [[nodiscard]] bool empty() const noexcept { return predicates_.empty(); }
  /// The rows that meet every condition. Throws what Predicate::apply throws, and invalid_argument
  /// for a table of more than 2^32 - 1 rows.
  [[nodiscard]] Selection select(const Table& table) const;
  /// False if the zones rule out any one condition: no row meets all of them.
  [[nodiscard]] bool may_match(const ZoneMap& zones) const;
  /// Each column that a predicate looks at, once, in the order they were added.
  [[nodiscard]] std::vector<std::string> columns() const;
  /// "flags has none of 0x904 and mapq >= 20"; empty without conditions.
  [[nodiscard]] std::string describe() const;

 private:
  std::vector<std::shared_ptr<const Predicate>> predicates_;
};

/// Predicates over integer columns of any width. A null meets none of them.
[[nodiscard]] std::shared_ptr<const Predicate> at_least(std::string column, std::int64_t value);
[[nodiscard]] std::shared_ptr<const Predicate> at_most(std::string column, std::int64_t value);
[[nodiscard]] std::shared_ptr<const Predicate> equals(std::string column, std::int64_t value);
/// All of the bits are set; none of the bits is set. A value has the bits of its column's width.
[[nodiscard]] std::shared_ptr<const Predicate> has_all_bits(std::string column, std::uint64_t bits);
[[nodiscard]] std::shared_ptr<const Predicate> has_no_bits(std::string column, std::uint64_t bits);
/// The text (utf8 or binary) is one of these. A null is none of them.
[[nodiscard]] std::shared_ptr<const Predicate> is_one_of(std::string column,
                                                         std::vector<std::string> texts);

}  // namespace cnf::query
