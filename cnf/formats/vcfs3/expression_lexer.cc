// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "cnf/formats/vcfs3/expression_internal.h"
#include "cnf/formats/vcfs3/expression_lexer_internal.h"
#include "cnf/formats/vcfs3/variant_text_internal.h"

namespace cnf::vcfs3::expression {
namespace {

constexpr std::array<Function, 26> kFunctions{{
    {"MAX", Kind::max},
    {"MIN", Kind::min},
    {"AVG", Kind::mean},
    {"MEAN", Kind::mean},
    {"MEDIAN", Kind::median},
    {"SUM", Kind::sum},
    {"STDEV", Kind::stdev},
    {"ABS", Kind::abs},
    {"COUNT", Kind::count},
    {"STRLEN", Kind::strlen},
    {"N_PASS", Kind::n_pass},
    {"F_PASS", Kind::f_pass},
    {"sMAX", Kind::max, true},
    {"SMPL_MAX", Kind::max, true},
    {"sMIN", Kind::min, true},
    {"SMPL_MIN", Kind::min, true},
    {"sAVG", Kind::mean, true},
    {"SMPL_AVG", Kind::mean, true},
    {"sMEAN", Kind::mean, true},
    {"SMPL_MEAN", Kind::mean, true},
    {"sMEDIAN", Kind::median, true},
    {"SMPL_MEDIAN", Kind::median, true},
    {"sSTDEV", Kind::stdev, true},
    {"SMPL_STDEV", Kind::stdev, true},
    {"sSUM", Kind::sum, true},
    {"SMPL_SUM", Kind::sum, true},
}};

bool is_scope(std::string_view word) {
  return equal_ignoring_case(word, "INFO") || equal_ignoring_case(word, "FMT") ||
         equal_ignoring_case(word, "FORMAT");
}

}  // namespace

void Lexer::advance() {
  while (at_ < text_.size() && std::isspace(byte(at_)) != 0) ++at_;
  place_ = at_;
  if (at_ == text_.size()) return take(Token::end, 0);
  const char c = text_[at_];
  if ((std::isdigit(byte(at_)) != 0 || c == '.') && take_number()) return;
  if (c == '"' || c == '\'') return take_quoted();
  if (c == '@') return take_file();
  if (take_function()) return;
  if (c == '(') return take(Token::open, 1);
  if (c == ')') return take(Token::close, 1);
  for (const std::string_view symbol : {"!=", "!~", "<=", ">=", "==", "&&", "||", "<", ">", "=",
                                        "&", "|", "+", "-", "*", "/", "~", "%"}) {
    if (text_.substr(at_).starts_with(symbol)) return take(Token::symbol, symbol.size());
  }
  take_word();
}

bool Lexer::take_number() {
  const char* const end = text_.data() + text_.size();
  const auto [stop, error] = std::from_chars(text_.data() + at_, end, number_);
  if (error != std::errc() || (stop != end && std::isalnum(static_cast<unsigned char>(*stop))))
    return false;
  take(Token::number, static_cast<std::size_t>(stop - text_.data()) - at_);
  return true;
}

void Lexer::take_quoted() {
  const std::size_t close = text_.find(text_[at_], at_ + 1);
  if (close == std::string_view::npos) refuse(place_, "the quote is not closed");
  ++at_;
  take(Token::text, close - at_);
  ++at_;
}

void Lexer::take_file() {
  std::size_t end = at_ + 1;
  while (end < text_.size() && std::isspace(byte(end)) == 0 && text_[end] != '=' &&
         text_[end] != '!' && text_[end] != ')') {
    ++end;
  }
  ++at_;
  take(Token::file, end - at_);
}

bool Lexer::take_function() {
  const std::string_view rest = text_.substr(at_);
  const std::size_t open = rest.find('(');
  if (open == std::string_view::npos) return false;
  const std::string_view name = rest.substr(0, open);
  for (const std::string_view missing : {"BINOM", "PHRED"}) {
    if (equal_ignoring_case(name, missing))
      refuse_unsupported(place_, fmt::format("the function {}", missing));
  }
  if (rest.size() > 5 && equal_ignoring_case(rest.substr(0, 5), "PERL."))
    refuse_unsupported(place_, "PERL");
  for (const Function& function : kFunctions) {
    if (!equal_ignoring_case(name, function.name)) continue;
    function_ = &function;
    take(Token::function, open + 1);
    return true;
  }
  return false;
}

void Lexer::take_word() {
  std::size_t end = at_;
  while (end < text_.size()) {
    const char c = text_[end];
    if (c == '[') {
      const std::size_t close = text_.find(']', end);
      if (close == std::string_view::npos) refuse(end, "the bracket is not closed");
      end = close + 1;
      break;
    }
    if (std::isspace(byte(end)) != 0 ||
        std::string_view("\"'<>=!&|()+*-~%]").find(c) != std::string_view::npos)
      break;
    // A slash is part of INFO/x, and divides anything else.
    if (c == '/' && !is_scope(text_.substr(at_, end - at_))) break;
    ++end;
  }
  if (end == at_) refuse(place_, fmt::format("a '{}' is not expected here", text_[at_]));
  take(Token::word, end - at_);
}

}  // namespace cnf::vcfs3::expression
