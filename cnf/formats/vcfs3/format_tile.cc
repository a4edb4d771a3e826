// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/format_tile.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/format_cells.h"
#include "cnf/formats/vcfs3/format_columns_internal.h"
#include "cnf/formats/vcfs3/format_features_internal.h"
#include "cnf/formats/vcfs3/format_field_coder_internal.h"
#include "cnf/formats/vcfs3/format_stream_internal.h"
#include "cnf/formats/vcfs3/genotypes.h"

namespace cnf::vcfs3 {
namespace {

/// A tile's first byte behind the checksum.
constexpr std::uint8_t kAsText = 0, kAsColumns = 1;
constexpr std::size_t kChecksumBytes = 4;

/// Per cell of active records the class of its genotype.
std::vector<std::uint32_t> genotype_classes(const Genotypes& genotypes, SampleRange samples,
                                            std::span<const std::uint32_t> active) {
  std::array<std::uint32_t, Genotypes::kEscape> classes = {};
  for (std::size_t i = 0; i < std::min(genotypes.texts.size(), classes.size()); ++i) {
    classes[i] = genotype_class(genotypes.texts[i]);
  }
  std::vector<std::uint32_t> result;
  for (std::size_t r = 0; r < active.size(); ++r) {
    if (active[r] == 0) continue;
    const bool present = r < genotypes.present.size() && genotypes.present[r] != 0;
    for (std::size_t s = samples.first; s < samples.first + samples.count; ++s) {
      if (!present) {
        result.push_back(0);
        continue;
      }
      const std::uint8_t code = genotypes.codes[r * genotypes.samples + s];
      result.push_back(code != Genotypes::kEscape ? classes[code]
                                                  : genotype_class(genotypes.text(r, s)));
    }
  }
  return result;
}

void put_columns(const FieldTable& table, const FieldLayouts& layouts,
                 std::span<const std::uint32_t> classes, int level, ByteWriter& out) {
  Features features(table, classes);
  Buffer active(table.active.size());
  std::ranges::transform(table.active, active.data(),
                         [](std::uint32_t a) { return static_cast<std::byte>(a); });
  put_block(active, level, out);
  std::vector<std::uint32_t> cells(table.lacking.size());
  std::iota(cells.begin(), cells.end(), 0U);
  const StreamModel by_genotype = {.contexts = {{Feature::Kind::genotype, 0, 0}}};
  put_stream(table.lacking, cells, by_genotype, features, level, out);
  const std::vector<std::uint32_t> order = coding_order(table, layouts.names);
  for (std::size_t i = 0; i < order.size(); ++i) {
    out.put_varint(order[i]);
    put_column_of_fields(table, order[i], std::span(order).first(i), features, level, out);
    features.drop();
  }
}

/// Gives the fields of each column their cells. Throws corrupt_data if `lacking` is out of range.
void place_fields(FieldTable& table, const FieldLayouts& layouts, const ByteReader& in) {
  std::uint32_t cell = 0;
  for (std::size_t r = 0; r < table.active.size(); ++r) {
    if (table.active[r] == 0) continue;
    const FieldLayout& layout = layouts.layouts[layouts.of_record[r]];
    for (std::size_t s = 0; s < table.samples; ++s, ++cell) {
      if (table.lacking[cell] > layout.columns.size() + 1) in.fail("a cell lacks too many fields");
      const std::size_t fields = fields_of(layout, table.lacking[cell]);
      for (std::size_t f = 0; f < fields; ++f) {
        table.columns[f < layout.columns.size() ? layout.columns[f] : 0].cells.push_back(cell);
      }
    }
  }
}

void get_active(ByteReader& in, std::size_t records, FieldTable& table) {
  const Buffer active = get_block(in, records);
  table.active.resize(records);
  for (std::size_t r = 0; r < records; ++r) {
    table.active[r] = std::to_integer<std::uint32_t>(active.data()[r]);
    if (table.active[r] > 1) in.fail("a flag that is neither 0 nor 1");
  }
}

FormatCells get_columns(ByteReader& in, std::span<const std::string_view> formats,
                        const Genotypes& genotypes, std::string_view subject) {
  FieldTable table{.samples = genotypes.samples};
  get_active(in, formats.size(), table);
  const FieldLayouts layouts = field_layouts(formats, table.active);
  table.columns.resize(layouts.names.size());
  const std::vector<std::uint32_t> classes =
      genotype_classes(genotypes, {0, genotypes.samples}, table.active);
  Features features(table, classes);
  std::vector<std::uint32_t> cells(classes.size());
  std::iota(cells.begin(), cells.end(), 0U);
  table.lacking.resize(classes.size());  // what features of cells are as long as
  table.lacking = get_stream(in, cells, features);
  place_fields(table, layouts, in);

  std::vector<Buffer> held;
  std::vector<std::uint8_t> done(table.columns.size());
  const auto with_fields =
      std::ranges::count_if(table.columns, [](const FieldColumn& c) { return !c.cells.empty(); });
  for (std::ptrdiff_t i = 0; i < with_fields; ++i) {
    const std::uint64_t column = in.get_varint();
    if (column >= done.size() || done[column] != 0 || table.columns[column].cells.empty()) {
      in.fail("a column that is none, or is there twice");
    }
    done[column] = 1;
    get_column_of_fields(in, table, static_cast<std::uint32_t>(column), features, held);
    features.drop();
  }
  if (!in.at_end()) in.fail("bytes behind the last column");
  return join_fields(table, layouts, subject);
}

void put_text(const FormatCells& bin, SampleRange samples, int level, ByteWriter& out) {
  Buffer lengths, text;
  ByteWriter lengths_out(lengths);
  for (std::size_t r = 0; r < bin.records; ++r) {
    for (std::size_t s = 0; s < samples.count; ++s) {
      const std::string_view rest = bin.rest(r, samples.first + s);
      lengths_out.put_varint(rest.size());
      text.append(as_bytes(rest));
    }
  }
  out.put_varint(lengths.size());
  put_block(lengths, level, out);
  out.put_varint(text.size());
  put_block(text, level, out);
}

FormatCells get_text(ByteReader& in, std::size_t records, std::size_t samples) {
  FormatCells cells{.records = records, .samples = samples};
  const std::uint64_t lengths_size = in.get_varint();
  if (lengths_size / 10 > records * samples) in.fail("more lengths than cells");
  const Buffer lengths = get_block(in, lengths_size);
  const std::uint64_t size = in.get_varint();
  if (size > kMaxFormatText) in.fail("its text is too long");
  cells.text = get_block(in, size);
  if (!in.at_end()) in.fail("bytes behind the text");
  ByteReader each(lengths, "FORMAT tile");
  cells.offsets.reserve(records * samples + 1);
  cells.offsets.push_back(0);
  for (std::size_t i = 0; i < records * samples; ++i) {
    const std::uint64_t length = each.get_varint();
    if (length > size - cells.offsets.back()) in.fail("cells longer than the text");
    cells.offsets.push_back(cells.offsets.back() + static_cast<std::uint32_t>(length));
  }
  if (cells.offsets.back() != size || !each.at_end()) in.fail("text behind the last cell");
  return cells;
}

std::size_t text_size(const FormatCells& bin, SampleRange samples) {
  std::size_t size = 0;
  for (std::size_t r = 0; r < bin.records && !bin.empty(); ++r) {
    const std::size_t first = r * bin.samples + samples.first;
    size += bin.offsets[first + samples.count] - bin.offsets[first];
  }
  return size;
}

}  // namespace

Buffer encode_format(const FormatCells& bin, std::span<const std::string_view> formats,
                     const Genotypes& genotypes, SampleRange samples, int level) {
  const std::size_t size = text_size(bin, samples);
  if (size == 0) return {};
  FieldLayouts layouts;
  const FieldTable table = split_fields(bin, formats, samples, layouts);
  const auto classes = genotype_classes(genotypes, samples, table.active);
  // What foretells a column is sought in all others: with so many, which no program writes, that
  // would take minutes and gigabytes.
  constexpr std::size_t kMaxColumns = 256;
  const bool too_many = layouts.names.size() > kMaxColumns;
  Buffer columns;
  if (!too_many) {
    ByteWriter columns_out(columns);
    put_columns(table, layouts, classes, level, columns_out);
  }

  // Text is worth a try where columns are poor; it takes as long as all of them.
  constexpr std::size_t kSmall = 65536, kPoor = 4;
  Buffer text;
  if (too_many || size < kSmall || columns.size() > size / kPoor) {
    ByteWriter text_out(text);
    put_text(bin, samples, level, text_out);
  }
  const bool as_text = too_many || (!text.empty() && text.size() < columns.size());
  Buffer tile;
  ByteWriter out(tile);
  out.put(std::uint32_t{0});
  out.put(as_text ? kAsText : kAsColumns);
  out.put_bytes(as_text ? text : columns);
  const std::uint32_t crc = crc32c(tile.span().subspan(kChecksumBytes));
  std::memcpy(tile.data(), &crc, sizeof(crc));
  return tile;
}

FormatCells decode_format(ByteSpan tile, std::span<const std::string_view> formats,
                          const Genotypes& genotypes, std::string_view subject) {
  if (tile.empty()) return {.records = formats.size(), .samples = genotypes.samples};
  ByteReader in(tile, subject);
  const auto crc = in.get<std::uint32_t>();
  verify_crc32c(tile.subspan(kChecksumBytes), crc, subject);
  const auto form = in.get<std::uint8_t>();
  if (form == kAsText) return get_text(in, formats.size(), genotypes.samples);
  if (form != kAsColumns) in.fail("a tile of a form that is none");
  return get_columns(in, formats, genotypes, subject);
}

}  // namespace cnf::vcfs3
