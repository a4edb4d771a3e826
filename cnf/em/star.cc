// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/em/star_internal.h"

namespace cnf::em {
namespace {

constexpr std::string_view kBlank = " \t\v\f\r";
constexpr std::string_view kData = "data_";
constexpr std::string_view kLoop = "loop_";

/// Takes the next value off the front of `rest`; false at the end and at a comment. A quoted value
/// ends at a quote with blank or nothing behind it, so that 5' stands within '5' end'.
bool take_value(std::string_view& rest, std::string_view& value) {
  rest.remove_prefix(std::min(rest.find_first_not_of(kBlank), rest.size()));
  if (rest.empty() || rest.front() == '#') return false;
  const char quote = rest.front();
  if (quote == '"' || quote == '\'') {
    for (std::size_t end = rest.find(quote, 1); end != std::string_view::npos;
         end = rest.find(quote, end + 1)) {
      if (end + 1 < rest.size() && kBlank.find(rest[end + 1]) == std::string_view::npos) continue;
      value = rest.substr(1, end - 1);
      rest.remove_prefix(end + 1);
      return true;
    }
  }
  value = rest.substr(0, rest.find_first_of(kBlank));
  rest.remove_prefix(value.size());
  return true;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::vector<StarLoop> scan() {
    while (at_ < text_.size()) {
      const std::size_t begin = at_;
      std::size_t end = text_.find('\n', at_);
      at_ = end == std::string_view::npos ? text_.size() : end + 1;
      if (end == std::string_view::npos) end = text_.size();
      while (end > begin && text_[end - 1] == '\r') --end;
      ++number_;
      take_line(text_.substr(begin, end - begin), begin);
    }
    return std::move(loops_);
  }

 private:
  enum class State : std::uint8_t { items, header, rows };

  void take_line(std::string_view line, std::size_t begin) {
    std::string_view rest = line;
    std::string_view first;
    if (!take_value(rest, first)) return;
    const bool quoted = first.data() != line.data() + line.find_first_not_of(kBlank);
    std::string_view second = rest;
    std::string_view next;
    // A row may begin with "data_1/a.mrc": within a loop, only what stands alone begins a block,
    // and what stands before a name begins a loop.
    const bool alone = !take_value(second, next);
    const bool says = !quoted && (alone || state_ == State::items || next.starts_with('_'));
    if (says && first.starts_with(kData)) {
      block_ = first.substr(kData.size());
      state_ = State::items;
    } else if (says && first == kLoop) {
      loops_.push_back({.block = block_,
                        .columns = {},
                        .begin = begin,
                        .rows_begin = at_,
                        .rows_end = at_,
                        .rows = {}});
      state_ = State::header;
      take_columns(rest);
    } else if (!quoted && first.starts_with('_')) {
      if (state_ == State::header) take_columns(line);
      if (state_ == State::rows) state_ = State::items;  // no value begins so
    } else if (state_ != State::items) {
      StarLoop& loop = loops_.back();
      if (loop.rows.empty()) loop.rows_begin = begin;
      loop.rows.push_back({line, number_});
      loop.rows_end = at_;
      state_ = State::rows;
    }
  }

  // Names of columns, of which several may stand in a line.
  void take_columns(std::string_view rest) {
    StarLoop& loop = loops_.back();
    std::string_view name;
    while (take_value(rest, name)) {
      if (name.starts_with('_')) loop.columns.emplace_back(name.substr(1));
    }
    loop.rows_begin = loop.rows_end = at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t number_ = 0;
  State state_ = State::items;
  std::string_view block_;
  std::vector<StarLoop> loops_;
};

}  // namespace

std::vector<StarLoop> parse_star_loops(std::string_view text) { return Scanner(text).scan(); }

std::vector<std::string_view> star_values(std::string_view row) {
  std::vector<std::string_view> values;
  std::string_view value;
  while (take_value(row, value)) values.push_back(value);
  return values;
}

std::size_t column_of(const StarLoop& loop, std::string_view name) {
  const auto found = std::ranges::find(loop.columns, name);
  return static_cast<std::size_t>(std::distance(loop.columns.begin(), found));
}

std::string star_quoted(std::string_view value) {
  const bool plain = !value.empty() && value.find_first_of(kBlank) == std::string_view::npos &&
                     value.front() != '#' && value.front() != '_' && value.front() != '"' &&
                     value.front() != '\'' && !value.starts_with(kData) && value != kLoop;
  if (plain) return std::string(value);
  const char quote = value.find('"') == std::string_view::npos ? '"' : '\'';
  return quote + std::string(value) + quote;
}

}  // namespace cnf::em
