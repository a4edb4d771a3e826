// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/bin_encoder.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/formats/vcfs3/bin.h"
#include "cnf/formats/vcfs3/format_tile.h"
#include "cnf/formats/vcfs3/genotype_tile.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/id_hash.h"
#include "cnf/formats/vcfs3/layout.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/site_page.h"
#include "cnf/formats/vcfs3/zones.h"

namespace cnf::vcfs3 {
namespace {

enum class AlleleKind : std::uint8_t { snp, mnp, indel, other };

AlleleKind kind_of(std::string_view ref, std::string_view alt) noexcept {
  const bool plain = !alt.empty() && std::ranges::all_of(alt, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
  if (!plain) return AlleleKind::other;
  if (alt.size() != ref.size()) return AlleleKind::indel;
  return ref.size() == 1 ? AlleleKind::snp : AlleleKind::mnp;
}

}  // namespace

void SiteCounts::add(const Site& site) noexcept {
  if (site.is_raw) {
    ++other;
    return;
  }
  if (site.alt == ".") {
    ++no_alt;
    return;
  }
  bool found[4] = {};
  std::string_view alts = site.alt;
  if (alts.find(',') != std::string_view::npos) ++multiallelic;
  while (true) {
    const std::size_t end = alts.find(',');
    found[static_cast<std::size_t>(kind_of(site.ref, alts.substr(0, end)))] = true;
    if (end == std::string_view::npos) break;
    alts.remove_prefix(end + 1);
  }
  snp += found[0];
  mnp += found[1];
  indel += found[2];
  other += found[3];
}

SiteCounts& SiteCounts::operator+=(const SiteCounts& counts) noexcept {
  no_alt += counts.no_alt;
  snp += counts.snp;
  mnp += counts.mnp;
  indel += counts.indel;
  other += counts.other;
  multiallelic += counts.multiallelic;
  return *this;
}

BinEncoder::BinEncoder(Bin bin, const Options& options) : bin_(std::move(bin)), options_(options) {
  formats_.reserve(bin_.sites.size());
  for (const Site& site : bin_.sites) formats_.push_back(site.format);
}

std::size_t BinEncoder::pages() const noexcept {
  return (bin_.sites.size() + kPageRecords - 1) / kPageRecords;
}

EncodedSites BinEncoder::encode_page(std::size_t number) const {
  const std::size_t first = number * kPageRecords;
  const std::size_t count = std::min(kPageRecords, bin_.sites.size() - first);
  const std::span<const Site> sites = std::span(bin_.sites).subspan(first, count);
  std::span<const std::string> residuals(bin_.residuals);
  if (!residuals.empty()) residuals = residuals.subspan(first, count);

  EncodedSites out;
  out.page.sections = vcfs3::encode_page(sites, residuals, bin_.genotypes, first, options_.level);
  out.page.records = count;
  out.page.zones = zones_of(sites, options_.zone_keys);
  out.page.min_start = sites.front().pos;
  out.page.max_end = end_of(sites.front());
  out.first_pos = sites.front().pos;
  out.last_pos = out.first_pos;
  for (std::size_t i = 0; i < count; ++i) {
    const Site& site = sites[i];
    out.page.min_start = std::min(out.page.min_start, site.pos);
    out.page.max_end = std::max(out.page.max_end, end_of(site));
    out.ascending = out.ascending && site.pos >= out.last_pos;
    out.last_pos = site.pos;
    out.counts.add(site);
    for (const std::string_view id : split_ids(site.id)) out.page.ids.push_back(hash_id(id));
  }
  return out;
}

EncodedBin::Tile BinEncoder::encode_tile(SampleRange samples) const {
  return {.genotypes = encode_genotypes(bin_.genotypes, samples),
          .format = encode_format(bin_.cells, formats_, bin_.genotypes, samples, options_.level)};
}

std::uint64_t BinEncoder::bytes() const noexcept {
  std::uint64_t sum = bin_.text.size() + bin_.cells.text.size() +
                      bin_.cells.offsets.size() * sizeof(std::uint32_t) +
                      bin_.sites.size() * sizeof(Site) + bin_.genotypes.codes.size() +
                      bin_.genotypes.escapes.size() * sizeof(Genotypes::Escape);
  for (const std::string& residual : bin_.residuals) sum += sizeof(std::string) + residual.size();
  return sum;
}

}  // namespace cnf::vcfs3
