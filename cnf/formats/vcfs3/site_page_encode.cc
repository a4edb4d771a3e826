// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/util/bytes.h"
#include "cnf/formats/vcfs3/alleles.h"
#include "cnf/formats/vcfs3/columns.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/id_column.h"
#include "cnf/formats/vcfs3/info_column.h"
#include "cnf/formats/vcfs3/integer_column.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/site_page.h"
#include "cnf/formats/vcfs3/site_page_internal.h"
#include "cnf/formats/vcfs3/token_column.h"

namespace cnf::vcfs3 {
namespace {

std::vector<std::string_view> texts_of(std::span<const Site* const> sites,
                                       std::string_view Site::*column) {
  std::vector<std::string_view> texts;
  texts.reserve(sites.size());
  for (const Site* site : sites) texts.push_back(site->*column);
  return texts;
}

EncodedColumn encode_page_column(std::span<const Site> sites, std::uint8_t flags,
                                 const Sizer& sizer) {
  std::vector<std::int64_t> indices;
  std::vector<std::string_view> lines;
  for (std::size_t i = 0; i < sites.size(); ++i) {
    if (!sites[i].is_raw) continue;
    indices.push_back(static_cast<std::int64_t>(i));
    lines.push_back(sites[i].raw);
  }
  EncodedColumn column;
  column.writer().put(flags);
  column.writer().put_varint(sites.size());
  column.append(encode_exceptions(indices, lines, sizer));
  return column;
}

EncodedColumn encode_ends(std::span<const Site> sites, std::span<const std::int64_t> ends,
                          const Sizer& sizer) {
  std::vector<std::int64_t> lengths;
  std::vector<std::int64_t> gaps;
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const auto by_ref = static_cast<std::uint64_t>(sites[i].pos) + sites[i].ref.size();
    const std::uint64_t next =
        i + 1 < sites.size() ? static_cast<std::uint64_t>(sites[i + 1].pos) : by_ref;
    const auto end = static_cast<std::uint64_t>(ends[i]);
    lengths.push_back(static_cast<std::int64_t>(end - by_ref));
    gaps.push_back(static_cast<std::int64_t>(end - next));
  }
  Smallest smallest(sizer);
  for (const EndKind kind : {EndKind::reference, EndKind::neighbour}) {
    EncodedColumn column;
    column.writer().put(static_cast<std::uint8_t>(kind));
    column.append(encode_integers(kind == EndKind::reference ? lengths : gaps, sizer));
    smallest.offer(std::move(column));
  }
  return std::move(smallest).take();
}

EncodedColumn encode_residuals(std::span<const std::string> residuals, std::size_t count,
                               const Sizer& sizer) {
  std::vector<std::string_view> texts(count);
  std::ranges::copy(residuals, texts.begin());
  return encode_tokens(texts, sizer);
}

}  // namespace

EncodedPage encode_page(std::span<const Site> sites, std::span<const std::string> residuals,
                        const Genotypes& genotypes, std::size_t first, int level) {
  const Sizer sizer(level);
  std::vector<const Site*> typed;
  std::vector<std::int64_t> positions;
  std::vector<std::int64_t> ends;
  std::vector<std::int64_t> typed_positions;
  std::vector<std::int64_t> typed_ends;
  std::vector<std::int64_t> typed_alts;
  for (const Site& site : sites) {
    positions.push_back(site.pos);
    ends.push_back(end_of(site));
    if (site.is_raw) continue;
    typed.push_back(&site);
    typed_positions.push_back(site.pos);
    typed_ends.push_back(ends.back());
    typed_alts.push_back(alternate_alleles(site.alt));
  }
  const std::vector<std::string_view> infos = texts_of(typed, &Site::info);
  const bool has_info =
      std::ranges::any_of(infos, [](std::string_view info) { return info != "."; });

  std::vector<EncodedColumn> columns;
  columns.reserve(kCoreColumns);
  columns.push_back(encode_page_column(sites, has_info ? kHasInfo : std::uint8_t{0}, sizer));
  columns.push_back(encode_integers(positions, sizer));
  columns.push_back(encode_ends(sites, ends, sizer));
  columns.push_back(encode_alleles(typed, sizer));
  const std::vector<std::string_view> refs = texts_of(typed, &Site::ref);
  const std::vector<std::string_view> alts = texts_of(typed, &Site::alt);
  const IdSources id_sources{.positions = typed_positions, .refs = refs, .alts = alts};
  columns.push_back(encode_ids(texts_of(typed, &Site::id), id_sources, sizer));
  for (const auto column : {&Site::qual, &Site::filter, &Site::format}) {
    columns.push_back(encode_tokens(texts_of(typed, column), sizer));
  }
  columns.push_back(encode_residuals(residuals, sites.size(), sizer));

  EncodedPage page;
  page.core = encode_section(columns, level);
  if (has_info) {
    page.info = encode_info(infos, {.alts = typed_alts, .ends = typed_ends}, sizer, level);
  }
  page.carriers = encode_carriers(genotypes, first, sites.size(), sizer, level);
  return page;
}

}  // namespace cnf::vcfs3
