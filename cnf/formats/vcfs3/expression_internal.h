// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <regex.h>

#include "cnf/formats/vcfs3/expression.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/variant.h"

namespace cnf::vcfs3::expression {

/// A missing value, and the filling behind a sample's shorter vector: NaNs that no text makes.
inline constexpr std::uint64_t kMissingBits = 0x7ff8'0000'6d69'7373;
inline constexpr std::uint64_t kFillingBits = 0x7ff8'0000'6669'6c6c;
inline constexpr double kMissing = std::bit_cast<double>(kMissingBits);
inline constexpr double kFilling = std::bit_cast<double>(kFillingBits);
[[nodiscard]] inline bool is_absent(double value) noexcept {
  if (value == value) return false;
  const auto bits = std::bit_cast<std::uint64_t>(value);
  return bits == kMissingBits || bits == kFillingBits;
}

/// Which of a list's items are meant: [2], [0,3], [1-], [*].
struct Subscript {
  static constexpr std::size_t kLargest = 65535;
  enum class Form : std::uint8_t { one, some } form = Form::one;
  std::size_t index = 0;                  ///< Form::one.
  std::vector<std::uint8_t> chosen = {};  ///< Form::some: 1 for each that is meant …
  bool open = false;                      ///< … and whether all behind are.

  [[nodiscard]] bool wants(std::size_t i) const noexcept {
    if (form == Form::one) return i == index;
    return i < chosen.size() ? chosen[i] != 0 : open;
  }
  [[nodiscard]] bool is_all() const noexcept {
    return form == Form::some && open && chosen.size() == 1;
  }
  [[nodiscard]] static Subscript all() {
    return {.form = Form::some, .index = 0, .chosen = {1}, .open = true};
  }
};

enum class Kind : std::uint8_t {
  // Constants.
  number,
  text,
  missing,
  id_list,
  // Fields of the record: numbers.
  qual,
  pos,
  type,
  n_alt,
  n_missing,
  f_missing,
  ilen,
  ac,
  an,
  af,
  mac,
  maf,
  info_flag,
  info_number,   ///< Number=1
  info_numbers,  ///< any other
  // Fields of the record: texts.
  filter,
  id,
  chrom,
  ref,
  alt,
  info_text,
  info_texts,
  // Fields of samples.
  format_numbers,
  format_texts,
  genotype,
  genotype_class,
  // Numbers from numbers.
  add,
  subtract,
  multiply,
  divide,
  modulo,
  abs,
  max,
  min,
  mean,
  median,
  sum,
  stdev,
  count,
  strlen,
  n_pass,
  f_pass,
  // Conditions.
  compare,
  compare_texts,
  match_texts,
  compare_filter,
  compare_id,
  match_id,
  id_in_list,
  match_type,
  all_of,       ///< &&
  any_of,       ///< ||
  all_of_one,   ///< &: within one sample
  any_of_each,  ///< |
  skip,         ///< No value: lets the right operand of a logical operator be.
};

enum class Comparison : std::uint8_t { eq, ne, lt, le, gt, ge, like, unlike };

/// How GT is told when it is compared with a word: "het", "ref", "ra".
enum class GenotypeWords : std::uint8_t { zygosity, reference, alleles };

struct RegexDeleter {
  void operator()(regex_t* regex) const noexcept {
    regfree(regex);
    delete regex;  // NOLINT(cppcoreguidelines-owning-memory): made in compile_regex
  }
};

/// A step of the program; operands come before it. Steps are evaluated in order, without recursion.
struct Step {
  Kind kind = Kind::number;
  std::size_t a = 0, b = 0;  ///< Operands, by number. Kind::skip: the operand, and where to go on.
  Comparison comparison = Comparison::eq;
  bool per_sample = false;  ///< The function's variant that stays within samples, "SMPL_MAX".
  bool is_float = false;    ///< Field of type Float.
  bool is_text = false;
  bool is_condition = false;
  double constant = 0;
  std::string text = {};  ///< Key of the field, or the constant.
  std::size_t place = 0;  ///< In the expression, for messages.
  Subscript subscript = {};
  GenotypeWords words = GenotypeWords::zygosity;
  std::vector<std::string> names = {};  ///< compare_filter: the query's filters.
  std::shared_ptr<const std::unordered_set<std::string>> ids = nullptr;
  std::shared_ptr<const regex_t> regex = nullptr;
  /// Per sample 1 if it takes part; empty for what is not about samples.
  std::vector<std::uint8_t> samples = {};
  [[nodiscard]] bool of_samples() const noexcept { return !samples.empty(); }
};

/// What a step gave for the record at hand.
struct Value {
  bool present = false;  ///< Numbers or texts are there (else the field is not in the record).
  std::vector<double> numbers = {};
  std::size_t per_sample = 0;                ///< Numbers of each sample.
  std::string_view text = {};                ///< A text of the record.
  std::vector<std::string_view> texts = {};  ///< One per sample.
  std::string storage = {};                  ///< Of texts that do not stand in the record.
  std::vector<std::size_t> ends = {};        ///< In `storage`, while it grows.
  bool passes = false;
  std::vector<std::uint8_t> sample_passes = {};
};

/// Loads a field (or a constant) into `value`.
void load_field(const Step& step, const Variant& variant, std::vector<std::int64_t>& counts,
                Value& value);

void calculate(const Step& step, const Step& left, const Step& right, const Value& a,
               const Value& b, const Variant& variant, Value& value);
void apply_function(const Step& step, const Step& argument, const Value& a, Value& value);
void compare_numbers(const Step& step, const Step& left, const Step& right, const Value& a,
                     const Value& b, const Variant& variant, Value& value);
void compare_texts(const Step& step, const Step& left, const Step& right, const Value& a,
                   const Value& b, Value& value);
void combine(const Step& step, const Step& left, const Step& right, const Value& a, const Value& b,
             Value& value);
/// compare_filter, compare_id, match_id, id_in_list, match_type: of the site alone.
[[nodiscard]] bool holds_for_site(const Step& step, const Step& constant, const Variant& variant);
/// True if the regular expression is found in the text.
[[nodiscard]] bool found_in(const regex_t& regex, std::string_view text);

/// Turns the text into steps; the last one is the condition. Throws as Expression::parse.
[[nodiscard]] std::vector<Step> compile(std::string_view text, const Header& header);
/// The field that a word names, or an Error naming it and its place.
[[nodiscard]] Step resolve_field(std::string_view word, std::size_t place, const Header& header);
/// Compiles the regular expression of "~"; a trailing "/i" ignores case.
[[nodiscard]] std::shared_ptr<const regex_t> compile_regex(std::string_view pattern,
                                                           std::size_t place);
[[nodiscard]] std::shared_ptr<const std::unordered_set<std::string>> read_ids(
    const std::string& path);

/// False only if the condition holds for no record within the zones.
[[nodiscard]] bool may_hold(std::span<const Step> steps, const PageZones& zones,
                            std::span<const std::string> keys);

[[noreturn]] void refuse(std::size_t place, std::string_view why);
[[noreturn]] void refuse_unsupported(std::size_t place, std::string_view what);

}  // namespace cnf::vcfs3::expression
