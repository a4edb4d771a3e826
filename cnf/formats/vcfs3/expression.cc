// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/expression.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/formats/vcfs3/expression_internal.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/formats/vcfs3/zones.h"

namespace cnf::vcfs3 {

using expression::Kind;
using expression::Step;
using expression::Value;

struct Expression::Impl {
  std::vector<Step> steps;
  Logic logic = Logic::include;
  Needs needs;
  bool looks_at_samples = false;
  std::size_t samples = 0;
};

struct Expression::Scratch::Impl {
  std::vector<Value> values;
  std::vector<std::int64_t> counts;
  std::vector<std::uint8_t> samples;
};

Expression::Scratch::Scratch() : impl_(std::make_unique<Impl>()) {}
Expression::Scratch::~Scratch() = default;
Expression::Scratch::Scratch(Scratch&&) noexcept = default;
Expression::Scratch& Expression::Scratch::operator=(Scratch&&) noexcept = default;

namespace {

Needs needs_of(const std::vector<Step>& steps) {
  Needs needs;
  for (const Step& step : steps) {
    switch (step.kind) {
      case Kind::qual:
        needs.qual = true;
        break;
      case Kind::type:
      case Kind::n_alt:
      case Kind::ilen:
      case Kind::ref:
      case Kind::alt:
        needs.alleles = true;
        break;
      case Kind::filter:
        needs.filter = true;
        break;
      case Kind::id:
        needs.id = true;
        break;
      case Kind::ac:
      case Kind::an:
      case Kind::af:
      case Kind::mac:
      case Kind::maf:
        needs.alleles = needs.info = needs.genotypes = true;
        break;
      case Kind::n_missing:
      case Kind::f_missing:
      case Kind::genotype:
      case Kind::genotype_class:
        needs.genotypes = true;
        break;
      case Kind::info_flag:
      case Kind::info_number:
      case Kind::info_numbers:
      case Kind::info_text:
      case Kind::info_texts:
        needs.info = true;
        break;
      case Kind::format_numbers:
      case Kind::format_texts:
        needs.format = true;
        break;
      default:
        break;
    }
  }
  return needs;
}

/// Once the left operand decides, the result is the same for every sample and the right operand
/// need not be looked at: "false && …", and "true || …" where the left is about the site alone.
bool is_decided(const Step& logical, const Step& left, const Value& value) {
  switch (logical.kind) {
    case Kind::all_of:
    case Kind::all_of_one:
      return !value.passes;
    case Kind::any_of:
      return value.passes && !left.of_samples();
    default:
      return value.passes && !logical.of_samples();
  }
}

void evaluate(const std::vector<Step>& steps, const Variant& variant, std::vector<Value>& values,
              std::vector<std::int64_t>& counts) {
  if (values.size() < steps.size()) values.resize(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    Value& value = values[i];
    if (step.kind == Kind::skip) {
      const Step& logical = steps[step.b];
      if (!is_decided(logical, steps[step.a], values[step.a])) continue;
      Value& result = values[step.b];
      result.passes = values[step.a].passes;
      result.sample_passes = logical.samples;
      if (!result.passes) std::ranges::fill(result.sample_passes, std::uint8_t{0});
      i = step.b;
      continue;
    }
    if (step.kind < Kind::add) {
      expression::load_field(step, variant, counts, value);
      continue;
    }
    const Step& left = steps[step.a];
    const Step& right = steps[step.b];
    const Value& a = values[step.a];
    const Value& b = values[step.b];
    if (step.kind <= Kind::modulo) {
      expression::calculate(step, left, right, a, b, variant, value);
    } else if (step.kind <= Kind::f_pass) {
      expression::apply_function(step, left, a, value);
    } else if (step.kind == Kind::compare) {
      expression::compare_numbers(step, left, right, a, b, variant, value);
    } else if (step.kind <= Kind::match_texts) {
      expression::compare_texts(step, left, right, a, b, value);
    } else if (step.kind <= Kind::match_type) {
      value.passes = expression::holds_for_site(step, right, variant);
      value.sample_passes.clear();
    } else {
      expression::combine(step, left, right, a, b, value);
    }
  }
}

}  // namespace

Expression Expression::parse(std::string_view text, const Header& header, Logic logic) {
  auto impl = std::make_shared<Impl>();
  impl->steps = expression::compile(text, header);
  impl->logic = logic;
  impl->needs = needs_of(impl->steps);
  impl->looks_at_samples = impl->needs.genotypes || impl->needs.format;
  impl->samples = header.samples.size();
  return Expression(std::move(impl));
}

bool Expression::matches(const Variant& variant, Scratch& scratch) const {
  bool holds = false;
  if (!variant.site.is_raw) {
    evaluate(impl_->steps, variant, scratch.impl_->values, scratch.impl_->counts);
    holds = scratch.impl_->values[impl_->steps.size() - 1].passes;
  }
  return holds == (impl_->logic == Logic::include);
}

Expression::Answer Expression::answer(const Variant& variant, Scratch& scratch,
                                      bool by_sample) const {
  const bool wanted = matches(variant, scratch);
  if (variant.site.is_raw || !impl_->looks_at_samples || impl_->samples == 0) return {wanted, {}};
  const Step& last = impl_->steps.back();
  const Value& value = scratch.impl_->values[impl_->steps.size() - 1];
  std::vector<std::uint8_t>& samples = scratch.impl_->samples;
  if (impl_->logic == Logic::include) {
    if (!wanted || !last.of_samples()) return {wanted, {}};
    samples = value.sample_passes;
    return {true, samples};
  }
  // Excluding may drop some samples of a record and keep the others.
  if (wanted || !by_sample || !last.of_samples()) return {wanted, {}};
  samples = value.sample_passes;
  for (std::uint8_t& sample : samples) sample = sample == 0 ? 1 : 0;
  return {std::ranges::find(samples, std::uint8_t{1}) != samples.end(), samples};
}

std::size_t Expression::count_samples(const Variant& variant, Scratch& scratch) const {
  const bool holds = matches(variant, scratch) == (impl_->logic == Logic::include);
  if (!holds) return 0;
  if (variant.site.is_raw || !impl_->steps.back().of_samples()) return impl_->samples;
  const Value& value = scratch.impl_->values[impl_->steps.size() - 1];
  return static_cast<std::size_t>(std::ranges::count(value.sample_passes, std::uint8_t{1}));
}

const Needs& Expression::needs() const noexcept { return impl_->needs; }

bool Expression::may_match(const PageZones& zones, std::span<const std::string> keys) const {
  return impl_->logic == Logic::exclude || expression::may_hold(impl_->steps, zones, keys);
}

}  // namespace cnf::vcfs3
