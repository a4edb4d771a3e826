// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/expression_internal.h"
#include "cnf/formats/vcfs3/variant.h"

namespace cnf::vcfs3::expression {
namespace {

[[noreturn]] void refuse_lengths(const Step& step, const Variant& variant, std::size_t a,
                                 std::size_t b) {
  throw Error(
      Errc::invalid_argument, "filter", fmt::format("{}:{}", variant.contig, variant.site.pos + 1),
      fmt::format("{} and {} values meet at character {} of the expression", a, b, step.place + 1),
      "choose one by its index");
}

double calculate_one(Kind kind, double a, double b) {
  if (is_absent(a) || is_absent(b)) return kMissing;
  switch (kind) {
    case Kind::add:
      return a + b;
    case Kind::subtract:
      return a - b;
    case Kind::multiply:
      return a * b;
    case Kind::divide:
      return a / b;
    default: {
      // Of whole numbers; what has no remainder is missing.
      constexpr double kRange = 2147483647;
      if (!(std::fabs(a) <= kRange) || !(std::fabs(b) <= kRange)) return kMissing;
      const auto divisor = static_cast<std::int64_t>(b);
      if (divisor == 0) return kMissing;
      return static_cast<double>(static_cast<std::int64_t>(a) % divisor);
    }
  }
}

/// "Ugly", says bcftools: single precision as long as it holds integers exactly.
bool compare_one(Comparison comparison, double a, double b) {
  constexpr double kExactInSingle = 16777216;
  if (!(a > kExactInSingle || b > kExactInSingle)) {
    a = static_cast<double>(static_cast<float>(a));
    b = static_cast<double>(static_cast<float>(b));
  }
  switch (comparison) {
    case Comparison::eq:
      return a == b;
    case Comparison::ne:
      return a != b;
    case Comparison::lt:
      return a < b;
    case Comparison::le:
      return a <= b;
    case Comparison::gt:
      return a > b;
    case Comparison::ge:
      return a >= b;
    default:
      return false;
  }
}

/// What a comparison says when one side is missing, and when both are.
struct MissingRule {
  bool one, both;
  explicit MissingRule(Comparison comparison)
      : one(comparison == Comparison::ne), both(comparison == Comparison::eq) {}
  [[nodiscard]] bool says(bool a_missing, bool b_missing) const {
    return a_missing && b_missing ? both : one;
  }
};

/// True if any pair of values compares so.
bool any_pair(Comparison comparison, const MissingRule& rule, std::span<const double> a,
              std::span<const double> b) {
  for (const double x : a) {
    for (const double y : b) {
      const bool x_missing = is_absent(x), y_missing = is_absent(y);
      if (x_missing || y_missing ? rule.says(x_missing, y_missing) : compare_one(comparison, x, y))
        return true;
    }
  }
  return false;
}

/// The same where one side is not in the record at all. Of a sample's vector bcftools asks whether
/// any value is missing, of a site's whether any value decides.
bool compare_with_nothing(const MissingRule& rule, std::span<const double> values,
                          bool about_samples) {
  if (about_samples) return std::ranges::any_of(values, is_absent) ? rule.both : rule.one;
  return std::ranges::any_of(values, [&](double v) { return is_absent(v) ? rule.both : rule.one; });
}

std::span<const double> of_sample(const Value& value, std::size_t sample) {
  return std::span(value.numbers).subspan(sample * value.per_sample, value.per_sample);
}

void pass(Value& value, std::size_t sample) {
  value.sample_passes[sample] = 1;
  value.passes = true;
}

/// max, min, mean, …: of the values that are there; missing if none is. Changes their order.
double aggregate(Kind kind, std::vector<double>& values) {
  std::erase_if(values, is_absent);
  if (values.empty()) return kMissing;
  const auto n = static_cast<double>(values.size());
  double sum = 0;
  for (const double v : values) sum += v;
  switch (kind) {
    case Kind::max: {
      double result = -HUGE_VAL;  // as bcftools: a NaN is never greater
      for (const double v : values) result = v > result ? v : result;
      return result;
    }
    case Kind::min: {
      double result = HUGE_VAL;
      for (const double v : values) result = v < result ? v : result;
      return result;
    }
    case Kind::mean:
      return sum / n;
    case Kind::sum:
      return sum;
    case Kind::median: {
      // A NaN has no place in an order.
      if (std::ranges::any_of(values, [](double v) { return std::isnan(v); })) return std::nan("");
      std::ranges::sort(values);
      const std::size_t half = values.size() / 2;
      return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) * 0.5;
    }
    default: {
      double squares = 0;
      for (const double v : values) squares += (v - sum / n) * (v - sum / n);
      return values.size() == 1 ? 0 : std::sqrt(squares / n);
    }
  }
}

void set(Value& value, double number) {
  value.present = !is_absent(number);
  value.numbers.assign(1, number);
}

double count_values(const Step& argument, const Value& a) {
  if (argument.is_condition) {
    return static_cast<double>(std::ranges::count(a.sample_passes, std::uint8_t{1}));
  }
  if (argument.is_text) {
    return a.present ? 1 + static_cast<double>(std::ranges::count(a.text, ',')) : 0;
  }
  if (!a.present) return 0;
  if (!argument.of_samples()) return static_cast<double>(a.numbers.size());
  std::size_t count = 0;
  for (std::size_t i = 0; i < argument.samples.size(); ++i) {
    if (argument.samples[i] == 0) continue;
    for (const double v : of_sample(a, i)) count += is_absent(v) ? 0U : 1U;
  }
  return static_cast<double>(count);
}

void measure_texts(const Step& argument, const Value& a, Value& value) {
  value.present = a.present;
  value.numbers.clear();
  if (!a.present) return;
  const bool whole = argument.kind != Kind::alt && argument.kind != Kind::info_texts;
  const bool one = argument.subscript.form == Subscript::Form::one;
  if (whole || one) return set(value, a.text == "." ? 0 : static_cast<double>(a.text.size()));
  std::string_view rest = a.text;
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find(','));
    value.numbers.push_back(static_cast<double>(item.size()));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
  }
}

void aggregate_samples(const Step& step, const Step& argument, const Value& a, Value& value) {
  if (!step.per_sample) {
    if (!a.present) return set(value, kMissing);
    std::vector<double>& chosen = value.numbers;
    chosen.clear();
    if (!argument.of_samples()) {
      chosen = a.numbers;
    } else {
      for (std::size_t i = 0; i < argument.samples.size(); ++i) {
        if (argument.samples[i] == 0) continue;
        const auto values = of_sample(a, i);
        chosen.insert(chosen.end(), values.begin(), values.end());
      }
    }
    return set(value, aggregate(step.kind, chosen));
  }
  std::vector<double> chosen;
  value.present = true;
  value.per_sample = 1;
  value.numbers.assign(argument.samples.size(), kMissing);
  if (!a.present) return;
  for (std::size_t i = 0; i < argument.samples.size(); ++i) {
    if (argument.samples[i] == 0) continue;
    const auto values = of_sample(a, i);
    chosen.assign(values.begin(), values.end());
    value.numbers[i] = aggregate(step.kind, chosen);
  }
}

}  // namespace

void calculate(const Step& step, const Step& left, const Step& right, const Value& a,
               const Value& b, const Variant& variant, Value& value) {
  value.present = false;
  value.numbers.clear();
  if (!a.present || !b.present) return;
  const std::size_t longer = std::max(a.numbers.size(), b.numbers.size());
  const bool a_single = !left.of_samples() && a.numbers.size() == 1;
  const bool b_single = !right.of_samples() && b.numbers.size() == 1;
  const bool alike =
      left.of_samples() == right.of_samples() && a.numbers.size() == b.numbers.size();
  if (!a_single && !b_single && !alike)
    refuse_lengths(step, variant, a.numbers.size(), b.numbers.size());
  value.per_sample = left.of_samples() ? a.per_sample : b.per_sample;
  for (std::size_t i = 0; i < longer; ++i) {
    const double result =
        calculate_one(step.kind, a.numbers[a_single ? 0 : i], b.numbers[b_single ? 0 : i]);
    value.numbers.push_back(result);
    value.present = value.present || !is_absent(result);
  }
}

void apply_function(const Step& step, const Step& argument, const Value& a, Value& value) {
  switch (step.kind) {
    case Kind::count:
      return set(value, count_values(argument, a));
    case Kind::strlen:
      return measure_texts(argument, a, value);
    case Kind::n_pass:
    case Kind::f_pass: {
      const auto passing =
          static_cast<double>(std::ranges::count(a.sample_passes, std::uint8_t{1}));
      if (step.kind == Kind::n_pass) return set(value, passing);
      return set(value, argument.of_samples()
                            ? passing / static_cast<double>(argument.samples.size())
                            : 0);
    }
    case Kind::abs:
      value.present = a.present;
      value.per_sample = a.per_sample;
      value.numbers.clear();
      if (!a.present) return;
      for (const double v : a.numbers) value.numbers.push_back(is_absent(v) ? v : std::fabs(v));
      return;
    default:
      return aggregate_samples(step, argument, a, value);
  }
}

void compare_numbers(const Step& step, const Step& left, const Step& right, const Value& a,
                     const Value& b, const Variant& variant, Value& value) {
  const MissingRule rule(step.comparison);
  value.passes = false;
  value.sample_passes.assign(step.samples.size(), 0);
  if (!step.of_samples()) {
    if (!a.present || !b.present) {
      value.passes = !a.present && !b.present
                         ? rule.both
                         : compare_with_nothing(rule, a.present ? a.numbers : b.numbers, false);
      return;
    }
    value.passes = any_pair(step.comparison, rule, a.numbers, b.numbers);
    return;
  }
  const bool both_of_samples = left.of_samples() && right.of_samples();
  if (a.present && b.present && both_of_samples && a.per_sample != b.per_sample)
    refuse_lengths(step, variant, a.per_sample, b.per_sample);
  // With =, != missing values count; with the others they never do, and the rule says so.
  for (std::size_t i = 0; i < step.samples.size(); ++i) {
    if (step.samples[i] == 0) continue;
    const auto x = !a.present          ? std::span<const double>()
                   : left.of_samples() ? of_sample(a, i)
                                       : std::span<const double>(a.numbers);
    const auto y = !b.present           ? std::span<const double>()
                   : right.of_samples() ? of_sample(b, i)
                                        : std::span<const double>(b.numbers);
    bool passes = false;
    if (!a.present && !b.present) {
      passes = rule.both;
    } else if (!a.present || !b.present) {
      passes = compare_with_nothing(rule, a.present ? x : y, true);
    } else if (both_of_samples) {
      for (std::size_t j = 0; j < x.size() && !passes; ++j)
        passes = any_pair(step.comparison, rule, x.subspan(j, 1), y.subspan(j, 1));
    } else {
      passes = any_pair(step.comparison, rule, x, y);
    }
    if (passes) pass(value, i);
  }
}

}  // namespace cnf::vcfs3::expression
