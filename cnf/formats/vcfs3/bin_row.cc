// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/bin_row.h"

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/index/interval.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/layout.h"
#include "cnf/formats/vcfs3/zones.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::uint64_t kAnyOffset = std::uint64_t{1} << 48;  // sums of a few stay far from 2^64
constexpr std::uint64_t kAnyLength = std::uint64_t{1} << 32;
constexpr std::size_t kHeadColumns = 5;  // records, bins, bin, chunk, pages
constexpr std::size_t kPageColumns = 7;
constexpr std::size_t kTileColumns = 4;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

float rounded_down(double value) {
  constexpr float kMost = std::numeric_limits<float>::max();
  if (value > double{kMost}) return value > std::numeric_limits<double>::max() ? kInfinity : kMost;
  if (value < -double{kMost}) return -kInfinity;
  const auto nearest = static_cast<float>(value);
  return double{nearest} > value ? std::nextafter(nearest, -kInfinity) : nearest;
}
float rounded_up(double value) { return -rounded_down(-value); }

// Sign and exponent come first: of the numbers people write, most then have few low bytes set.
std::uint32_t turned(std::uint32_t bits) {
  return bits >> 24U | (bits >> 8U & 0xff00U) | (bits << 8U & 0xff0000U) | bits << 24U;
}

class RowWriter {
 public:
  explicit RowWriter(std::size_t columns) { out_.reserve(columns); }
  void put(std::uint64_t value) { out_.push_back(value); }
  /// The difference of two offsets or positions, modulo 2^64.
  void put_from(std::uint64_t origin, std::uint64_t value) {
    out_.push_back(zigzag(static_cast<std::int64_t>(value - origin)));
  }
  void put(const Zone& zone) {
    put(turned(std::bit_cast<std::uint32_t>(static_cast<float>(zone.min))));
    put(turned(std::bit_cast<std::uint32_t>(static_cast<float>(zone.max))));
  }
  void skip(std::size_t columns) { out_.resize(out_.size() + columns); }
  [[nodiscard]] std::vector<std::uint64_t> take() { return std::move(out_); }

 private:
  std::vector<std::uint64_t> out_;
};

/// Takes columns one after the other, each checked against what it may be at the most.
class RowReader {
 public:
  RowReader(std::span<const std::uint64_t> columns, std::string_view subject)
      : columns_(columns), subject_(subject) {}

  [[noreturn]] void fail(std::string_view why) const {
    throw Error(Errc::corrupt_data, "read index", subject_, why);
  }
  [[nodiscard]] std::uint64_t get(std::uint64_t most) {
    const std::uint64_t value = columns_[at_++];
    if (value > most) fail("a bin's entry is out of range");
    return value;
  }
  [[nodiscard]] std::uint64_t get_from(std::uint64_t origin) {
    return origin + static_cast<std::uint64_t>(unzigzag(columns_[at_++]));
  }
  [[nodiscard]] std::uint64_t get_offset_from(std::uint64_t origin) {
    const std::uint64_t offset = get_from(origin);
    if (offset > kAnyOffset) fail("a part of a bin lies out of range");
    return offset;
  }
  [[nodiscard]] Zone get_zone() {
    const Zone zone{.min = get_float(), .max = get_float()};
    if (std::isnan(zone.min) || std::isnan(zone.max)) fail("a zone that begins or ends nowhere");
    return zone;
  }
  void skip_zeros(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (get(0) != 0) fail("a page behind the last");
    }
  }

 private:
  [[nodiscard]] double get_float() {
    const std::uint64_t bits = get(std::numeric_limits<std::uint32_t>::max());
    return double{std::bit_cast<float>(turned(static_cast<std::uint32_t>(bits)))};
  }

  std::span<const std::uint64_t> columns_;
  std::string_view subject_;
  std::size_t at_ = 0;
};

void put_tiles(const std::vector<TileRow>& tiles, std::uint64_t origin, RowWriter& out) {
  std::uint64_t genotypes = origin;
  std::uint64_t format = origin;
  for (const TileRow& tile : tiles) {
    out.put(tile.genotypes_length);
    out.put(tile.format_length);
    // From the tile of the group before: nearly the same distance for every bin of a chunk.
    out.put_from(genotypes, tile.genotypes_length == 0 ? genotypes : tile.genotypes_offset);
    out.put_from(format, tile.format_length == 0 ? format : tile.format_offset);
    if (tile.genotypes_length != 0) genotypes = tile.genotypes_offset;
    if (tile.format_length != 0) format = tile.format_offset;
  }
}

void get_tiles(std::vector<TileRow>& tiles, std::uint64_t origin, RowReader& in) {
  std::uint64_t genotypes = origin;
  std::uint64_t format = origin;
  for (TileRow& tile : tiles) {
    tile.genotypes_length = in.get(kAnyLength);
    tile.format_length = in.get(kAnyLength);
    genotypes = in.get_offset_from(genotypes);
    format = in.get_offset_from(format);
    if (tile.genotypes_length != 0) tile.genotypes_offset = genotypes;
    if (tile.format_length != 0) tile.format_offset = format;
  }
}

}  // namespace

PageZones cover(const PageZones& zones) {
  const auto covered = [](const Zone& zone) {
    if (zone.empty()) return Zone{};
    return Zone{.min = rounded_down(zone.min), .max = rounded_up(zone.max)};
  };
  PageZones out{.qual = covered(zones.qual), .alts = covered(zones.alts), .info = {}};
  out.info.reserve(zones.info.size());
  for (const Zone& zone : zones.info) out.info.push_back(covered(zone));
  return out;
}

std::uint64_t BinRow::records() const noexcept {
  std::uint64_t sum = 0;
  for (const PageRow& page : pages) sum += page.records;
  return sum;
}

BinRowLayout::BinRowLayout(std::size_t zone_keys, std::size_t groups)
    : zone_keys_(zone_keys), groups_(groups) {
  if (zone_keys > kMaxZoneKeys || groups > kMaxGroups) {
    throw Error(Errc::invalid_argument, "index bins", fmt::format("{} groups of samples", groups),
                fmt::format("a row of the index holds {}", kMaxGroups),
                "use larger groups: --chunk-samples");
  }
}

std::size_t BinRowLayout::columns() const noexcept {
  return kHeadColumns + kBinPages * (kPageColumns + 2 * (2 + zone_keys_)) + kTileColumns * groups_;
}

std::vector<std::uint64_t> BinRowLayout::encode(const BinRow& row) const {
  RowWriter out(columns());
  for (const std::uint64_t value :
       {row.records(), std::uint64_t{1}, row.bin, row.chunk, std::uint64_t{row.pages.size()}}) {
    out.put(value);
  }
  std::uint64_t end = 0;
  for (const PageRow& page : row.pages) {
    out.put(page.records);
    out.put_from(static_cast<std::uint64_t>(row.key.start),
                 static_cast<std::uint64_t>(page.min_start));
    out.put_from(static_cast<std::uint64_t>(page.min_start),
                 static_cast<std::uint64_t>(page.max_end));
    out.put_from(end, page.offset);
    for (const std::uint64_t length : {page.core_length, page.info_length, page.carriers_length})
      out.put(length);
    out.put(page.zones.qual);
    out.put(page.zones.alts);
    for (const Zone& zone : page.zones.info) out.put(zone);
    end = page.offset + page.length();
  }
  out.skip((kBinPages - row.pages.size()) * (kPageColumns + 2 * (2 + zone_keys_)));
  put_tiles(row.tiles, end, out);
  return out.take();
}

BinRow BinRowLayout::decode(const index::Interval& key, std::span<const std::uint64_t> columns,
                            std::string_view subject) const {
  RowReader in(columns, subject);
  if (columns.size() != this->columns()) in.fail("a bin's entry has another number of columns");
  BinRow row{.key = key};
  const std::uint64_t records = in.get(kBinRecords);
  if (in.get(1) != 1) in.fail("a row that is no bin");
  row.bin = in.get(kAnyOffset);
  row.chunk = in.get(kAnyOffset);
  row.pages.resize(in.get(kBinPages));
  std::uint64_t end = 0;
  for (PageRow& page : row.pages) {
    page.records = in.get(kPageRecords);
    page.min_start = static_cast<std::int64_t>(in.get_from(static_cast<std::uint64_t>(key.start)));
    page.max_end =
        static_cast<std::int64_t>(in.get_from(static_cast<std::uint64_t>(page.min_start)));
    page.offset = in.get_offset_from(end);
    page.core_length = in.get(kAnyLength);
    page.info_length = in.get(kAnyLength);
    page.carriers_length = in.get(kAnyLength);
    page.zones.qual = in.get_zone();
    page.zones.alts = in.get_zone();
    page.zones.info.resize(zone_keys_);
    for (Zone& zone : page.zones.info) zone = in.get_zone();
    if (page.records == 0 || page.min_start < key.start || page.max_end > key.end ||
        page.max_end < page.min_start) {
      in.fail("a page is not within its bin");
    }
    end = page.offset + page.length();
  }
  in.skip_zeros((kBinPages - row.pages.size()) * (kPageColumns + 2 * (2 + zone_keys_)));
  if (row.pages.empty() || row.records() != records) in.fail("a bin and its pages disagree");
  row.tiles.resize(groups_);
  get_tiles(row.tiles, end, in);
  return row;
}

}  // namespace cnf::vcfs3
