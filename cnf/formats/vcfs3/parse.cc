// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/parse.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/parse_cells_internal.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/source.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::size_t kInfoColumns = Header::kFixedColumns - 1;

std::optional<std::int64_t> parse_pos(std::string_view text) {
  if (text.empty() || (text[0] == '0' && text.size() > 1) || text[0] == '-') return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > kMaxPos) {
    return std::nullopt;
  }
  return value;
}

bool holds(std::string_view text, char c) { return text.find(c) != std::string_view::npos; }

bool is_contig_name(std::string_view text) {
  return !text.empty() && text[0] != '#' && text.size() <= kMaxContigName && !holds(text, '\0') &&
         !holds(text, '\r');
}

struct Place {
  std::string_view contig = {};
  std::int64_t pos = 0;
};

// Where a line that is kept raw says that it is.
std::optional<Place> place_of(std::string_view line) {
  const std::size_t first = line.find('\t');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = line.find('\t', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const std::string_view contig = line.substr(0, first);
  const auto pos = parse_pos(line.substr(first + 1, second - first - 1));
  if (!pos || !is_contig_name(contig)) return std::nullopt;
  return Place{contig, *pos - 1};
}

class SlabParser {
 public:
  SlabParser(Slab slab, const Header& header)
      : text_(std::move(slab.text)),
        header_(header),
        has_strays_(holds(as_text(text_), '\0') || holds(as_text(text_), '\r')),
        cells_(header.samples.size(), parsed_.genotypes, parsed_.cells) {
    parsed_.residuals = std::move(slab.residuals);
  }

  ParsedSlab run() {
    if (text_.size() > std::numeric_limits<std::uint32_t>::max()) {
      throw Error(Errc::unsupported, "parse", "slab", "it is longer than 4 GiB");
    }
    std::string_view rest = as_text(text_);
    while (!rest.empty()) {
      const std::size_t newline = rest.find('\n');
      const bool whole = newline != std::string_view::npos;
      add_line(rest.substr(0, whole ? newline : rest.size()), whole);
      rest.remove_prefix(whole ? newline + 1 : rest.size());
    }
    cells_.finish();
    if (!parsed_.residuals.empty() && parsed_.residuals.size() != parsed_.table.sites.size()) {
      throw Error(Errc::corrupt_data, "parse", "slab", "it has not one residual per line");
    }
    return std::move(parsed_);
  }

 private:
  // `line` stands in the slab before its LF, or, if it is not `whole`, before the slab's end.
  void add_line(std::string_view line, bool whole) {
    parsed_.final_newline = whole;
    std::string_view raw = line;
    bool fits = true;
    if (header_.crlf && whole) {
      fits = line.ends_with('\r');
      if (fits) line.remove_suffix(1);
      raw = fits ? line : std::string_view(line.data(), line.size() + 1);  // with its LF
    }
    if (fits && has_strays_) fits = !holds(line, '\0') && !holds(line, '\r');
    if (!fits || !add_record(line)) add_raw(raw);
  }

  bool add_record(std::string_view line) {
    if (header_.columns < kInfoColumns) return false;
    const bool has_format = header_.columns >= Header::kFixedColumns;
    const std::size_t fixed = has_format ? Header::kFixedColumns : kInfoColumns;
    std::array<std::string_view, Header::kFixedColumns> column{};
    std::size_t at = 0;
    for (std::size_t i = 0; i < fixed; ++i) {
      if (at > line.size()) return false;
      const std::size_t tab = std::min(line.find('\t', at), line.size());
      if (tab == at) return false;
      column[i] = line.substr(at, tab - at);
      at = tab + 1;
    }
    const bool ends_here = at == line.size() + 1;
    if (ends_here != header_.samples.empty() || !is_contig_name(column[0])) return false;
    const auto pos = parse_pos(column[1]);
    if (!pos) return false;
    const Site site{.pos = *pos - 1,
                    .id = column[2],
                    .ref = column[3],
                    .alt = column[4],
                    .qual = column[5],
                    .filter = column[6],
                    .info = column[7],
                    .format = column[8]};
    if (!ends_here && !cells_.add(line.substr(at), site)) return false;
    if (ends_here) cells_.add_empty();
    append(site, column[0]);
    return true;
  }

  void add_raw(std::string_view raw) {
    cells_.add_empty();
    Site site{.raw = raw, .is_raw = true};
    if (const auto place = place_of(raw)) {
      site.pos = place->pos;
      append(site, place->contig);
    } else if (parsed_.runs.empty()) {
      ++parsed_.unplaced;
      parsed_.table.append(site);
    } else {
      site.pos = parsed_.table.sites.back().pos;
      parsed_.table.append(site);
    }
  }

  void append(const Site& site, std::string_view contig) {
    if (parsed_.runs.empty() || parsed_.runs.back().contig != contig) {
      parsed_.runs.push_back({.contig = std::string(contig), .first = parsed_.table.sites.size()});
    }
    parsed_.table.append(site);
  }

  Buffer text_;
  const Header& header_;
  bool has_strays_;  // a line may hold a NUL or a CR that is none of its end
  ParsedSlab parsed_;
  CellParser cells_;
};

}  // namespace

ParsedSlab parse_slab(Slab slab, const Header& header) {
  return SlabParser(std::move(slab), header).run();
}

bool tells_place(std::string_view line) { return place_of(line).has_value(); }

}  // namespace cnf::vcfs3
