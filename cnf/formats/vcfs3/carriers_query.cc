// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/carriers_query.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "cnf/core/query/executor.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/query/table.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/decoded_bin.h"
#include "cnf/formats/vcfs3/render.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/formats/vcfs3/view.h"

namespace cnf::vcfs3 {
namespace {

enum class From : std::uint8_t { pages, tiles };

/// Columns contig, id, ref, alt, pos (0-based), bin, record, known, samples.
class CarrierColumns final : public Renderer {
 public:
  CarrierColumns(std::size_t samples, From from) : samples_(samples), from_(from) {}
  [[nodiscard]] Needs needs() const override {
    Needs needs{.id = true, .alleles = true};
    needs.carriers = from_ == From::pages;
    needs.genotypes = from_ == From::tiles;
    return needs;
  }
  [[nodiscard]] bool splits_records() const override { return false; }
  [[nodiscard]] query::Table render(DecodedBin& bin,
                                    std::span<const std::uint32_t> records) const override;

 private:
  std::size_t samples_;
  From from_;
};

template <typename T>
query::Column column_of(const char* name, const std::vector<T>& values) {
  query::Column column(name, query::kTypeOf<T>);
  column.append_values(std::span<const T>(values));
  return column;
}

query::Table CarrierColumns::render(DecodedBin& bin, std::span<const std::uint32_t> records) const {
  query::Column contigs("contig", query::Type::utf8);
  query::Column ids("id", query::Type::utf8);
  query::Column refs("ref", query::Type::utf8);
  query::Column alts("alt", query::Type::utf8);
  query::Column samples("samples", query::Type::list_uint32);
  std::vector<std::int64_t> positions;
  std::vector<std::uint64_t> bins;
  std::vector<std::uint32_t> numbers;
  std::vector<std::uint8_t> known;
  std::vector<std::uint32_t> from_tiles;
  for (const std::uint32_t record : records) {
    const Variant& variant = bin.variant(record, {.id = true, .alleles = true});
    contigs.append(variant.contig);
    ids.append(variant.site.id);
    refs.append(variant.site.ref);
    alts.append(variant.site.alt);
    positions.push_back(variant.site.pos);
    bins.push_back(bin.number());
    numbers.push_back(record);
    std::optional<std::span<const std::uint32_t>> carriers;
    if (from_ == From::pages) {
      carriers = bin.known_carriers(record, samples_);
    } else {
      from_tiles.clear();
      bin.append_carriers(record, from_tiles);
      carriers = from_tiles;
    }
    known.push_back(carriers ? 1 : 0);
    samples.append(carriers.value_or(std::span<const std::uint32_t>()));
  }
  query::Table table(records.size());
  for (query::Column* column : {&contigs, &ids, &refs, &alts, &samples}) {
    table.add(std::move(*column));
  }
  table.add(column_of("pos", positions));
  table.add(column_of("bin", bins));
  table.add(column_of("record", numbers));
  table.add(column_of("known", known));
  return table;
}

ViewQuery place_of(const ViewQuery& query) {
  return {.regions = query.regions,
          .targets = query.targets,
          .targets_mean = query.targets_mean,
          .records = query.records};
}

std::vector<query::Table> run(const Dataset& dataset, const ViewPlan& plan,
                              const query::ExecutorOptions& options, const Context& context) {
  query::Results results = run_view(dataset, plan, options, context);
  std::vector<query::Table> tables;
  while (std::optional<query::Table> table = results.next()) tables.push_back(std::move(*table));
  return tables;
}

ViewPlan plan(const Dataset& dataset, const ViewQuery& query, From from, const Context& context) {
  return plan_view(dataset, query, std::make_shared<CarrierColumns>(dataset.samples(), from),
                   context);
}

using Place = std::pair<std::uint64_t, std::uint32_t>;  // bin, record

/// Calls `visit(table, row, place)` for each row.
template <typename Visit>
void for_each_row(const std::vector<query::Table>& tables, Visit visit) {
  for (const query::Table& table : tables) {
    const auto bins = table.column("bin").as<std::uint64_t>();
    const auto records = table.column("record").as<std::uint32_t>();
    for (std::size_t row = 0; row < table.rows(); ++row) {
      visit(table, row, Place(bins[row], records[row]));
    }
  }
}

}  // namespace

void find_carriers(const Dataset& dataset, const ViewQuery& query,
                   const query::ExecutorOptions& options, const Context& context,
                   const std::function<void(const CarrierSite&)>& visit) {
  const ViewPlan places = plan(dataset, place_of(query), From::pages, context);
  const std::vector<query::Table> sites = run(dataset, places, options, context);
  std::map<std::uint64_t, std::vector<std::uint32_t>> unknown;  // by bin
  for_each_row(sites, [&](const query::Table& table, std::size_t row, const Place& where) {
    if (table.column("known").as<std::uint8_t>()[row] == 0) {
      unknown[where.first].push_back(where.second);
    }
  });
  std::vector<IdBin> bins;
  for (std::size_t unit = 0; unit < places.plan.units.size(); ++unit) {
    const BinRow& row = bin_of(places, unit);
    const auto found = unknown.find(row.bin);
    if (found != unknown.end()) bins.push_back({row, std::move(found->second)});
  }
  std::vector<query::Table> tiles;
  if (!bins.empty()) {
    tiles = run(dataset, plan(dataset, {.records = std::move(bins)}, From::tiles, context), options,
                context);
  }
  std::map<Place, std::span<const std::uint32_t>> carriers;
  for_each_row(tiles, [&](const query::Table& table, std::size_t row, const Place& where) {
    carriers[where] = table.column("samples").items(row);
  });
  for_each_row(sites, [&](const query::Table& table, std::size_t row, const Place& where) {
    const auto found = carriers.find(where);
    visit(
        {.contig = table.column("contig").text(row),
         .pos = table.column("pos").as<std::int64_t>()[row],
         .id = table.column("id").text(row),
         .ref = table.column("ref").text(row),
         .alt = table.column("alt").text(row),
         .samples = found == carriers.end() ? table.column("samples").items(row) : found->second});
  });
}

query::Plan plan_carriers(const Dataset& dataset, const ViewQuery& query, const Context& context) {
  return plan(dataset, place_of(query), From::pages, context).plan;
}

}  // namespace cnf::vcfs3
