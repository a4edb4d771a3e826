// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/chunk/position_sample.h"
#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/bin.h"
#include "cnf/formats/vcfs3/bin_builder.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/decoded_bin.h"
#include "cnf/formats/vcfs3/format_tile.h"
#include "cnf/formats/vcfs3/genotype_tile.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/parse.h"
#include "cnf/formats/vcfs3/site_page.h"

namespace cnf::vcfs3::testing {

/// A #CHROM line of samples S0, S1, …
inline Header header_of(std::size_t samples) {
  std::string text = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";
  if (samples != 0) text += "\tFORMAT";
  for (std::size_t i = 0; i < samples; ++i) text += "\tS" + std::to_string(i);
  return Header::parse(text + "\n", "in");
}

/// The bins of VCF lines.
inline std::vector<Bin> bins_of(std::string_view lines, const Header& header) {
  const chunk::PositionSampleStrategy grid(header.samples.size());
  std::vector<Bin> bins;
  BinBuilder builder(header, grid, [&](Bin bin) { bins.push_back(std::move(bin)); });
  builder.add(parse_slab({.text = Buffer::copy_of(as_bytes(lines))}, header));
  builder.finish();
  return bins;
}

/// A bin as a store has it: pages of `page_records`, tiles of `group` samples, and their row.
struct StoredBin {
  BinRow row;
  std::vector<EncodedPage> pages;
  std::vector<std::pair<Buffer, Buffer>> tiles;
  std::vector<SampleRange> groups;

  StoredBin(const Bin& bin, std::size_t page_records, std::size_t group) {
    for (std::size_t first = 0; first < bin.sites.size(); first += page_records) {
      const std::size_t count = std::min(page_records, bin.sites.size() - first);
      pages.push_back(
          encode_page(std::span(bin.sites).subspan(first, count), {}, bin.genotypes, first, 3));
      row.pages.push_back({.records = count});
    }
    std::vector<std::string_view> formats;
    for (const Site& site : bin.sites) formats.push_back(site.format);
    for (std::size_t first = 0; first < bin.genotypes.samples; first += group) {
      groups.push_back({first, std::min(group, bin.genotypes.samples - first)});
      tiles.emplace_back(encode_genotypes(bin.genotypes, groups.back()),
                         encode_format(bin.cells, formats, bin.genotypes, groups.back(), 3));
    }
  }

  /// All of it, of the tiles those of the order.
  [[nodiscard]] BinBytes bytes(const CellOrder& order) const {
    BinBytes result;
    for (const EncodedPage& page : pages) result.pages.push_back({page.core, page.info});
    for (const std::size_t g : order.groups()) {
      result.tiles.push_back({tiles[g].first, tiles[g].second});
    }
    return result;
  }
};

}  // namespace cnf::vcfs3::testing
