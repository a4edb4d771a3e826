// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/decoded_bin.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/format_tile.h"
#include "cnf/formats/vcfs3/genotype_tile.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/site_page.h"
#include "cnf/formats/vcfs3/variant.h"

namespace cnf::vcfs3 {
namespace {

void append(Buffer& out, std::string_view text) { out.append(as_bytes(text)); }

void append_field(Buffer& out, std::string_view text) {
  const MutableByteSpan room = out.extend(text.size() + 1);
  room[0] = std::byte{'\t'};
  if (!text.empty()) std::memcpy(room.data() + 1, text.data(), text.size());
}

}  // namespace

bool has_alternate(std::string_view genotype) noexcept {
  // Any digit but a lone 0 makes an allele that is not the reference; "00" does not, "10" does.
  return genotype.find_first_of("123456789") != std::string_view::npos;
}

std::uint32_t DecodedBin::GenotypeCounts::*genotype_kind(std::string_view genotype) noexcept {
  using Counts = DecodedBin::GenotypeCounts;
  std::string_view first;
  bool differ = false;
  while (!genotype.empty() && (genotype[0] == '/' || genotype[0] == '|')) genotype.remove_prefix(1);
  if (genotype.empty()) return &Counts::missing;
  for (std::size_t start = 0; start <= genotype.size();) {
    const std::size_t end = std::min(genotype.find_first_of("/|", start), genotype.size());
    const std::string_view allele = genotype.substr(start, end - start);
    if (allele.empty() || allele == ".") return &Counts::missing;
    if (start == 0) first = allele;
    differ = differ || allele != first;
    start = end + 1;
  }
  if (differ) return &Counts::heterozygous;
  return first == "0" ? &Counts::reference : &Counts::alternate;
}

CellOrder::CellOrder(std::span<const SampleRange> groups,
                     const std::optional<std::vector<std::size_t>>& samples) {
  if (!samples) {
    for (std::size_t g = 0; g < groups.size(); ++g) {
      groups_.push_back(g);
      runs_.push_back({g, 0, groups[g].count});
      cells_ += groups[g].count;
    }
    ranges_.assign(groups.begin(), groups.end());
    return;
  }
  cells_ = samples->size();
  const std::size_t all = groups.empty() ? 0 : groups.back().first + groups.back().count;
  std::vector<std::size_t> group_of;  // of each wanted sample
  for (const std::size_t sample : *samples) {
    if (sample >= all) {
      throw Error(Errc::invalid_argument, "choose samples", fmt::format("number {}", sample),
                  fmt::format("there are {}", all));
    }
    const auto after = std::ranges::upper_bound(groups, sample, {}, &SampleRange::first);
    group_of.push_back(static_cast<std::size_t>(after - groups.begin()) - 1);
  }
  groups_ = group_of;
  std::ranges::sort(groups_);
  groups_.erase(std::unique(groups_.begin(), groups_.end()), groups_.end());
  for (const std::size_t group : groups_) ranges_.push_back(groups[group]);
  whole_ = samples->size() == all;
  for (std::size_t i = 0; i < samples->size(); ++i) {
    whole_ = whole_ && (*samples)[i] == i;
    const auto at = std::ranges::lower_bound(groups_, group_of[i]);
    const auto tile = static_cast<std::size_t>(at - groups_.begin());
    const std::size_t column = (*samples)[i] - groups[group_of[i]].first;
    if (!runs_.empty() && runs_.back().tile == tile &&
        runs_.back().first + runs_.back().count == column) {
      ++runs_.back().count;
    } else {
      runs_.push_back({tile, column, 1});
    }
  }
}

DecodedBin::DecodedBin(std::string_view contig, const BinRow& row, const BinBytes& bytes,
                       const CellOrder& order, std::string subject)
    : contig_(contig), row_(&row), bytes_(&bytes), order_(&order), subject_(std::move(subject)) {
  std::size_t records = 0;
  for (std::size_t i = 0; i < row.pages.size(); ++i) {
    first_.push_back(records);
    pages_.emplace_back();
    if (!bytes.pages[i].core.empty()) {
      pages_.back().emplace(bytes.pages[i].core, bytes.pages[i].info,
                            static_cast<std::size_t>(row.pages[i].records),
                            fmt::format("{}, page {}", subject_, i));
    }
    records += row.pages[i].records;
  }
  first_.push_back(records);
}

std::size_t DecodedBin::page_of(std::size_t record) const {
  const auto after = std::upper_bound(first_.begin(), first_.end(), record);
  return static_cast<std::size_t>(after - first_.begin()) - 1;
}

bool DecodedBin::is_raw(std::size_t record) {
  const std::size_t number = page_of(record);
  return pages_[number]->raw()[record - first_[number]] != 0;
}

std::int64_t DecodedBin::position(std::size_t record) {
  const std::size_t number = page_of(record);
  return pages_[number]->positions()[record - first_[number]];
}

std::string_view DecodedBin::residual(std::size_t record) {
  const std::size_t number = page_of(record);
  return pages_[number]->residual(record - first_[number]);
}

void DecodedBin::keep_to(std::size_t first, std::size_t end) {
  if (!genotypes_decoded_) wanted_ = {.first = first, .count = end - first};
}

void DecodedBin::decode_genotypes_once() {
  if (genotypes_decoded_) return;
  genotypes_decoded_ = true;
  // What stands in FORMAT tiles is foretold by the genotypes of all records.
  if (std::ranges::any_of(bytes_->tiles, [](const auto& tile) { return !tile.format.empty(); })) {
    wanted_ = {};
  }
  std::vector<std::uint8_t> present;
  for (auto& page : pages_) std::ranges::copy(page->has_genotypes(), std::back_inserter(present));
  tiles_.resize(bytes_->tiles.size());
  for (std::size_t t = 0; t < tiles_.size(); ++t) {
    Tile& tile = tiles_[t];
    tile.genotypes = decode_genotypes(
        bytes_->tiles[t].genotypes, present, order_->ranges()[t].count,
        fmt::format("{}, genotypes of group {}", subject_, order_->groups()[t]), wanted_);
    const std::size_t texts = std::min<std::size_t>(tile.genotypes.texts.size(), 255);
    for (std::size_t code = 0; code < texts; ++code) {
      const std::string_view text = tile.genotypes.texts[code];
      Word& word = tile.words[code];
      word.alternate = has_alternate(text);
      word.kind = genotype_kind(text);
      if (text.size() >= word.bytes.size()) continue;
      word.bytes[0] = '\t';
      std::ranges::copy(text, word.bytes.begin() + 1);
      word.length = static_cast<std::uint8_t>(text.size() + 1);
    }
  }
}

void DecodedBin::decode_format_once() {
  decode_genotypes_once();
  if (format_decoded_) return;
  format_decoded_ = true;
  const bool any = std::ranges::any_of(
      bytes_->tiles, [](const BinBytes::Tile& tile) { return !tile.format.empty(); });
  if (!any) return;
  std::vector<std::string_view> formats;
  for (auto& page : pages_) {
    for (std::size_t i = 0; i < page->records(); ++i) {
      formats.push_back(page->site(i, {.format = true}).format);
    }
  }
  for (std::size_t t = 0; t < tiles_.size(); ++t) {
    if (bytes_->tiles[t].format.empty()) continue;
    tiles_[t].format =
        decode_format(bytes_->tiles[t].format, formats, tiles_[t].genotypes,
                      fmt::format("{}, FORMAT of group {}", subject_, order_->groups()[t]));
    tiles_[t].has_format = !tiles_[t].format.empty();
  }
}

void DecodedBin::view_cells(std::size_t record, bool has_genotype, bool with_rest) {
  cells_.clear();
  ends_.clear();
  scratch_.clear();
  for (const CellOrder::Run& run : order_->runs()) {
    const Tile& tile = tiles_[run.tile];
    const bool rests = with_rest && tile.has_format;
    for (std::size_t i = run.first; i < run.first + run.count; ++i) {
      const std::string_view genotype =
          has_genotype ? tile.genotypes.text(record - wanted_.first, i) : std::string_view();
      const std::string_view rest = rests ? tile.format.rest(record, i) : std::string_view();
      if (rest.empty() || genotype.empty()) {
        cells_.push_back(rest.empty() ? genotype : rest);
      } else {
        // Joined text moves as it grows: its place is filled in below.
        append(scratch_, genotype);
        append(scratch_, rest);
        ends_.push_back(cells_.size());
        cells_.emplace_back(rest.data(), genotype.size() + rest.size());
      }
    }
  }
  std::size_t at = 0;
  for (const std::size_t cell : ends_) {
    cells_[cell] = as_text(scratch_.span()).substr(at, cells_[cell].size());
    at += cells_[cell].size();
  }
}

const Variant& DecodedBin::variant(std::size_t record, const Needs& needs) {
  const std::size_t number = page_of(record);
  SitePage& page = *pages_[number];
  const std::size_t in_page = record - first_[number];
  variant_.contig = contig_;
  variant_.site = page.site(in_page, needs);
  variant_.end = page.ends()[in_page];
  variant_.cells = {};
  if ((needs.genotypes || needs.format) && !variant_.site.is_raw && !bytes_->tiles.empty() &&
      !variant_.site.format.empty()) {
    if (needs.format) {
      decode_format_once();
    } else {
      decode_genotypes_once();
    }
    view_cells(record, variant_.site.has_genotypes(), needs.format);
    variant_.cells = cells_;
  }
  return variant_;
}

void DecodedBin::append_run(const CellOrder::Run& run, std::size_t record, bool has_genotype,
                            Buffer& out) {
  const Tile& tile = tiles_[run.tile];
  const std::size_t first = (record - wanted_.first) * tile.genotypes.samples + run.first;
  if (has_genotype && !tile.has_format) {
    // The common case, one store per cell; a text that fits no word is appended behind.
    const std::uint8_t* code = tile.genotypes.codes.data() + first;
    const std::uint8_t* const end = code + run.count;
    while (code != end) {
      const std::size_t before = out.size();
      const MutableByteSpan room =
          out.extend(static_cast<std::size_t>(end - code) * sizeof(Word::bytes));
      std::byte* to = room.data();
      while (code != end && tile.words[*code].length != 0) {
        const Word& word = tile.words[*code++];
        std::memcpy(to, word.bytes.data(), word.bytes.size());
        to += word.length;
      }
      out.resize(before + static_cast<std::size_t>(to - room.data()));
      if (code == end) break;
      const std::size_t left = static_cast<std::size_t>(end - code);
      append_field(out, tile.genotypes.text(record - wanted_.first, run.first + run.count - left));
      ++code;
    }
    return;
  }
  for (std::size_t i = run.first; i < run.first + run.count; ++i) {
    if (has_genotype) {
      append_field(out, tile.genotypes.text(record - wanted_.first, i));
      if (tile.has_format) append(out, tile.format.rest(record, i));
    } else {
      append_field(out, tile.has_format ? tile.format.rest(record, i) : std::string_view());
    }
  }
}

void DecodedBin::append_line(std::size_t record, bool with_samples, std::string_view line_end,
                             Buffer& out) {
  const std::size_t number = page_of(record);
  Needs needs = Needs::all();
  needs.genotypes = needs.format = with_samples;
  const Site site = pages_[number]->site(record - first_[number], needs);
  if (site.is_raw) {
    append(out, site.raw);
    // A line of another end than the file's is kept with that end.
    if (!site.raw.ends_with('\n')) append(out, line_end);
    return;
  }
  append(out, contig_);
  std::array<char, 24> digits = {};
  const auto [end, error] =
      std::to_chars(digits.data(), digits.data() + digits.size(), site.pos + 1);
  append_field(out, {digits.data(), static_cast<std::size_t>(end - digits.data())});
  for (const std::string_view field :
       {site.id, site.ref, site.alt, site.qual, site.filter, site.info}) {
    append_field(out, field);
  }
  if (with_samples && !site.format.empty()) {
    append_field(out, site.format);
    decode_format_once();
    for (const CellOrder::Run& run : order_->runs()) {
      append_run(run, record, site.has_genotypes(), out);
    }
  }
  append(out, line_end);
}

bool DecodedBin::any_alternate(std::size_t record) {
  std::vector<std::uint32_t> carriers;
  append_carriers(record, carriers);
  return !carriers.empty();
}

void DecodedBin::append_carriers(std::size_t record, std::vector<std::uint32_t>& samples) {
  const std::size_t number = page_of(record);
  if (pages_[number]->has_genotypes()[record - first_[number]] == 0) return;
  decode_genotypes_once();
  std::uint32_t at = 0;
  for (const CellOrder::Run& run : order_->runs()) {
    const Tile& tile = tiles_[run.tile];
    const std::uint8_t* const codes =
        tile.genotypes.codes.data() + (record - wanted_.first) * tile.genotypes.samples + run.first;
    for (std::size_t i = 0; i < run.count; ++i, ++at) {
      const bool alternate =
          codes[i] == Genotypes::kEscape
              ? has_alternate(tile.genotypes.text(record - wanted_.first, run.first + i))
              : tile.words[codes[i]].alternate;
      if (alternate) samples.push_back(at);
    }
  }
}

std::optional<std::span<const std::uint32_t>> DecodedBin::known_carriers(std::size_t record,
                                                                         std::size_t samples) {
  const std::size_t number = page_of(record);
  const ByteSpan section = bytes_->pages[number].carriers;
  if (section.empty()) return std::span<const std::uint32_t>();  // no record of the page has GT
  carriers_.resize(pages_.size());
  std::optional<Carriers>& carriers = carriers_[number];
  if (!carriers) {
    carriers = decode_carriers(section, pages_[number]->records(), samples,
                               fmt::format("{}, carriers of page {}", subject_, number));
  }
  const std::size_t i = record - first_[number];
  if (carriers->known[i] == 0) return std::nullopt;
  const std::size_t first = i == 0 ? 0 : carriers->ends[i - 1];
  return std::span(carriers->samples).subspan(first, carriers->ends[i] - first);
}

void DecodedBin::count_genotypes(std::size_t record, std::span<GenotypeCounts> counts) {
  const std::size_t number = page_of(record);
  if (pages_[number]->has_genotypes()[record - first_[number]] == 0) return;
  decode_genotypes_once();
  std::size_t at = 0;
  for (const CellOrder::Run& run : order_->runs()) {
    const Tile& tile = tiles_[run.tile];
    const std::uint8_t* const codes =
        tile.genotypes.codes.data() + (record - wanted_.first) * tile.genotypes.samples + run.first;
    for (std::size_t i = 0; i < run.count; ++i, ++at) {
      const auto kind =
          codes[i] == Genotypes::kEscape
              ? genotype_kind(tile.genotypes.text(record - wanted_.first, run.first + i))
              : tile.words[codes[i]].kind;
      ++(counts[at].*kind);
    }
  }
}

}  // namespace cnf::vcfs3
