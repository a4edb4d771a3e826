// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/decoded_bin.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/id_hash.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/site_page.h"
#include "cnf/formats/vcfs3/validate_bin_internal.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/formats/vcfs3/zones.h"

namespace cnf::vcfs3 {
namespace {

std::vector<SampleRange> groups_of(const Dataset& dataset) {
  std::vector<SampleRange> groups;
  for (std::size_t i = 0; i < dataset.groups(); ++i) groups.push_back(dataset.group(i));
  return groups;
}

}  // namespace

/// A bin's bytes: whole pages, and tiles where they are looked at.
struct BinCheck::Parts {
  std::string key;
  std::vector<Buffer> pages = {};
  std::vector<std::pair<Buffer, Buffer>> tiles = {};

  [[nodiscard]] ByteSpan core(const PageRow& row, std::size_t page) const {
    return pages[page].span().first(row.core_length);
  }
  [[nodiscard]] ByteSpan info(const PageRow& row, std::size_t page) const {
    return pages[page].span().subspan(row.core_length, row.info_length);
  }
  [[nodiscard]] ByteSpan carriers(const PageRow& row, std::size_t page) const {
    return pages[page].span().last(row.carriers_length);
  }
};

BinCheck::BinCheck(const Dataset& dataset, Depth depth)
    : dataset_(dataset), depth_(depth), order_(groups_of(dataset), std::nullopt) {}

void BinCheck::fetch(const BinRow& row, Parts& parts, const Context& context) const {
  // The object's length bounds what is allocated on the index's word.
  const std::uint64_t size = dataset_.chunk_storage()->stat(parts.key, context).size;
  std::vector<storage::FetchRequest> requests;
  const auto want = [&](std::uint64_t offset, std::uint64_t length) {
    if (offset > size || length > size - offset) {
      throw Error(Errc::corrupt_data, "validate", parts.key,
                  fmt::format("a part of bin {} lies behind its end", row.bin));
    }
    Buffer buffer(length);
    requests.push_back({.key = parts.key, .offset = offset, .into = buffer.span()});
    return buffer;
  };
  for (const PageRow& page : row.pages) parts.pages.push_back(want(page.offset, page.length()));
  if (depth_ == Depth::text) {
    for (const TileRow& tile : row.tiles) {
      Buffer genotypes = want(tile.genotypes_offset, tile.genotypes_length);
      Buffer format = want(tile.format_offset, tile.format_length);
      parts.tiles.emplace_back(std::move(genotypes), std::move(format));
    }
  }
  dataset_.chunk_storage()->fetch(requests, context);
}

void BinCheck::check_page(const BinRow& row, const Parts& parts, std::size_t number,
                          CheckedBin& checked) const {
  const PageRow& claim = row.pages[number];
  const std::string subject = fmt::format("{}@{}", parts.key, claim.offset);
  const auto complain = [&](std::string_view what) {
    checked.complaints.push_back(fmt::format("bin {}, page {}: {}", row.bin, number, what));
  };
  SitePage page(parts.core(claim, number), parts.info(claim, number), claim.records, subject);
  std::int64_t min_start = page.positions()[0];
  std::int64_t max_end = page.ends()[0];
  std::vector<std::uint64_t>& ids = checked.ids.emplace_back();
  std::vector<Site> sites;
  for (std::size_t i = 0; i < claim.records; ++i) {
    const Site site = page.site(i, Needs::all());
    if (end_of(site) != page.ends()[i]) complain(fmt::format("record {} ends elsewhere", i));
    min_start = std::min(min_start, page.positions()[i]);
    max_end = std::max(max_end, page.ends()[i]);
    for (const std::string_view id : split_ids(site.id)) ids.push_back(hash_id(id));
    sites.push_back(site);
  }
  if (min_start != claim.min_start || max_end != claim.max_end)
    complain("its records lie elsewhere than the index says");
  if (cover(zones_of(sites, dataset_.zone_keys())) != claim.zones)
    complain("its values are not within the zones that the index says");
  if (claim.carriers_length != 0)
    static_cast<void>(
        decode_carriers(parts.carriers(claim, number), claim.records, dataset_.samples(), subject));
}

void BinCheck::check_text(const BinRow& row, const Parts& parts, CheckedBin& checked) const {
  BinBytes bytes;
  for (std::size_t p = 0; p < row.pages.size(); ++p)
    bytes.pages.push_back(
        {.core = parts.core(row.pages[p], p), .info = parts.info(row.pages[p], p)});
  for (const auto& [genotypes, format] : parts.tiles)
    bytes.tiles.push_back({.genotypes = genotypes, .format = format});
  const std::string& contig = dataset_.contigs()[row.key.sequence];
  DecodedBin bin(contig, row, bytes, order_, parts.key);
  const std::string_view end = dataset_.crlf() ? "\r\n" : "\n";
  std::vector<std::uint32_t> samples;
  for (std::size_t p = 0; p < row.pages.size(); ++p) {
    const PageRow& page = row.pages[p];
    Carriers carriers;
    if (page.carriers_length != 0)
      carriers =
          decode_carriers(parts.carriers(page, p), page.records, dataset_.samples(), parts.key);
    for (std::size_t i = 0; i < page.records; ++i) {
      const std::size_t record = bin.first_record(p) + i;
      bin.append_line(record, true, end, checked.text);
      if (carriers.known.empty() || carriers.known[i] == 0) continue;
      samples.clear();
      bin.append_carriers(record, samples);
      const std::size_t first = i == 0 ? 0 : carriers.ends[i - 1];
      if (!std::ranges::equal(
              samples, std::span(carriers.samples).subspan(first, carriers.ends[i] - first))) {
        checked.complaints.push_back(
            fmt::format("bin {}, record {}: its carriers are others", row.bin, record));
      }
    }
  }
}

CheckedBin BinCheck::run(const BinRow& row, const Context& context) const {
  CheckedBin checked;
  try {
    Parts parts{.key = dataset_.chunk_key(row.chunk)};
    checked.object = parts.key;
    fetch(row, parts, context);
    for (std::size_t i = 0; i < row.pages.size(); ++i) check_page(row, parts, i, checked);
    if (depth_ == Depth::text) check_text(row, parts, checked);
  } catch (const Error& error) {
    if (error.code() != Errc::corrupt_data && error.code() != Errc::not_found) throw;
    checked.damaged = true;
    checked.complaints.emplace_back(error.what());
  }
  return checked;
}

}  // namespace cnf::vcfs3
