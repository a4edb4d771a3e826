// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/compress/integers.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/formats/vcfs3/format_columns_internal.h"
#include "cnf/formats/vcfs3/format_features_internal.h"
#include "cnf/formats/vcfs3/format_field_coder_internal.h"
#include "cnf/formats/vcfs3/format_model_internal.h"
#include "cnf/formats/vcfs3/format_stream_internal.h"
#include "cnf/formats/vcfs3/format_tile.h"

namespace cnf::vcfs3 {
namespace {

using Kind = Feature::Kind;

constexpr std::uint8_t kHasSigns = 1, kHasDecimals = 2;

/// Columns coded before that are looked at, the last ones first, besides the first two.
constexpr std::size_t kNeighbours = 4;
/// Elements of them that are.
constexpr std::size_t kNeighbourPlaces = 3;

std::vector<std::uint32_t> neighbours(std::span<const std::uint32_t> before) {
  std::vector<std::uint32_t> result;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (i < 2 || i + kNeighbours >= before.size()) result.push_back(before[i]);
  }
  return result;
}

/// Features that are known and say more than nothing about the cells.
ModelPool pool_for(const FieldTable& table, std::span<const std::uint32_t> before,
                   const Features& features, std::vector<Feature> own) {
  ModelPool pool;
  pool.contexts = {{Kind::genotype, 0, 0}, {Kind::sample, 0, 0}, {Kind::lacking, 0, 0}};
  for (const Feature& feature : own) {
    pool.contexts.push_back(feature);
    if (feature.kind == Kind::element) pool.bases.push_back(feature);
  }
  for (const std::uint32_t column : neighbours(before)) {
    const FieldColumn& c = table.columns[column];
    std::vector<Feature> asked;
    for (std::uint32_t j = 0; j < kNeighbourPlaces && !c.places[j].empty(); ++j) {
      asked.push_back({Kind::element, column, j});
    }
    if (!c.places[1].empty()) {
      asked.push_back({Kind::arity, column, 0});
      asked.push_back({Kind::sum, column, kOwnPlaces});
    }
    if (!c.places[2].empty()) asked.push_back({Kind::gap, column, 0});
    for (const Feature& feature : asked) {
      pool.contexts.push_back(feature);
      if (feature.kind != Kind::arity && feature.place != 1) pool.bases.push_back(feature);
    }
  }
  const auto unknown = [&](const Feature& f) { return !features.is_known(f); };
  std::erase_if(pool.contexts, unknown);
  std::erase_if(pool.bases, unknown);
  return pool;
}

/// Features of the column itself, and sums of it set against what stood before.
ModelPool pool_for_place(const FieldTable& table, std::uint32_t column, std::size_t place,
                         std::span<const std::uint32_t> before, const Features& features) {
  const auto j = static_cast<std::uint32_t>(place);
  std::vector<Feature> own = {{Kind::arity, column, 0}, {Kind::decimals, column, j}};
  for (std::uint32_t back = 1; back <= std::min(j, 3U); ++back) {
    own.push_back({Kind::element, column, j - back});
  }
  if (j > 1) own.push_back({Kind::sum, column, j});
  ModelPool pool = pool_for(table, before, features, std::move(own));
  for (const std::uint32_t other : neighbours(before)) {
    const Feature rest = {Kind::rest, other, j};
    if (j == 0 || !features.is_known(rest)) continue;
    pool.contexts.push_back(rest);
    pool.bases.push_back(rest);
  }
  return pool;
}

std::vector<std::uint32_t> cells_at(const FieldColumn& column, std::size_t place) {
  std::vector<std::uint32_t> result;
  for (std::size_t i = 0; i < column.cells.size(); ++i) {
    if (column.arities[i] > place) result.push_back(column.cells[i]);
  }
  return result;
}

void put_texts(std::span<const std::string_view> texts, int level, ByteWriter& out) {
  Buffer lengths, characters;
  ByteWriter lengths_out(lengths);
  for (const std::string_view text : texts) {
    lengths_out.put_varint(text.size());
    characters.append(as_bytes(text));
  }
  out.put_varint(texts.size());
  out.put_varint(lengths.size());
  put_block(lengths, level, out);
  out.put_varint(characters.size());
  put_block(characters, level, out);
}

std::vector<std::string_view> get_texts(ByteReader& in, std::uint64_t most,
                                        std::vector<Buffer>& held) {
  const std::uint64_t count = in.get_varint();
  const std::uint64_t lengths_size = in.get_varint();
  if (count > most || lengths_size > count * 10) in.fail("more texts than fields that have one");
  const Buffer lengths = get_block(in, lengths_size);
  const std::uint64_t size = in.get_varint();
  if (size > kMaxFormatText) in.fail("texts are too long");
  held.push_back(get_block(in, size));
  std::string_view characters = as_text(held.back());
  ByteReader each(lengths, "FORMAT tile");
  std::vector<std::string_view> texts(count);
  for (std::string_view& text : texts) {
    const std::uint64_t length = each.get_varint();
    if (length > characters.size()) in.fail("texts shorter than their lengths say");
    text = characters.substr(0, length);
    characters.remove_prefix(length);
  }
  return texts;
}

/// Elements behind the last place with a stream of its own.
std::uint64_t tail_size(const FieldColumn& column) {
  std::uint64_t size = 0;
  for (const std::uint32_t arity : column.arities) {
    size += arity > kOwnPlaces ? arity - kOwnPlaces : 0;
  }
  return size;
}

void check_symbols(std::span<const std::uint32_t> symbols, std::uint32_t most,
                   const ByteReader& in) {
  std::uint32_t greatest = 0;
  for (const std::uint32_t symbol : symbols) greatest = std::max(greatest, symbol);
  if (greatest > most) in.fail("a symbol that is none");
}

}  // namespace

std::vector<std::uint32_t> coding_order(const FieldTable& table,
                                        std::span<const std::string> names) {
  constexpr std::array<std::string_view, 4> kFirst = {"DP", "AD", "PL", "GQ"};
  std::vector<std::uint32_t> order;
  for (std::uint32_t c = 0; c < table.columns.size(); ++c) {
    if (!table.columns[c].cells.empty()) order.push_back(c);
  }
  std::ranges::stable_sort(order, {}, [&](std::uint32_t c) {
    return std::ranges::find(kFirst, names[c]) - kFirst.begin();
  });
  return order;
}

void put_column_of_fields(const FieldTable& table, std::uint32_t column,
                          std::span<const std::uint32_t> before, Features& features, int level,
                          ByteWriter& out) {
  const FieldColumn& c = table.columns[column];
  const bool decimals = c.has_decimals();
  out.put(static_cast<std::uint8_t>((c.has_signs ? kHasSigns : 0) | (decimals ? kHasDecimals : 0)));
  const auto put = [&](std::span<const std::uint32_t> symbols, std::span<const std::uint32_t> cells,
                       const ModelPool& pool) {
    put_stream(symbols, cells, choose_model(symbols, cells, pool, features, level), features, level,
               out);
  };
  put(c.arities, c.cells, pool_for(table, before, features, {}));
  for (std::size_t j = 0; j < kOwnPlaces && !c.places[j].empty(); ++j) {
    const std::vector<std::uint32_t> cells = cells_at(c, j);
    features.set_known(column, j, j);
    if (decimals) {
      put(c.decimals[j], cells, pool_for_place(table, column, j, before, features));
      features.set_known(column, j, j + 1);
    }
    put(c.places[j], cells, pool_for_place(table, column, j, before, features));
  }
  features.set_known(column, kOwnPlaces, kOwnPlaces);
  if (!c.places[kOwnPlaces].empty()) {
    if (decimals) put_planes(c.decimals[kOwnPlaces], level, out);
    put_planes(c.places[kOwnPlaces], level, out);
  }
  const std::vector<std::uint32_t> text_cells = c.text_cells();
  if (text_cells.empty()) return;
  put(c.text_codes, text_cells, pool_for(table, before, features, {{Kind::arity, column, 0}}));
  put_texts(c.texts, level, out);
}

void get_column_of_fields(ByteReader& in, FieldTable& table, std::uint32_t column,
                          Features& features, std::vector<Buffer>& held) {
  FieldColumn& c = table.columns[column];
  const auto flags = in.get<std::uint8_t>();
  c.has_signs = (flags & kHasSigns) != 0;
  const bool decimals = (flags & kHasDecimals) != 0;
  const std::uint32_t most = c.has_signs ? kMaxSymbol : kNumberSymbol + kMaxMagnitude;
  c.arities = get_stream(in, c.cells, features);
  if (std::ranges::find(c.arities, 0U) != c.arities.end()) in.fail("a field of no elements");
  for (std::size_t j = 0; j < kOwnPlaces; ++j) {
    const std::vector<std::uint32_t> cells = cells_at(c, j);
    if (cells.empty()) break;
    features.set_known(column, j, j);
    if (decimals) {
      c.decimals[j] = get_stream(in, cells, features);
      check_symbols(c.decimals[j], kMaxDecimals, in);
      features.set_known(column, j, j + 1);
    }
    c.places[j] = get_stream(in, cells, features);
    check_symbols(c.places[j], most, in);
  }
  features.set_known(column, kOwnPlaces, kOwnPlaces);
  const std::uint64_t tail = tail_size(c);
  if (tail > kMaxFormatText) in.fail("more elements than its text has room for");
  if (tail > 0) {
    if (decimals) {
      c.decimals[kOwnPlaces] = get_planes(in, tail);
      check_symbols(c.decimals[kOwnPlaces], kMaxDecimals, in);
    }
    c.places[kOwnPlaces] = get_planes(in, tail);
    check_symbols(c.places[kOwnPlaces], most, in);
  }
  const std::vector<std::uint32_t> text_cells = c.text_cells();
  if (text_cells.empty()) return;
  c.text_codes = get_stream(in, text_cells, features);
  c.texts = get_texts(in, text_cells.size(), held);
}

}  // namespace cnf::vcfs3
