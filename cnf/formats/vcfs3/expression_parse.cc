// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/expression_internal.h"
#include "cnf/formats/vcfs3/expression_lexer_internal.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/variant_text_internal.h"

namespace cnf::vcfs3::expression {
namespace {

/// Brackets and functions may stand within each other so deep; steps are evaluated without depth.
constexpr std::size_t kMaxDepth = 100;
constexpr std::size_t kMaxSteps = 20'000;

struct Operator {
  std::string_view symbol;
  int level;
  Kind kind;
  Comparison comparison = Comparison::eq;
};
constexpr int kLowest = 0, kComparisons = 2, kHighest = 4;
constexpr std::array<Operator, 18> kOperators{{
    {"||", 0, Kind::any_of},
    {"|", 0, Kind::any_of_each},
    {"&&", 1, Kind::all_of},
    {"&", 1, Kind::all_of_one},
    {"=", 2, Kind::compare, Comparison::eq},
    {"==", 2, Kind::compare, Comparison::eq},
    {"!=", 2, Kind::compare, Comparison::ne},
    {"<", 2, Kind::compare, Comparison::lt},
    {"<=", 2, Kind::compare, Comparison::le},
    {">", 2, Kind::compare, Comparison::gt},
    {">=", 2, Kind::compare, Comparison::ge},
    {"~", 2, Kind::compare, Comparison::like},
    {"!~", 2, Kind::compare, Comparison::unlike},
    {"+", 3, Kind::add},
    {"-", 3, Kind::subtract},
    {"*", 4, Kind::multiply},
    {"/", 4, Kind::divide},
    {"%", 4, Kind::modulo},
}};

class Parser {
 public:
  Parser(std::string_view text, const Header& header) : lexer_(text), header_(header) {}

  std::vector<Step> parse() {
    const std::size_t result = parse_level(kLowest);
    if (lexer_.token() != Token::end)
      refuse(lexer_.place(), fmt::format("'{}' is not expected here", lexer_.text()));
    require_condition(result);
    return std::move(steps_);
  }

 private:
  std::size_t emit(Step step) {
    if (steps_.size() == kMaxSteps)
      refuse(step.place, "the expression is too long; a list of IDs can be read by ID=@file");
    steps_.push_back(std::move(step));
    return steps_.size() - 1;
  }

  /// Operands of one level, folded from the right as bcftools does. Levels are not a depth: there
  /// are five of them between any two brackets.
  std::size_t parse_level(int level) {
    if (level > kHighest) return parse_operand();
    struct Pending {
      std::size_t operand;
      const Operator* operation;
      std::size_t place;
      std::size_t skip;
    };
    std::vector<Pending> pending;
    std::size_t operand = parse_level(level + 1);
    while (const Operator* const operation = operator_at(level)) {
      const std::size_t place = lexer_.place();
      lexer_.advance();
      std::size_t skip = 0;
      if (level < kComparisons) {
        require_condition(operand);
        skip = emit({.kind = Kind::skip, .a = operand, .place = place});
      }
      pending.push_back({operand, operation, place, skip});
      operand = parse_level(level + 1);
    }
    for (auto it = pending.rbegin(); it != pending.rend(); ++it) {
      operand = combine(*it->operation, it->place, it->operand, operand);
      if (level < kComparisons) steps_[it->skip].b = operand;
    }
    return operand;
  }

  const Operator* operator_at(int level) const {
    if (lexer_.token() != Token::symbol) return nullptr;
    const auto* const found = std::find_if(
        kOperators.begin(), kOperators.end(),
        [&](const Operator& o) { return o.symbol == lexer_.text() && o.level == level; });
    return found == kOperators.end() ? nullptr : found;
  }

  std::size_t parse_operand() {
    const std::size_t place = lexer_.place();
    Step step{.place = place};
    switch (lexer_.token()) {
      case Token::number:
        step.constant = lexer_.number();
        break;
      case Token::text:
        step.kind = Kind::text;
        step.is_text = true;
        step.text = lexer_.text();
        break;
      case Token::file:
        step.kind = Kind::id_list;
        step.ids = read_ids(std::string(lexer_.text()));
        break;
      case Token::word:
        step = resolve_field(lexer_.text(), place, header_);
        break;
      case Token::function:
        return parse_function();
      case Token::open: {
        const Depth depth(*this);
        lexer_.advance();
        const std::size_t inner = parse_level(kLowest);
        close();
        return inner;
      }
      default:
        return parse_minus();
    }
    lexer_.advance();
    return emit(std::move(step));
  }

  /// "-x*y" is -1*(x*y).
  std::size_t parse_minus() {
    const std::size_t place = lexer_.place();
    if (!lexer_.is_symbol("-")) {
      refuse(place, lexer_.token() == Token::end
                        ? std::string("it ends where a value is expected")
                        : fmt::format("'{}' stands where a value is expected", lexer_.text()));
    }
    const Depth depth(*this);
    lexer_.advance();
    const std::size_t minus = emit({.constant = -1, .place = place});
    return combine({"-", kHighest, Kind::multiply}, place, minus, parse_level(kHighest));
  }

  std::size_t parse_function() {
    const Depth depth(*this);
    const Function function = lexer_.function();
    const std::size_t place = lexer_.place();
    lexer_.advance();
    const std::size_t argument = parse_level(kLowest);
    close();
    const Step& a = steps_[argument];
    check_argument(function, a, place);
    Step step{.kind = function.kind, .a = argument, .place = place};
    step.per_sample = function.per_sample && a.of_samples();
    // Of a site's numbers bcftools 1.16 takes the mean, whichever of these is asked.
    const bool takes_mean =
        function.kind == Kind::median || function.kind == Kind::stdev || function.kind == Kind::sum;
    if (function.per_sample && !a.of_samples() && takes_mean) step.kind = Kind::mean;
    if (step.per_sample || function.kind == Kind::abs) step.samples = a.samples;
    return emit(std::move(step));
  }

  void check_argument(const Function& function, const Step& a, std::size_t place) const {
    const bool is_field = a.kind >= Kind::qual && a.kind <= Kind::genotype;
    const bool is_number = !a.is_text && !a.is_condition && is_value(a);
    switch (function.kind) {
      case Kind::n_pass:
      case Kind::f_pass:
        if (a.is_condition && (a.of_samples() || header_.samples.empty())) return;
        refuse(place, fmt::format("{}() needs a condition on FORMAT fields", function.name));
      case Kind::strlen:
        if (a.is_text && !a.of_samples() && is_value(a)) return;
        refuse_unsupported(place, "STRLEN() of anything but a text of the site");
      case Kind::count:
        if (a.is_condition && a.of_samples()) return;
        if (is_number && (!a.of_samples() || is_field)) return;
        if (a.is_text && !a.of_samples() && is_value(a)) return;
        refuse_unsupported(place, "COUNT() of this");
      default:
        if (!is_number) refuse(place, fmt::format("{}() needs numbers", function.name));
    }
  }

  void close() {
    if (lexer_.token() != Token::close) refuse(lexer_.place(), "a ')' is expected here");
    lexer_.advance();
  }

  std::size_t combine(const Operator& operation, std::size_t place, std::size_t a, std::size_t b) {
    Step step{.kind = operation.kind, .a = a, .b = b, .comparison = operation.comparison};
    step.place = place;
    if (operation.kind == Kind::compare) return compare(std::move(step));
    const bool logical = operation.level < kComparisons;
    for (const std::size_t operand : {a, b}) {
      if (logical) {
        require_condition(operand);
      } else if (steps_[operand].is_text || steps_[operand].is_condition ||
                 !is_value(steps_[operand])) {
        refuse(place, fmt::format("'{}' needs numbers on both sides", operation.symbol));
      }
    }
    step.is_condition = logical;
    step.samples = either(steps_[a].samples, steps_[b].samples);
    return emit(std::move(step));
  }

  /// FILTER, ID, TYPE and lists of IDs are no values: they can only be compared.
  static bool is_value(const Step& step) {
    return step.kind != Kind::filter && step.kind != Kind::id && step.kind != Kind::type &&
           step.kind != Kind::id_list;
  }

  static std::vector<std::uint8_t> either(const std::vector<std::uint8_t>& a,
                                          const std::vector<std::uint8_t>& b) {
    std::vector<std::uint8_t> result = a.empty() ? b : a;
    for (std::size_t i = 0; i < std::min(result.size(), b.size()); ++i) result[i] |= b[i];
    return result;
  }

  void require_condition(std::size_t step) const {
    if (!steps_[step].is_condition)
      refuse(steps_[step].place, "a value stands where a condition is expected; compare it");
  }

  std::size_t compare(Step step);
  void compare_filter(Step& step, const Step& constant);
  void compare_id(Step& step, Step& constant);
  void compare_type(Step& step, Step& constant);
  void compare_genotype(const Step& step, Step& genotype, Step& constant);
  void compare_values(Step& step);

  /// How deep the parser is in brackets.
  class Depth {
   public:
    explicit Depth(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > kMaxDepth) refuse(parser_.lexer_.place(), "it is nested too deep");
    }
    ~Depth() { --parser_.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;

   private:
    Parser& parser_;
  };

  Lexer lexer_;
  const Header& header_;
  std::vector<Step> steps_;
  std::size_t depth_ = 0;
};

bool is_pattern(const Step& step) {
  return step.comparison == Comparison::like || step.comparison == Comparison::unlike;
}
bool is_equality(const Step& step) {
  return step.comparison == Comparison::eq || step.comparison == Comparison::ne;
}

std::size_t Parser::compare(Step step) {
  step.is_condition = true;
  Step* left = &steps_[step.a];
  Step* right = &steps_[step.b];
  for (const Step* const operand : {left, right}) {
    if (operand->is_condition) refuse(step.place, "the result of a comparison cannot be compared");
  }
  if ((left->kind == Kind::id_list) != (right->kind == Kind::id_list) && left->kind != Kind::id &&
      right->kind != Kind::id) {
    refuse(step.place, "only ID can be looked up in a file");
  }
  // FILTER, ID, TYPE and GT may stand on either side, a pattern on the right alone.
  const auto is_special = [](const Step& s) { return !is_value(s) || s.kind == Kind::genotype; };
  if (!is_special(*left) && is_special(*right) && !is_pattern(step)) {
    std::swap(left, right);
    std::swap(step.a, step.b);
  }
  if (left->kind == Kind::id_list && right->kind == Kind::id) {
    std::swap(left, right);
    std::swap(step.a, step.b);
  }
  if (right->kind != Kind::text && (is_pattern(step) || is_special(*left)) &&
      !(left->kind == Kind::id && right->kind == Kind::id_list)) {
    refuse(step.place, "a text in quotes is expected on the right");
  }
  switch (left->kind) {
    case Kind::filter:
      compare_filter(step, *right);
      break;
    case Kind::id:
      compare_id(step, *right);
      break;
    case Kind::type:
      compare_type(step, *right);
      break;
    case Kind::id_list:
      refuse(step.place, "only ID can be looked up in a file");
    default:
      if (left->kind == Kind::genotype) compare_genotype(step, *left, *right);
      compare_values(step);
  }
  return emit(std::move(step));
}

void Parser::compare_filter(Step& step, const Step& constant) {
  if (!is_equality(step) && !is_pattern(step))
    refuse(step.place, "FILTER knows =, !=, ~ and !~ only");
  step.kind = Kind::compare_filter;
  bool missing = false;
  std::string_view rest = constant.text;
  while (!rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    if (name == ".") {
      missing = true;
      continue;
    }
    if (name != "PASS" && !header_.filters.contains(std::string(name))) {
      refuse(constant.place, fmt::format("the header defines no FILTER \"{}\"", name));
    }
    step.names.emplace_back(name);
  }
  if (missing && !step.names.empty())
    refuse(constant.place, "\".\" and filters cannot be asked for together");
}

void Parser::compare_id(Step& step, Step& constant) {
  if (constant.kind == Kind::id_list) {
    if (!is_equality(step)) refuse(step.place, "a list of IDs knows = and != only");
    step.kind = Kind::id_in_list;
    step.ids = constant.ids;
    return;
  }
  if (is_pattern(step)) {
    step.kind = Kind::match_id;
    step.regex = compile_regex(constant.text, constant.place);
    return;
  }
  if (!is_equality(step)) refuse(step.place, "ID knows =, !=, ~ and !~ only");
  if (constant.text.empty()) refuse(constant.place, "an ID is expected");
  step.kind = Kind::compare_id;
}

void Parser::compare_type(Step& step, Step& constant) {
  struct Named {
    std::string_view name;
    int bits;  // as they compare: a reference record is 1, all others are shifted
  };
  static constexpr std::array<Named, 10> kNames{{{"snp", 2},
                                                 {"snps", 2},
                                                 {"mnp", 4},
                                                 {"mnps", 4},
                                                 {"indel", 8},
                                                 {"indels", 8},
                                                 {"other", 16},
                                                 {"bnd", 32},
                                                 {"overlap", 64},
                                                 {"ref", 1}}};
  const auto* const found = std::find_if(kNames.begin(), kNames.end(), [&](const Named& named) {
    return equal_ignoring_case(named.name, constant.text);
  });
  if (found == kNames.end())
    refuse(constant.place, fmt::format("there is no TYPE \"{}\"", constant.text));
  if (!is_equality(step) && !is_pattern(step))
    refuse(step.place, "TYPE knows =, !=, ~ and !~ only");
  step.kind = Kind::match_type;
  step.constant = found->bits;
}

void Parser::compare_genotype(const Step& step, Step& genotype, Step& constant) {
  if (!is_equality(step) && !is_pattern(step)) refuse(step.place, "GT knows =, !=, ~ and !~ only");
  struct Word {
    std::string_view given, meant;
    GenotypeWords words;
  };
  // Of pairs of letters bcftools tells "aA" from "aa" by case, all others not.
  static constexpr std::array<Word, 12> kWords{{{"hom", "hom", GenotypeWords::zygosity},
                                                {"het", "het", GenotypeWords::zygosity},
                                                {"hap", "hap", GenotypeWords::zygosity},
                                                {"mis", "mis", GenotypeWords::reference},
                                                {"ref", "ref", GenotypeWords::reference},
                                                {"alt", "alt", GenotypeWords::reference},
                                                {"rr", "rr", GenotypeWords::alleles},
                                                {"ra", "ra", GenotypeWords::alleles},
                                                {"ar", "ra", GenotypeWords::alleles},
                                                {"aa", "aa", GenotypeWords::alleles},
                                                {"a", "a", GenotypeWords::alleles},
                                                {"r", "r", GenotypeWords::alleles}}};
  const Word* word = std::find_if(kWords.begin(), kWords.end(), [&](const Word& w) {
    return equal_ignoring_case(w.given, constant.text);
  });
  if (word == kWords.end()) return;
  genotype.kind = Kind::genotype_class;
  genotype.words = word->words;
  const bool differ = constant.text == "aA" || constant.text == "Aa";
  constant.text = differ ? "aA" : std::string(word->meant);
}

/// Numbers with numbers, texts with texts; "." means missing beside a numeric field.
void Parser::compare_values(Step& step) {
  Step& left = steps_[step.a];
  Step& right = steps_[step.b];
  if (is_pattern(step)) {
    if (!left.is_text) refuse(step.place, "a pattern needs a text on the left");
    step.kind = Kind::match_texts;
    step.regex = compile_regex(right.text, right.place);
    step.samples = left.samples;
    return;
  }
  const auto can_miss = [](const Step& s) {
    return s.kind == Kind::qual || s.kind == Kind::info_number || s.kind == Kind::info_numbers ||
           s.kind == Kind::format_numbers;
  };
  if (is_equality(step) && left.is_text != right.is_text) {
    Step& text = left.is_text ? left : right;
    if (text.kind == Kind::text && text.text == "." && can_miss(left.is_text ? right : left)) {
      text.kind = Kind::missing;
      text.is_text = false;
    }
  }
  if (left.is_text != right.is_text) refuse(step.place, "a text cannot be compared with a number");
  if (left.is_text) {
    if (!is_equality(step)) refuse(step.place, "texts know =, !=, ~ and !~ only");
    if (left.of_samples() && right.of_samples())
      refuse_unsupported(step.place, "comparing two texts of samples");
    step.kind = Kind::compare_texts;
  }
  step.samples = either(left.samples, right.samples);
  if (left.of_samples() && right.of_samples()) {
    for (std::size_t i = 0; i < step.samples.size(); ++i)
      step.samples[i] = left.samples[i] & right.samples[i];
  }
}

}  // namespace

void refuse(std::size_t place, std::string_view why) {
  throw Error(Errc::invalid_argument, "read the expression at character",
              fmt::format("{}", place + 1), why);
}

void refuse_unsupported(std::size_t place, std::string_view what) {
  throw Error(Errc::unsupported, "read the expression at character", fmt::format("{}", place + 1),
              fmt::format("{} is not supported", what));
}

std::vector<Step> compile(std::string_view text, const Header& header) {
  return Parser(text, header).parse();
}

}  // namespace cnf::vcfs3::expression
