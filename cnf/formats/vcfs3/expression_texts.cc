// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <regex.h>

#include "cnf/formats/vcfs3/expression_internal.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/formats/vcfs3/variant_text_internal.h"
#include "cnf/formats/vcfs3/variant_type.h"

namespace cnf::vcfs3::expression {
namespace {

/// As for numbers: what = and ~, != and !~ say of a missing text, ".", on one side or on both.
struct MissingRule {
  bool one, both;
  explicit MissingRule(Comparison comparison)
      : one(comparison == Comparison::ne || comparison == Comparison::unlike), both(!one) {}
};

bool has_missing(std::string_view list) {
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    if (item == ".") return true;
    list.remove_prefix(std::min(list.size(), item.size() + 1));
  }
  return false;
}

bool compare_items(Comparison comparison, std::string_view x, std::string_view y) {
  const bool x_missing = x == ".", y_missing = y == ".";
  if (x_missing || y_missing) {
    const MissingRule rule(comparison);
    return x_missing && y_missing ? rule.both : rule.one;
  }
  return (x == y) == (comparison == Comparison::eq);
}

/// True if any item of the one list compares so with any of the other; an item behind the last
/// comma that is empty is none.
bool any_pair(Comparison comparison, std::string_view a, std::string_view b) {
  while (!a.empty()) {
    const std::string_view x = a.substr(0, a.find(','));
    a.remove_prefix(std::min(a.size(), x.size() + 1));
    std::string_view rest = b;
    while (!rest.empty()) {
      const std::string_view y = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(rest.size(), y.size() + 1));
      if (compare_items(comparison, x, y)) return true;
    }
  }
  return false;
}

bool any_match(Comparison comparison, const regex_t& regex, std::string_view list) {
  const MissingRule rule(comparison);
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    if (item == "." && rule.one) return true;
    if (found_in(regex, item) == (comparison == Comparison::like)) return true;
  }
  return false;
}

bool compare_one(const Step& step, std::string_view text, std::string_view constant) {
  return step.kind == Kind::match_texts ? any_match(step.comparison, *step.regex, text)
                                        : any_pair(step.comparison, text, constant);
}

bool has_filter(std::string_view filters, std::string_view name) {
  ListReader list(filters, ';');
  std::string_view item;
  while (list.next(item)) {
    if (item == name) return true;
  }
  return false;
}

bool filter_holds(const Step& step, std::string_view filters) {
  const bool negated = step.comparison == Comparison::ne || step.comparison == Comparison::unlike;
  if (filters.ends_with(';')) filters.remove_suffix(1);
  const bool none = filters == ".";
  if (step.names.empty() || none) return (step.names.empty() && none) != negated;
  const bool all = std::ranges::all_of(
      step.names, [&](const std::string& name) { return has_filter(filters, name); });
  const bool exact = step.comparison == Comparison::eq || step.comparison == Comparison::ne;
  const auto count = 1 + static_cast<std::size_t>(std::ranges::count(filters, ';'));
  return (all && (!exact || count == step.names.size())) != negated;
}

bool type_holds(const Step& step, const Site& site) {
  const unsigned types = variant_types(site.ref, site.alt);
  const unsigned shown = types == 0 ? 1 : types << 1U;
  const auto wanted = static_cast<unsigned>(step.constant);
  switch (step.comparison) {
    case Comparison::eq:
      return shown == wanted;
    case Comparison::ne:
      return shown != wanted;
    case Comparison::like:
      return (shown & wanted) != 0;
    default:
      return (shown & wanted) == 0;
  }
}

}  // namespace

bool found_in(const regex_t& regex, std::string_view text) {
  regmatch_t range{.rm_so = 0, .rm_eo = static_cast<regoff_t>(text.size())};
  return regexec(&regex, text.empty() ? "" : text.data(), 0, &range, REG_STARTEND) == 0;
}

void compare_texts(const Step& step, const Step& left, const Step& right, const Value& a,
                   const Value& b, Value& value) {
  const MissingRule rule(step.comparison);
  value.passes = false;
  value.sample_passes.assign(step.samples.size(), 0);
  if (!step.of_samples()) {
    if (a.present && b.present) {
      value.passes = compare_one(step, a.text, b.text);
    } else if (!a.present && !b.present) {
      value.passes = rule.both;
    } else {
      value.passes = has_missing(a.present ? a.text : b.text) ? rule.both : rule.one;
    }
    return;
  }
  const bool left_is_samples = left.of_samples();
  const Value& samples = left_is_samples ? a : b;
  const Value& site = left_is_samples ? b : a;
  const Step& samples_step = left_is_samples ? left : right;
  // Genotypes are no lists, and mostly the constant is none.
  const bool single = step.kind == Kind::compare_texts && site.present &&
                      samples_step.kind >= Kind::genotype &&
                      site.text.find(',') == std::string_view::npos;
  for (std::size_t i = 0; i < step.samples.size(); ++i) {
    if (step.samples[i] == 0) continue;
    bool passes = false;
    if (samples.present && single) {
      passes = compare_items(step.comparison, samples.texts[i], site.text);
    } else if (samples.present && site.present) {
      passes = compare_one(step, samples.texts[i], site.text);
    } else if (!samples.present && !site.present) {
      passes = rule.both;
    } else {
      passes = has_missing(samples.present ? samples.texts[i] : site.text) ? rule.both : rule.one;
    }
    if (!passes) continue;
    value.sample_passes[i] = 1;
    value.passes = true;
  }
}

bool holds_for_site(const Step& step, const Step& constant, const Variant& variant) {
  const Site& site = variant.site;
  switch (step.kind) {
    case Kind::compare_filter:
      return filter_holds(step, site.filter);
    case Kind::compare_id:
      return (site.id == constant.text) == (step.comparison == Comparison::eq);
    case Kind::match_id:
      return found_in(*step.regex, site.id) == (step.comparison == Comparison::like);
    case Kind::id_in_list:
      return step.ids->contains(std::string(site.id)) == (step.comparison == Comparison::eq);
    default:
      return type_holds(step, site);
  }
}

/// Logical operators, with what they say about each sample. A side that is about the site alone
/// stands for all samples or none.
void combine(const Step& step, const Step& left, const Step& right, const Value& a, const Value& b,
             Value& value) {
  const bool is_and = step.kind == Kind::all_of || step.kind == Kind::all_of_one;
  value.passes = is_and ? a.passes && b.passes : a.passes || b.passes;
  value.sample_passes.assign(step.samples.size(), 0);
  if (!value.passes || !step.of_samples()) return;
  const bool both = left.of_samples() && right.of_samples();
  const Value& only = left.of_samples() ? a : b;
  const bool site_fails = !both && !(left.of_samples() ? b : a).passes;
  bool any = false;
  for (std::size_t i = 0; i < step.samples.size(); ++i) {
    if (step.samples[i] == 0) continue;
    bool passes = false;
    if (step.kind == Kind::any_of) {
      // Which sample it was does not matter, unless the site's side alone failed.
      passes = !site_fails || only.sample_passes[i] != 0;
    } else if (!both) {
      passes = only.sample_passes[i] != 0;
    } else if (step.kind == Kind::all_of_one) {
      passes = (a.sample_passes[i] & b.sample_passes[i]) != 0;
    } else {
      passes = (a.sample_passes[i] | b.sample_passes[i]) != 0;
    }
    value.sample_passes[i] = passes ? 1 : 0;
    any = any || passes;
  }
  if (step.kind == Kind::all_of_one && both) value.passes = any;
}

}  // namespace cnf::vcfs3::expression
