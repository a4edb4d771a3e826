// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/view.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/index/interval.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/query/table.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/decoded_bin.h"
#include "cnf/formats/vcfs3/expression.h"
#include "cnf/formats/vcfs3/region_set.h"
#include "cnf/formats/vcfs3/render.h"
#include "cnf/formats/vcfs3/selection.h"
#include "cnf/formats/vcfs3/variant.h"

namespace cnf::vcfs3 {

/// A bin to decode: which of its bytes come, and which of its records may be wanted.
struct ViewUnit {
  BinRow row;
  std::string contig;
  std::string key;                     // of its chunk, for messages
  std::vector<std::uint8_t> wanted;    // per page: 1 if its records are looked at
  std::vector<std::uint32_t> records;  // ascending; with ViewQuery::records only
};

/// A query as the decoder needs it; shared by all units and immutable.
struct ViewUnits {
  std::vector<ViewUnit> units;
  ViewQuery query;
  RegionSet regions{{}};
  RegionSet targets{{}};
  Needs filter_needs;
  Needs needs;  // of filters and renderer
  std::shared_ptr<const Renderer> renderer;
  std::optional<CellOrder> order;     // of the answer
  std::optional<CellOrder> everyone;  // all samples, where the expression looks at others as well

  /// Whose tiles are read.
  [[nodiscard]] const CellOrder& read() const { return everyone ? *everyone : *order; }
};

namespace {

// Whether pages and tiles are asked for, in the order in which the ranges of a unit are planned and
// found again: pages' core and INFO in one range, then tiles.
bool reads_tiles(const ViewUnits& view) {
  return (view.needs.genotypes || view.needs.format) && view.read().cells() > 0;
}

bool reads_page(const ViewUnits& view, const ViewUnit& unit, std::size_t page) {
  return unit.wanted[page] != 0 || reads_tiles(view);
}

std::uint64_t page_bytes(const ViewUnits& view, const ViewUnit& unit, std::size_t page) {
  const PageRow& row = unit.row.pages[page];
  const bool with_info = view.needs.info && unit.wanted[page] != 0;
  return row.core_length + (with_info ? row.info_length : 0);
}

bool reads_carriers(const ViewUnits& view, const ViewUnit& unit, std::size_t page) {
  return view.needs.carriers && unit.wanted[page] != 0 && unit.row.pages[page].carriers_length != 0;
}

query::Unit unit_of(const ViewUnits& view, const ViewUnit& unit, std::uint64_t id) {
  query::Unit planned;
  planned.id = id;
  std::uint64_t records = 0;
  std::uint64_t site_bytes = 0;
  for (std::size_t i = 0; i < unit.row.pages.size(); ++i) {
    if (!reads_page(view, unit, i)) continue;
    planned.ranges.push_back(
        {.key = unit.key, .offset = unit.row.pages[i].offset, .length = page_bytes(view, unit, i)});
    records += unit.wanted[i] != 0 ? unit.row.pages[i].records : 0;
    site_bytes += page_bytes(view, unit, i);
    if (reads_carriers(view, unit, i)) {
      const PageRow& row = unit.row.pages[i];
      planned.ranges.push_back({.key = unit.key,
                                .offset = row.offset + row.core_length + row.info_length,
                                .length = row.carriers_length});
    }
  }
  // Estimates: site columns and FORMAT grow about tenfold as text, a genotype is four bytes.
  planned.decoded_bytes = 10 * site_bytes + 64 * records;
  if (!reads_tiles(view)) return planned;
  for (const std::size_t group : view.read().groups()) {
    const TileRow& tile = unit.row.tiles[group];
    if (tile.genotypes_length != 0) {
      planned.ranges.push_back(
          {.key = unit.key, .offset = tile.genotypes_offset, .length = tile.genotypes_length});
    }
    if (view.needs.format && tile.format_length != 0) {
      planned.ranges.push_back(
          {.key = unit.key, .offset = tile.format_offset, .length = tile.format_length});
      planned.decoded_bytes += 20 * tile.format_length;
    }
  }
  std::uint64_t tiled = 0;
  for (const SampleRange& range : view.read().ranges()) tiled += range.count;
  planned.decoded_bytes += unit.row.records() * tiled + 4 * records * view.order->cells();
  return planned;
}

/// The fetched ranges, back in their places.
BinBytes bytes_of(const ViewUnits& view, const ViewUnit& unit, std::span<const ByteSpan> ranges) {
  BinBytes bytes;
  bytes.pages.resize(unit.row.pages.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < bytes.pages.size(); ++i) {
    if (!reads_page(view, unit, i)) continue;
    const ByteSpan page = ranges[next++];
    const auto core = static_cast<std::size_t>(unit.row.pages[i].core_length);
    bytes.pages[i] = {page.first(core), page.subspan(core), {}};
    if (reads_carriers(view, unit, i)) bytes.pages[i].carriers = ranges[next++];
  }
  if (!reads_tiles(view)) return bytes;
  for (const std::size_t group : view.read().groups()) {
    const TileRow& tile = unit.row.tiles[group];
    BinBytes::Tile& here = bytes.tiles.emplace_back();
    if (tile.genotypes_length != 0) here.genotypes = ranges[next++];
    if (view.needs.format && tile.format_length != 0) here.format = ranges[next++];
  }
  return bytes;
}

/// The bytes of everyone's tiles, for the samples of the answer.
BinBytes for_answer(const ViewUnits& view, const BinBytes& bytes) {
  BinBytes chosen{.pages = bytes.pages};
  if (bytes.tiles.empty()) return chosen;
  for (const std::size_t group : view.order->groups()) chosen.tiles.push_back(bytes.tiles[group]);
  return chosen;
}

/// Decides on one record after the other. Threads: one at a time.
class RecordFilter {
 public:
  /// \param everyone  what the expression looks at.
  RecordFilter(const ViewUnits& view, const ViewUnit& unit, DecodedBin& bin, DecodedBin& everyone)
      : view_(view), unit_(unit), bin_(bin), everyone_(everyone) {}

  bool in_place(std::uint32_t contig, std::int64_t start, std::int64_t end) const {
    const ViewQuery& query = view_.query;
    if (!query.regions.empty() && !view_.regions.overlaps(contig, start, end)) return false;
    if (query.targets.empty()) return true;
    return view_.targets.overlaps(contig, start, start + 1) ==
           (query.targets_mean == ViewQuery::Targets::include);
  }

  bool matches(std::uint32_t record) {
    const ViewQuery& query = view_.query;
    const bool conditional = query.expression != nullptr || !query.selection.empty();
    if ((conditional || query.only_alternate || view_.renderer->splits_records()) &&
        bin_.is_raw(record)) {
      refuse(record);
    }
    const Needs& needs = view_.filter_needs;
    if (!query.selection.empty() && !query.selection.matches(bin_.variant(record, needs))) {
      return false;
    }
    if (query.expression != nullptr && !meets_expression(everyone_.variant(record, needs))) {
      return false;
    }
    return !query.only_alternate || bin_.any_alternate(record);
  }

 private:
  bool meets_expression(const Variant& variant) {
    const Expression& expression = *view_.query.expression;
    if (view_.query.condition == ViewQuery::Condition::on_records) {
      return expression.matches(variant, scratch_);
    }
    return expression.answer(variant, scratch_, true).passes;
  }

  [[noreturn]] void refuse(std::uint32_t record) {
    const Variant& variant = bin_.variant(record, {});
    constexpr std::size_t kShown = 60;
    throw Error(Errc::unsupported, "split record",
                fmt::format("{} at {}:{}", unit_.key, unit_.contig, variant.site.pos + 1),
                fmt::format("the line is kept whole because its columns break the rules of VCF: "
                            "\"{}\"",
                            variant.site.raw.substr(0, kShown)),
                "ask for whole lines of all samples without conditions, or leave it out by region");
  }

  const ViewUnits& view_;
  const ViewUnit& unit_;
  DecodedBin& bin_;
  DecodedBin& everyone_;
  Expression::Scratch scratch_;
};

/// The records of the wanted pages that lie where the query looks.
std::vector<std::uint32_t> records_in_place(const ViewUnits& view, const ViewUnit& unit,
                                            const RecordFilter& filter, DecodedBin& bin) {
  std::vector<std::uint32_t> records;
  for (std::size_t page = 0; page < unit.row.pages.size(); ++page) {
    if (unit.wanted[page] == 0) continue;
    const std::span<const std::int64_t> starts = bin.page(page).positions();
    const std::span<const std::int64_t> ends = bin.page(page).ends();
    for (std::size_t i = 0; i < starts.size(); ++i) {
      const auto record = static_cast<std::uint32_t>(bin.first_record(page) + i);
      if (view.query.records && !std::ranges::binary_search(unit.records, record)) continue;
      if (filter.in_place(unit.row.key.sequence, starts[i], ends[i])) records.push_back(record);
    }
  }
  return records;
}

query::Table decode(const ViewUnits& view, std::uint64_t id, std::span<const ByteSpan> ranges) {
  const ViewUnit& unit = view.units[id];
  const BinBytes bytes = bytes_of(view, unit, ranges);
  const BinBytes chosen = view.everyone ? for_answer(view, bytes) : BinBytes();
  const std::string subject = fmt::format("{}, bin {}", unit.key, unit.row.bin);
  std::optional<DecodedBin> everyone;
  if (view.everyone) everyone.emplace(unit.contig, unit.row, bytes, *view.everyone, subject);
  DecodedBin bin(unit.contig, unit.row, everyone ? chosen : bytes, *view.order, subject);
  RecordFilter filter(view, unit, bin, everyone ? *everyone : bin);
  const std::vector<std::uint32_t> in_place = records_in_place(view, unit, filter, bin);
  if (in_place.empty()) return query::Table(0);
  bin.keep_to(in_place.front(), in_place.back() + std::size_t{1});
  if (everyone) everyone->keep_to(in_place.front(), in_place.back() + std::size_t{1});
  std::vector<std::uint32_t> records;
  const std::uint64_t limit = view.query.limit.value_or(in_place.size());
  for (const std::uint32_t record : in_place) {
    if (records.size() >= limit) break;
    if (filter.matches(record)) records.push_back(record);
  }
  if (records.empty()) return query::Table(0);
  bin.keep_to(records.front(), records.back() + std::size_t{1});
  return view.renderer->render(bin, records);
}

bool meets(const RegionSet& regions, const BinRow& row, const PageRow& page) {
  return regions.overlaps(row.key.sequence, page.min_start, page.max_end);
}

bool has_any(const std::vector<std::uint32_t>& records, std::uint64_t first, std::uint64_t count) {
  const auto at = std::ranges::lower_bound(records, first);
  return at != records.end() && *at < first + count;
}

std::vector<std::uint8_t> wanted_pages(const Dataset& dataset, const ViewUnits& view,
                                       const ViewUnit& unit) {
  const ViewQuery& query = view.query;
  std::vector<std::uint8_t> wanted;
  std::uint64_t first = 0;
  for (const PageRow& page : unit.row.pages) {
    bool any = page.records != 0;
    if (!query.regions.empty()) any = any && meets(view.regions, unit.row, page);
    if (!query.targets.empty() && query.targets_mean == ViewQuery::Targets::include) {
      any = any && meets(view.targets, unit.row, page);
    }
    if (query.records) any = any && has_any(unit.records, first, page.records);
    if (query.expression != nullptr) {
      any = any && query.expression->may_match(page.zones, dataset.zone_keys());
    }
    any = any && query.selection.may_match(page.zones);
    wanted.push_back(any ? 1 : 0);
    first += page.records;
  }
  return wanted;
}

/// The bins of the query's place in the order of the answer, and which of their records, where
/// that is known.
std::vector<IdBin> bins_for(const Dataset& dataset, const ViewQuery& query,
                            const RegionSet& regions, const Context& context) {
  std::vector<IdBin> bins;
  if (query.records) {
    bins = *query.records;
  } else {
    std::vector<BinRow> rows;
    if (!query.regions.empty()) {
      rows = dataset.find_bins(query.regions, context);
    } else if (!query.targets.empty() && query.targets_mean == ViewQuery::Targets::include) {
      rows = dataset.find_bins(query.targets, context);
    } else {
      rows = dataset.all_bins(context);
    }
    for (BinRow& row : rows) bins.push_back({.row = std::move(row)});
  }
  if (!query.regions.empty()) {
    std::ranges::stable_sort(bins, {},
                             [&](const IdBin& bin) { return regions.rank(bin.row.key.sequence); });
  }
  return bins;
}

}  // namespace

ViewPlan plan_view(const Dataset& dataset, const ViewQuery& query,
                   std::shared_ptr<const Renderer> renderer, const Context& context) {
  auto view = std::make_shared<ViewUnits>();
  view->query = query;
  view->regions = RegionSet(query.regions);
  view->targets = RegionSet(query.targets);
  if (query.expression != nullptr) view->filter_needs |= query.expression->needs();
  view->filter_needs |= query.selection.needs();
  view->needs = view->filter_needs;
  view->needs |= renderer->needs();
  view->needs.genotypes |= query.only_alternate;
  view->renderer = std::move(renderer);
  std::vector<SampleRange> groups;
  for (std::size_t g = 0; g < dataset.groups(); ++g) groups.push_back(dataset.group(g));
  view->order.emplace(groups, query.samples);
  if (query.expression != nullptr && query.expression_looks == ViewQuery::Looks::at_everyone) {
    const Needs asked = query.expression->needs();
    if ((asked.genotypes || asked.format) && !view->order->whole()) {
      view->everyone.emplace(groups, std::nullopt);
    }
  }

  ViewPlan result;
  for (IdBin& bin : bins_for(dataset, query, view->regions, context)) {
    ViewUnit unit;
    unit.contig = dataset.contigs().at(bin.row.key.sequence);
    unit.key = dataset.chunk_key(bin.row.chunk);
    unit.records = std::move(bin.records);
    unit.row = std::move(bin.row);
    unit.wanted = wanted_pages(dataset, *view, unit);
    if (std::ranges::find(unit.wanted, 1) == unit.wanted.end()) continue;
    result.plan.units.push_back(unit_of(*view, unit, view->units.size()));
    view->units.push_back(std::move(unit));
  }
  result.plan.limit = query.limit;
  result.units = std::move(view);
  return result;
}

const BinRow& bin_of(const ViewPlan& plan, std::size_t unit) {
  return plan.units->units.at(unit).row;
}

query::Results run_view(const Dataset& dataset, const ViewPlan& plan,
                        const query::ExecutorOptions& options, const Context& context) {
  const query::Executor executor(dataset.chunk_storage(), options);
  return executor.run(
      plan.plan,
      [view = plan.units](const query::Unit& unit, std::span<const ByteSpan> ranges) {
        return decode(*view, unit.id, ranges);
      },
      context);
}

}  // namespace cnf::vcfs3
