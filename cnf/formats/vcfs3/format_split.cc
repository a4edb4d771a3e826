// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/format_cells.h"
#include "cnf/formats/vcfs3/format_columns_internal.h"
#include "cnf/formats/vcfs3/genotypes.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::uint32_t kNone = ~std::uint32_t{0};
constexpr int kNoStop = 256;  // no character

struct Element {
  std::uint32_t symbol = kTextSymbol;  ///< Doubled magnitude and sign.
  std::uint32_t decimals = 0;
};

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// What an element is, so that printing it gives the same text.
Element classify(std::string_view text) noexcept {
  const char* at = text.data();
  const char* const end = at + text.size();
  if (at != end && end - at <= 4 && *at > '0') {  // most are 1 to 9999
    std::uint32_t small = 0;
    for (; at != end && is_digit(*at); ++at)
      small = small * 10 + static_cast<std::uint32_t>(*at - '0');
    if (at == end) return {kNumberSymbol + 2 * small, 0};
    at = text.data();
  }
  if (text == ".") return {kMissingSymbol, 0};
  const std::uint32_t negative = at != end && *at == '-' ? 1 : 0;
  at += negative;
  // Nine digits, fifteen of zeros before them, a point and a sign: what is longer is no number.
  if (at == end || end - at > 18) return {};
  if (*at == '0' && end - at > 1 && at[1] != '.') return {};
  std::uint64_t magnitude = 0;
  const char* const digits = at;
  for (; at != end && is_digit(*at); ++at) {
    magnitude = magnitude * 10 + static_cast<std::uint64_t>(*at - '0');
  }
  std::uint32_t decimals = 0;
  if (at != end) {
    if (*at != '.' || at == digits || at + 1 == end) return {};
    for (++at; at != end && is_digit(*at); ++at, ++decimals) {
      magnitude = magnitude * 10 + static_cast<std::uint64_t>(*at - '0');
    }
    if (at != end || decimals > kMaxDecimals) return {};
  }
  if (magnitude > kMaxMagnitude) return {};
  return {kNumberSymbol + 2 * static_cast<std::uint32_t>(magnitude) + negative, decimals};
}

/// Fills the columns of a table.
class Splitter {
 public:
  Splitter(FieldTable& table, std::size_t samples) : table_(table), states_(table.columns.size()) {
    for (State& state : states_) state.last_of_sample.assign(samples, kNone);
  }

  /// Takes the field that begins at `at`, up to the next `stop` or the end; returns where that is.
  const char* add(std::uint32_t column, std::uint32_t cell, const char* at, const char* end,
                  int stop) {
    FieldColumn& c = table_.columns[column];
    std::uint32_t arity = 0;
    for (;; ++at) {
      const char* const start = at;
      while (at != end && *at != ',' && *at != stop) ++at;
      add_element(column, cell, std::min<std::size_t>(arity++, kOwnPlaces), {start, at});
      if (at == end || *at == stop) break;
    }
    c.cells.push_back(cell);
    c.arities.push_back(arity);
    return at;
  }

  void finish() {
    for (std::size_t i = 0; i < states_.size(); ++i) {
      FieldColumn& c = table_.columns[i];
      c.has_signs = states_[i].negative != 0;
      for (std::size_t j = 0; j < kPlaces; ++j) {
        if (states_[i].decimals) c.decimals[j].resize(c.places[j].size());
        if (c.has_signs) continue;
        for (std::uint32_t& symbol : c.places[j]) {
          if (symbol >= kNumberSymbol) symbol = kNumberSymbol + (symbol - kNumberSymbol) / 2;
        }
      }
    }
  }

 private:
  struct State {
    std::uint32_t negative = 0;
    bool decimals = false;
    std::uint32_t last = kNone;
    std::vector<std::uint32_t> last_of_sample = {};
    std::unordered_map<std::string_view, std::uint32_t> indices = {};
  };

  void add_element(std::uint32_t column, std::uint32_t cell, std::size_t place,
                   std::string_view text) {
    FieldColumn& c = table_.columns[column];
    State& state = states_[column];
    const Element element = classify(text);
    if (element.decimals != 0) {
      state.decimals = true;
      c.decimals[place].resize(c.places[place].size());
      c.decimals[place].push_back(element.decimals);
    }
    c.places[place].push_back(element.symbol);
    if (element.symbol >= kNumberSymbol) {
      state.negative |= element.symbol & 1U;
    } else if (element.symbol == kTextSymbol) {
      add_text(c, state, cell % table_.samples, text);
    }
  }

  static void add_text(FieldColumn& c, State& state, std::size_t sample, std::string_view text) {
    const auto [found, fresh] =
        state.indices.try_emplace(text, static_cast<std::uint32_t>(c.texts.size()));
    const std::uint32_t index = found->second;
    if (fresh) {
      c.texts.push_back(text);
      c.text_codes.push_back(kNewText);
    } else if (index == state.last) {
      c.text_codes.push_back(kPreviousText);
    } else if (index == state.last_of_sample[sample]) {
      c.text_codes.push_back(kSamplesOwnText);
    } else {
      c.text_codes.push_back(kFirstTextCode + index);
    }
    state.last = index;
    state.last_of_sample[sample] = index;
  }

  FieldTable& table_;
  std::vector<State> states_;
};

FieldLayout layout_of(std::string_view format, FieldLayouts& all,
                      std::unordered_map<std::string, std::uint32_t>& columns) {
  FieldLayout layout;
  layout.genotype_first = format == "GT" || format.starts_with("GT:");
  if (layout.genotype_first) format.remove_prefix(2);
  if (format.starts_with(':') && layout.genotype_first) format.remove_prefix(1);
  if (format.empty()) return layout;
  std::unordered_map<std::string_view, std::uint32_t> seen;
  for (;;) {
    const std::size_t colon = format.find(':');
    const std::string_view name = format.substr(0, colon);
    // No name has a NUL or a colon in it, so a name and its number are told apart.
    std::string key = std::string(name) + ':' + std::to_string(seen[name]++);
    const auto [found, fresh] =
        columns.try_emplace(std::move(key), static_cast<std::uint32_t>(all.names.size()));
    if (fresh) all.names.emplace_back(name);
    layout.columns.push_back(found->second);
    if (colon == std::string_view::npos) return layout;
    format.remove_prefix(colon + 1);
  }
}

/// Splits a cell; returns what it lacks.
std::uint32_t split_cell(std::string_view rest, const FieldLayout& layout, std::uint32_t cell,
                         Splitter& out) {
  const std::size_t named = layout.columns.size();
  if (layout.genotype_first) {
    if (rest.empty()) return static_cast<std::uint32_t>(named);
    if (rest[0] != ':') {
      throw Error(Errc::invalid_argument, "encode", "FORMAT", "no colon behind a genotype");
    }
    rest.remove_prefix(1);
  }
  const char* at = rest.data();
  const char* const end = at + rest.size();
  for (std::size_t field = 0; field < named; ++field, ++at) {
    at = out.add(layout.columns[field], cell, at, end, ':');
    if (at == end) return static_cast<std::uint32_t>(named - field - 1);
  }
  out.add(0, cell, at, end, kNoStop);
  return static_cast<std::uint32_t>(named + 1);
}

}  // namespace

FieldLayouts field_layouts(std::span<const std::string_view> formats,
                           std::span<const std::uint32_t> active) {
  FieldLayouts all;
  all.names.emplace_back();
  all.of_record.assign(formats.size(), 0);
  std::unordered_map<std::string_view, std::uint32_t> known;
  std::unordered_map<std::string, std::uint32_t> columns;
  for (std::size_t r = 0; r < formats.size(); ++r) {
    if (active[r] == 0) continue;
    const auto [found, fresh] =
        known.try_emplace(formats[r], static_cast<std::uint32_t>(all.layouts.size()));
    if (fresh) all.layouts.push_back(layout_of(formats[r], all, columns));
    all.of_record[r] = found->second;
  }
  return all;
}

FieldTable split_fields(const FormatCells& bin, std::span<const std::string_view> formats,
                        SampleRange samples, FieldLayouts& layouts) {
  FieldTable table;
  table.samples = samples.count;
  table.active.resize(bin.records);
  for (std::size_t r = 0; r < bin.records && samples.count > 0; ++r) {
    const std::size_t first = r * bin.samples + samples.first;
    table.active[r] = bin.offsets[first] != bin.offsets[first + samples.count] ? 1 : 0;
  }
  layouts = field_layouts(formats, table.active);
  table.columns.resize(layouts.names.size());
  Splitter splitter(table, samples.count);
  for (std::size_t r = 0; r < bin.records; ++r) {
    if (table.active[r] == 0) continue;
    const FieldLayout& layout = layouts.layouts[layouts.of_record[r]];
    for (std::size_t s = 0; s < samples.count; ++s) {
      const auto cell = static_cast<std::uint32_t>(table.lacking.size());
      table.lacking.push_back(split_cell(bin.rest(r, samples.first + s), layout, cell, splitter));
    }
  }
  splitter.finish();
  return table;
}

}  // namespace cnf::vcfs3
