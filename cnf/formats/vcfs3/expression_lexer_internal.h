// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cnf/formats/vcfs3/expression_internal.h"

namespace cnf::vcfs3::expression {

enum class Token : std::uint8_t { end, number, text, word, file, function, open, close, symbol };

/// A function by its name.
struct Function {
  std::string_view name;
  Kind kind;
  bool per_sample = false;
};
/// Cuts the text into tokens as bcftools does: a word goes on to the next operator or quote, and
/// what stands in square brackets is part of it.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) { advance(); }

  [[nodiscard]] Token token() const noexcept { return token_; }
  [[nodiscard]] std::string_view text() const noexcept { return token_text_; }
  [[nodiscard]] std::size_t place() const noexcept { return place_; }
  [[nodiscard]] double number() const noexcept { return number_; }
  [[nodiscard]] const Function& function() const noexcept { return *function_; }
  [[nodiscard]] bool is_symbol(std::string_view symbol) const noexcept {
    return token_ == Token::symbol && token_text_ == symbol;
  }

  void advance();

 private:
  [[nodiscard]] unsigned char byte(std::size_t i) const {
    return static_cast<unsigned char>(text_[i]);
  }
  void take(Token token, std::size_t size) {
    token_ = token;
    token_text_ = text_.substr(at_, size);
    at_ += size;
  }

  bool take_number();

  void take_quoted();

  void take_file();

  bool take_function();

  void take_word();

  std::string_view text_;
  std::size_t at_ = 0, place_ = 0;
  Token token_ = Token::end;
  std::string_view token_text_;
  double number_ = 0;
  const Function* function_ = nullptr;
};

}  // namespace cnf::vcfs3::expression
