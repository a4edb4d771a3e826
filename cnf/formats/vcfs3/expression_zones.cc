// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/formats/vcfs3/expression_internal.h"
#include "cnf/formats/vcfs3/zones.h"

namespace cnf::vcfs3::expression {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr Zone kEverything{.min = -kInfinity, .max = kInfinity};

/// What a step may give for a record of the page.
struct Possible {
  Zone numbers = kEverything;  ///< Empty: there is no number in any record.
  bool missing = true;
  bool may_hold = true;  ///< Of conditions.
};

Zone widened(Zone zone, double value) {
  return {.min = std::min(zone.min, value), .max = std::max(zone.max, value)};
}

/// Fields are read in single precision, bounds are not: the same rounding keeps their order.
Zone rounded(Zone zone) {
  return {.min = static_cast<double>(static_cast<float>(zone.min)),
          .max = static_cast<double>(static_cast<float>(zone.max))};
}

Possible of_info(const Step& step, const PageZones& zones, std::span<const std::string> keys) {
  const auto found = std::ranges::find(keys, step.text);
  const auto place = static_cast<std::size_t>(found - keys.begin());
  if (found == keys.end() || place >= zones.info.size()) return {};
  Zone zone = zones.info[place];
  if (step.is_float) zone = rounded(zone);
  // Numbers that stand in no text; see load_info_number and load_info_numbers.
  if (step.kind == Kind::info_number) zone = widened(zone, 0);
  if (step.kind == Kind::info_numbers && !step.is_float) zone = widened(zone, -2147483648.0);
  return {.numbers = zone};
}

Zone product(Zone a, Zone b) {
  if (a.empty() || b.empty()) return {};
  Zone result;
  for (const double x : {a.min, a.max}) {
    for (const double y : {b.min, b.max}) {
      if (std::isnan(x * y)) return kEverything;
      result = widened(result, x * y);
    }
  }
  return result;
}

Zone calculate(Kind kind, Zone a, Zone b) {
  if (a.empty() || b.empty()) return {};
  Zone result = kEverything;
  switch (kind) {
    case Kind::add:
      result = {.min = a.min + b.min, .max = a.max + b.max};
      break;
    case Kind::subtract:
      result = {.min = a.min - b.max, .max = a.max - b.min};
      break;
    case Kind::multiply:
      return product(a, b);
    case Kind::divide:
      if (b.min <= 0 && b.max >= 0) return kEverything;
      return product(a, {.min = 1 / b.max, .max = 1 / b.min});
    default:
      return kEverything;
  }
  return std::isnan(result.min) || std::isnan(result.max) ? kEverything : result;
}

/// Whether some x of a and y of b can be ordered so: in either precision that values compare in.
bool may_compare(Comparison comparison, Zone a, Zone b) {
  if (a.empty() || b.empty()) return false;
  const Zone x = widened(widened(a, rounded(a).min), rounded(a).max);
  const Zone y = widened(widened(b, rounded(b).min), rounded(b).max);
  switch (comparison) {
    case Comparison::lt:
    case Comparison::le:
      return x.min <= y.max;
    case Comparison::gt:
    case Comparison::ge:
      return x.max >= y.min;
    case Comparison::eq:
      return x.min <= y.max && y.min <= x.max;
    default:
      return true;
  }
}

Possible compare(const Step& step, const Possible& a, const Possible& b) {
  Possible result;
  const bool equality = step.comparison == Comparison::eq;
  result.may_hold = step.comparison == Comparison::ne || (equality && a.missing && b.missing) ||
                    may_compare(step.comparison, a.numbers, b.numbers);
  return result;
}

}  // namespace

bool may_hold(std::span<const Step> steps, const PageZones& zones,
              std::span<const std::string> keys) {
  std::vector<Possible> possible(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    Possible& out = possible[i];
    switch (step.kind) {
      case Kind::number:
        out = {.numbers = {.min = step.constant, .max = step.constant}, .missing = false};
        break;
      case Kind::missing:
        out = {.numbers = {}, .missing = true};
        break;
      case Kind::qual:
        out = {.numbers = rounded(zones.qual), .missing = true};
        break;
      case Kind::n_alt:
        out = {.numbers = zones.alts, .missing = false};
        break;
      case Kind::info_number:
      case Kind::info_numbers:
        out = of_info(step, zones, keys);
        break;
      case Kind::add:
      case Kind::subtract:
      case Kind::multiply:
      case Kind::divide:
        out.numbers = calculate(step.kind, possible[step.a].numbers, possible[step.b].numbers);
        break;
      case Kind::max:
      case Kind::min:
      case Kind::mean:
      case Kind::median:
        out.numbers = possible[step.a].numbers;
        break;
      case Kind::compare:
        out = compare(step, possible[step.a], possible[step.b]);
        break;
      case Kind::all_of:
      case Kind::all_of_one:
        out.may_hold = possible[step.a].may_hold && possible[step.b].may_hold;
        break;
      case Kind::any_of:
      case Kind::any_of_each:
        out.may_hold = possible[step.a].may_hold || possible[step.b].may_hold;
        break;
      default:
        break;  // anything
    }
  }
  return possible.back().may_hold;
}

}  // namespace cnf::vcfs3::expression
