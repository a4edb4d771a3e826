// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/bin_builder.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/chunk/chunk.h"
#include "cnf/formats/vcfs3/cell_gatherer_internal.h"
#include "cnf/formats/vcfs3/genotype_merger_internal.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/layout.h"
#include "cnf/formats/vcfs3/parse.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/site_table.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::string_view kNoContig = ".";  // as VCF writes what is missing

std::uint64_t text_bytes(const Site& site) {
  return site.is_raw ? site.raw.size()
                     : site.id.size() + site.ref.size() + site.alt.size() + site.qual.size() +
                           site.filter.size() + site.info.size() + site.format.size();
}

// A bin that is being filled.
struct Filling {
  Filling(std::string name, std::size_t samples)
      : contig(std::move(name)), merger(samples, genotypes), cells(samples) {}
  Filling(const Filling&) = delete;
  Filling& operator=(const Filling&) = delete;

  std::string contig;
  SiteTable table;
  Genotypes genotypes;
  GenotypeMerger merger;  // fills genotypes
  CellGatherer cells;
  std::vector<std::string> residuals;
};

}  // namespace

struct BinBuilder::Impl {
  Impl(const Header& of_input, const chunk::Strategy& strategy, Take taker)
      : header(of_input), grid(strategy), take(std::move(taker)) {}

  // Adds the records [first, last) of a slab, which lie on one contig.
  void add_run(ParsedSlab& slab, const std::string& contig, std::size_t first, std::size_t last);
  void append(ParsedSlab& slab, std::size_t first, std::size_t last);
  [[nodiscard]] bool is_full(const Site& next, std::uint64_t rests) const;
  void complete();

  const Header& header;
  const chunk::Strategy& grid;
  const Take take;
  std::unique_ptr<Filling> bin;
  chunk::Fill fill;
  std::uint64_t site_bytes = 0;  // of the bin
  std::int64_t last_pos = 0;     // of the record before
  std::uint64_t raw_records = 0;
  bool final_newline = true;
};

bool BinBuilder::Impl::is_full(const Site& next, std::uint64_t rests) const {
  return fill.records >= kBinRecords || fill.bytes + rests > kMaxBinText ||
         site_bytes + text_bytes(next) > kMaxBinText ||
         grid.ends_before(fill, {.position = next.pos});
}

void BinBuilder::Impl::add_run(ParsedSlab& slab, const std::string& contig, std::size_t first,
                               std::size_t last) {
  if (bin && bin->contig != contig) complete();
  std::size_t begin = first;  // of what is not appended yet
  for (std::size_t record = first; record < last; ++record) {
    const Site& site = slab.table.sites[record];
    const std::uint64_t rests = rest_bytes(slab.cells, record, record + 1);
    if (fill.records != 0 && is_full(site, rests)) {
      append(slab, begin, record);
      begin = record;
      complete();
    }
    if (!bin) {
      bin = std::make_unique<Filling>(contig, header.samples.size());
      fill = {.first = {.position = site.pos}};
    }
    ++fill.records;
    fill.bytes += rests;
    site_bytes += text_bytes(site);
    if (site.is_raw) ++raw_records;
    last_pos = site.pos;
  }
  append(slab, begin, last);
}

void BinBuilder::Impl::append(ParsedSlab& slab, std::size_t first, std::size_t last) {
  if (first == last) return;
  for (std::size_t record = first; record < last; ++record) {
    bin->table.append(slab.table.sites[record]);
    if (slab.residuals.empty() || slab.residuals[record].empty()) continue;
    bin->residuals.resize(bin->table.sites.size());
    bin->residuals.back() = std::move(slab.residuals[record]);
  }
  bin->merger.append(slab.genotypes, first, last - first);
  bin->cells.append(slab.cells, first, last - first);
}

void BinBuilder::Impl::complete() {
  const std::unique_ptr<Filling> full = std::move(bin);
  fill = {};
  site_bytes = 0;
  if (!full->residuals.empty()) full->residuals.resize(full->table.sites.size());
  take({.contig = std::move(full->contig),
        .text = std::move(full->table.text),
        .sites = std::move(full->table.sites),
        .genotypes = std::move(full->genotypes),
        .cells = full->cells.take(),
        .residuals = std::move(full->residuals)});
}

BinBuilder::BinBuilder(const Header& header, const chunk::Strategy& grid, Take take)
    : impl_(std::make_unique<Impl>(header, grid, std::move(take))) {}
BinBuilder::~BinBuilder() = default;

std::uint64_t BinBuilder::raw_records() const noexcept { return impl_->raw_records; }
bool BinBuilder::final_newline() const noexcept { return impl_->final_newline; }

void BinBuilder::add(ParsedSlab slab) {
  Impl& impl = *impl_;
  impl.final_newline = slab.final_newline;
  if (slab.unplaced != 0) {
    // At the very beginning of the input there is no record before: then the one behind counts.
    std::string contig(kNoContig);
    if (impl.bin) {
      contig = impl.bin->contig;
    } else if (!slab.runs.empty()) {
      contig = slab.runs.front().contig;
      impl.last_pos = slab.table.sites[slab.runs.front().first].pos;
    } else if (!impl.header.contigs.empty()) {
      contig = impl.header.contigs.front().name;
    }
    for (std::size_t i = 0; i < slab.unplaced; ++i) slab.table.sites[i].pos = impl.last_pos;
    impl.add_run(slab, contig, 0, slab.unplaced);
  }
  for (std::size_t i = 0; i < slab.runs.size(); ++i) {
    const bool last = i + 1 == slab.runs.size();
    const std::size_t end = last ? slab.table.sites.size() : slab.runs[i + 1].first;
    impl.add_run(slab, slab.runs[i].contig, slab.runs[i].first, end);
  }
}

void BinBuilder::finish() {
  if (impl_->bin) impl_->complete();
}

}  // namespace cnf::vcfs3
