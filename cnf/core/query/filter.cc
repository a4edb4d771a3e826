// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/query/filter.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/query/table.h"
#include "cnf/core/query/zones.h"
#include "cnf/core/util/error.h"

namespace cnf::query {
namespace {

/// Keeps the rows for which `meets` holds. Every row is written and the end moves by the answer, so
/// no branch depends on the data.
template <typename Meets>
void keep_if(Selection& selection, Meets&& meets) {
  std::size_t kept = 0;
  for (const std::uint32_t row : selection) {
    selection[kept] = row;
    kept += static_cast<std::size_t>(meets(row));
  }
  selection.resize(kept);
}

void drop_nulls(const Column& column, Selection& selection) {
  if (column.validity().empty()) return;
  keep_if(selection, [&column](std::uint32_t row) { return !column.is_null(row); });
}

[[noreturn]] void refuse(const Column& column, std::string_view needs) {
  throw Error(Errc::invalid_argument, "filter by column", column.name(),
              fmt::format("it holds {}, the condition needs {}", to_string(column.type()), needs));
}

/// Calls `visit` with the column's values as a span of their own integer type.
template <typename Visit>
void visit_integers(const Column& column, Visit&& visit) {
  switch (column.type()) {
    case Type::int8:
      return visit(column.as<std::int8_t>());
    case Type::int16:
      return visit(column.as<std::int16_t>());
    case Type::int32:
      return visit(column.as<std::int32_t>());
    case Type::int64:
      return visit(column.as<std::int64_t>());
    case Type::uint8:
      return visit(column.as<std::uint8_t>());
    case Type::uint16:
      return visit(column.as<std::uint16_t>());
    case Type::uint32:
      return visit(column.as<std::uint32_t>());
    case Type::uint64:
      return visit(column.as<std::uint64_t>());
    default:
      refuse(column, "integers");
  }
}

template <typename Values>
using ValueOf = typename std::remove_cvref_t<Values>::value_type;

/// low <= value <= high, where an absent end is open.
class InRange final : public Predicate {
 public:
  InRange(std::string column, std::optional<std::int64_t> low, std::optional<std::int64_t> high)
      : column_(std::move(column)), low_(low), high_(high) {}

  void apply(const Table& table, Selection& selection) const override {
    const Column& column = table.column(column_);
    drop_nulls(column, selection);
    visit_integers(column, [&](auto values) { keep_in_range(values, selection); });
  }
  bool may_match(const ZoneMap& zones) const override {
    const Zone* const zone = zones.find(column_);
    if (zone == nullptr) return true;
    // The conversion rounds alike on both sides: a bound beyond 2^53 may let a zone too many pass.
    return !zone->empty() && (!low_ || zone->max >= static_cast<double>(*low_)) &&
           (!high_ || zone->min <= static_cast<double>(*high_));
  }
  std::vector<std::string> columns() const override { return {column_}; }
  std::string describe() const override {
    if (low_ && high_) return fmt::format("{} = {}", column_, *low_);  // only equals() sets both
    return low_ ? fmt::format("{} >= {}", column_, *low_)
                : fmt::format("{} <= {}", column_, *high_);
  }

 private:
  template <typename Values>
  void keep_in_range(Values values, Selection& selection) const {
    using T = ValueOf<Values>;
    using Limits = std::numeric_limits<T>;
    // An end outside the type lets all or nothing pass, and must not wrap around.
    if ((low_ && std::cmp_greater(*low_, Limits::max())) ||
        (high_ && std::cmp_less(*high_, Limits::min()))) {
      return selection.clear();
    }
    const bool has_low = low_ && std::cmp_greater(*low_, Limits::min());
    const bool has_high = high_ && std::cmp_less(*high_, Limits::max());
    const T low = has_low ? static_cast<T>(*low_) : Limits::min();
    const T high = has_high ? static_cast<T>(*high_) : Limits::max();
    keep_if(selection, [=](std::uint32_t row) {
      return static_cast<bool>((values[row] >= low) & (values[row] <= high));
    });
  }

  std::string column_;
  std::optional<std::int64_t> low_;
  std::optional<std::int64_t> high_;
};

class HasBits final : public Predicate {
 public:
  enum class Which : std::uint8_t { all, none };

  HasBits(std::string column, std::uint64_t bits, Which which)
      : column_(std::move(column)), bits_(bits), which_(which) {}

  void apply(const Table& table, Selection& selection) const override {
    const Column& column = table.column(column_);
    drop_nulls(column, selection);
    const std::uint64_t want = which_ == Which::all ? bits_ : 0;
    visit_integers(column, [&](auto values) {
      using Bits = std::make_unsigned_t<ValueOf<decltype(values)>>;
      keep_if(selection, [=, bits = bits_](std::uint32_t row) {
        return (std::uint64_t{static_cast<Bits>(values[row])} & bits) == want;
      });
    });
  }
  std::vector<std::string> columns() const override { return {column_}; }
  std::string describe() const override {
    return fmt::format("{} has {} of {:#x}", column_, which_ == Which::all ? "all" : "none", bits_);
  }

 private:
  std::string column_;
  std::uint64_t bits_;
  Which which_;
};

class IsOneOf final : public Predicate {
 public:
  IsOneOf(std::string column, std::vector<std::string> texts)
      : column_(std::move(column)), texts_(std::move(texts)), set_(texts_.begin(), texts_.end()) {
    for (const std::string_view text : set_) longest_ = std::max(longest_, text.size());
  }
  // set_ looks into texts_.
  IsOneOf(const IsOneOf&) = delete;
  IsOneOf& operator=(const IsOneOf&) = delete;

  void apply(const Table& table, Selection& selection) const override {
    const Column& column = table.column(column_);
    if (column.type() != Type::utf8 && column.type() != Type::binary) refuse(column, "texts");
    drop_nulls(column, selection);
    keep_if(selection, [&](std::uint32_t row) {
      const std::string_view text = column.text(row);
      return text.size() <= longest_ && set_.contains(text);
    });
  }
  std::vector<std::string> columns() const override { return {column_}; }
  std::string describe() const override {
    constexpr std::size_t kShown = 3;
    std::string list;
    for (std::size_t i = 0; i < std::min(kShown, texts_.size()); ++i) {
      list += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", texts_[i]);
    }
    if (texts_.size() > kShown) list += fmt::format(" and {} more", texts_.size() - kShown);
    return fmt::format("{} is one of {}", column_, list.empty() ? "nothing" : list);
  }

 private:
  std::string column_;
  std::vector<std::string> texts_;
  std::unordered_set<std::string_view> set_;
  std::size_t longest_ = 0;
};

}  // namespace

Selection Filter::select(const Table& table) const {
  if (table.rows() > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(Errc::invalid_argument, "filter", "table",
                fmt::format("it has {} rows, more than 2^32 - 1", table.rows()));
  }
  Selection selection(table.rows());
  std::iota(selection.begin(), selection.end(), std::uint32_t{0});
  for (const auto& predicate : predicates_) predicate->apply(table, selection);
  return selection;
}

bool Predicate::may_match(const ZoneMap& /*zones*/) const { return true; }

bool Filter::may_match(const ZoneMap& zones) const {
  return std::ranges::all_of(
      predicates_, [&zones](const auto& predicate) { return predicate->may_match(zones); });
}

std::vector<std::string> Filter::columns() const {
  std::vector<std::string> names;
  for (const auto& predicate : predicates_) {
    for (std::string& name : predicate->columns()) {
      if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    }
  }
  return names;
}

std::string Filter::describe() const {
  std::string text;
  for (const auto& predicate : predicates_) {
    if (!text.empty()) text += " and ";
    text += predicate->describe();
  }
  return text;
}

std::shared_ptr<const Predicate> at_least(std::string column, std::int64_t value) {
  return std::make_shared<InRange>(std::move(column), value, std::nullopt);
}
std::shared_ptr<const Predicate> at_most(std::string column, std::int64_t value) {
  return std::make_shared<InRange>(std::move(column), std::nullopt, value);
}
std::shared_ptr<const Predicate> equals(std::string column, std::int64_t value) {
  return std::make_shared<InRange>(std::move(column), value, value);
}
std::shared_ptr<const Predicate> has_all_bits(std::string column, std::uint64_t bits) {
  return std::make_shared<HasBits>(std::move(column), bits, HasBits::Which::all);
}
std::shared_ptr<const Predicate> has_no_bits(std::string column, std::uint64_t bits) {
  return std::make_shared<HasBits>(std::move(column), bits, HasBits::Which::none);
}
std::shared_ptr<const Predicate> is_one_of(std::string column, std::vector<std::string> texts) {
  return std::make_shared<IsOneOf>(std::move(column), std::move(texts));
}

}  // namespace cnf::query
