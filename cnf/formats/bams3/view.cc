// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/view.h"

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
#include <htslib/sam.h>

#include "cnf/core/index/interval.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/query/filter.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/query/table.h"
#include "cnf/core/query/zones.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/core_columns.h"
#include "cnf/formats/bams3/dataset.h"
#include "cnf/formats/bams3/group.h"
#include "cnf/formats/bams3/group_row.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/hts_record.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/record_filter.h"
#include "cnf/formats/bams3/streams.h"
#include "cnf/hts/region.h"

namespace cnf::bams3 {

/// A group to decode, and the region it is decoded for.
struct ViewUnit {
  GroupRow row;
  std::optional<Region> region;
};

/// A query as the decoder needs it; shared by all units and immutable.
struct ViewUnits {
  std::vector<ViewUnit> units;
  ViewQuery query;
  Form form = Form::count;
  query::Filter filter;  // on the core columns, region aside
  Header header;
  HtsHeader hts_header;
  std::vector<std::string> keys;  // of each unit's chunk, for messages
};

namespace {

/// Keeps rows that overlap a region, as samtools has it.
class InRegion final : public query::Predicate {
 public:
  explicit InRegion(const Region& region) : region_(region) {}
  void apply(const query::Table& table, query::Selection& selection) const override {
    const auto refs = table.column("ref").as<std::int32_t>();
    if (region_.kind == Region::Kind::everything) return;
    if (region_.kind == Region::Kind::unplaced) {
      std::erase_if(selection, [&](std::uint32_t row) { return refs[row] >= 0; });
      return;
    }
    const auto starts = table.column("pos").as<std::int32_t>();
    const auto ends = table.column("end").as<std::int64_t>();
    const auto ref = static_cast<std::int32_t>(region_.ref);
    std::erase_if(selection, [&](std::uint32_t row) {
      return refs[row] != ref || starts[row] >= region_.end || ends[row] <= region_.start;
    });
  }
  [[nodiscard]] std::vector<std::string> columns() const override { return {"ref", "pos", "end"}; }
  [[nodiscard]] std::string describe() const override { return "in region"; }

 private:
  Region region_;
};

/// Keeps rows that overlap an interval of a BED file.
class InBed final : public query::Predicate {
 public:
  explicit InBed(std::shared_ptr<const Bed> bed) : bed_(std::move(bed)) {}
  void apply(const query::Table& table, query::Selection& selection) const override {
    const auto refs = table.column("ref").as<std::int32_t>();
    const auto starts = table.column("pos").as<std::int32_t>();
    const auto ends = table.column("end").as<std::int64_t>();
    std::erase_if(selection, [&](std::uint32_t row) {
      return refs[row] < 0 ||
             !bed_->overlaps(static_cast<std::uint32_t>(refs[row]), starts[row], ends[row]);
    });
  }
  [[nodiscard]] std::vector<std::string> columns() const override { return {"ref", "pos", "end"}; }
  [[nodiscard]] std::string describe() const override { return "in BED intervals"; }

 private:
  std::shared_ptr<const Bed> bed_;
};

query::Filter core_filter(const ViewQuery& query) {
  query::Filter filter;
  if (query.required_flags != 0) filter.add(query::has_all_bits("flag", query.required_flags));
  if (query.excluded_flags != 0) filter.add(query::has_no_bits("flag", query.excluded_flags));
  if (query.min_mapq > 0) filter.add(query::at_least("mapq", query.min_mapq));
  if (query.bed) filter.add(std::make_shared<InBed>(query.bed));
  return filter;
}

/// What the index tells of the group's columns as core_filter names them.
query::ZoneMap zones_of(const GroupRow& row) {
  query::ZoneMap zones;
  zones.set("mapq",
            {.min = static_cast<double>(row.min_mapq), .max = static_cast<double>(row.max_mapq)});
  return zones;
}

index::Interval interval_of(const Region& region) {
  if (region.kind == Region::Kind::unplaced) return {kUnplaced, 0, 1};
  return {region.ref, region.start, region.end};
}

std::vector<GroupRow> groups_for(const Dataset& dataset, const std::optional<Region>& region,
                                 const Bed* bed, const Context& context) {
  if (region && region->kind != Region::Kind::everything) {
    if (!dataset.in_order()) {
      throw Error(Errc::unsupported, "look up a region", dataset.root()->uri(),
                  "its records are not in coordinate order",
                  "convert it with --order coordinate, or read all of it with -L and a BED file");
    }
    return dataset.find_groups({interval_of(*region)}, context);
  }
  if (bed != nullptr && dataset.in_order()) {
    std::vector<index::Interval> intervals;
    for (const Region& wanted : bed->regions()) intervals.push_back(interval_of(wanted));
    return dataset.find_groups(intervals, context);
  }
  return dataset.all_groups(context);
}

// All records of the row's reference overlap the region, and no filter is asked: the index knows.
bool is_counted_whole(const GroupRow& row, const std::optional<Region>& region) {
  if (!region || region->kind == Region::Kind::everything) return true;
  if (region->kind == Region::Kind::unplaced)
    return row.key.sequence == kUnplaced && row.records() == row.group_records;
  return row.records() == row.group_records && row.key.sequence == region->ref &&
         row.key.start >= region->start && row.key.end <= region->end;
}

query::Unit unit_of(const GroupRow& row, const std::string& key, Form form, std::uint64_t id) {
  query::Unit unit;
  unit.id = id;
  unit.ranges.push_back({.key = key,
                         .offset = row.core_offset,
                         .length = row.core_length,
                         .crc32c = row.core_crc32c});
  unit.decoded_bytes = row.group_records * 64;
  if (form == Form::bam || form == Form::sam || form == Form::json) {
    unit.ranges.push_back({.key = key, .offset = row.body_offset, .length = row.body_length()});
    // Streams, bases one a byte and records; as text, the lines as well.
    unit.decoded_bytes += (form == Form::bam ? 3 : 6) * row.group_bytes;
  }
  return unit;
}

template <typename T>
query::Column to_column(std::string name, const std::vector<T>& values) {
  query::Column column(std::move(name), query::kTypeOf<T>);
  std::ranges::copy(values, column.template fill<T>(values.size()).begin());
  return column;
}

query::Table core_table(const CoreColumns& core) {
  query::Table table(core.size());
  table.add(to_column("ref", core.ref));
  table.add(to_column("pos", core.pos));
  query::Column ends("end", query::Type::int64);
  const auto out = ends.fill<std::int64_t>(core.size());
  for (std::size_t i = 0; i < core.size(); ++i) out[i] = core.end(i);
  table.add(std::move(ends));
  table.add(to_column("flag", core.flag));
  table.add(to_column("mapq", core.mapq));
  return table;
}

/// Throws Error corrupt_data if one of the records that end at `ends`, or its mate, lies on a
/// reference that the header does not have: whatever is made of them looks its name up.
void check_all_references(const ViewUnits& view, ByteSpan records,
                          std::span<const std::int64_t> ends, std::string_view subject) {
  std::size_t start = 0;
  for (const std::int64_t end : ends) {
    const auto size = static_cast<std::size_t>(end) - start;
    check_references(*view.hts_header, RecordView(records.subspan(start, size).subspan(4)),
                     subject);
    start += size;
  }
}

/// The selected records as one column in the wanted form, conditions on names and tags applied.
query::Table record_table(GroupDecoder& group, const query::Selection& selection,
                          const ViewUnits& view, std::string_view subject) {
  const bool as_bam = view.form == Form::bam;
  Buffer records;
  std::vector<std::int64_t> ends;
  group.append_records(selection, records, ends);
  check_all_references(view, records, ends, subject);
  query::Column column(as_bam ? "record" : "text",
                       as_bam ? query::Type::binary : query::Type::utf8);
  std::size_t matching = 0;
  if (as_bam && view.query.conditions.empty()) {
    column.values() = std::move(records);
    column.offsets().insert(column.offsets().end(), ends.begin(), ends.end());
  } else {
    RecordFilter filter(view.query.conditions, *view.hts_header);
    const HtsRecord record = make_hts_record();
    std::size_t start = 0;
    for (const std::int64_t end : ends) {
      const ByteSpan whole = records.span().subspan(start, static_cast<std::size_t>(end) - start);
      start = static_cast<std::size_t>(end);
      const RecordView view_of(whole.subspan(4));
      to_hts(view_of, *record);
      if (!filter.matches(view_of, *record)) continue;
      ++matching;
      Buffer& out = column.values();
      if (as_bam) {
        out.append(whole);
      } else if (view.form == Form::sam) {
        append_sam_line(*view.hts_header, *record, out);
      } else if (view.form == Form::json) {
        append_json_line(*view.hts_header, *record, out);
      }
      column.offsets().push_back(static_cast<std::int64_t>(out.size()));
    }
  }
  if (view.form == Form::count) return query::Table(matching);
  query::Table table(column.rows());
  table.add(std::move(column));
  return table;
}

query::Table decode(const ViewUnits& view, std::uint64_t id, std::span<const ByteSpan> ranges) {
  const ViewUnit& unit = view.units[id];
  const std::string subject = fmt::format("{}@{}", view.keys[id], unit.row.core_offset);
  SectionBytes sections{};
  if (ranges.size() > 1) {
    std::uint64_t at = 0;
    for (std::size_t i = 1; i < kSections; ++i) {
      sections[i] = ranges[1].subspan(at, unit.row.section_lengths[i]);
      at += unit.row.section_lengths[i];
    }
  }
  GroupDecoder group(ranges[0], sections, subject);
  if (group.directory().records != unit.row.group_records) {
    throw Error(Errc::corrupt_data, "decode", subject,
                fmt::format("{} records, the index says {}", group.directory().records,
                            unit.row.group_records));
  }
  const auto references = static_cast<std::int32_t>(view.header.references.size());
  if (std::ranges::any_of(group.core().ref, [&](std::int32_t ref) { return ref >= references; })) {
    throw Error(Errc::corrupt_data, "decode", subject,
                "it names a reference that the header lacks");
  }
  const query::Table core = core_table(group.core());
  query::Filter filter = view.filter;
  if (unit.region) filter.add(std::make_shared<InRegion>(*unit.region));
  const query::Selection selection = filter.select(core);
  if (view.form == Form::columns) return core.take(selection);
  if (view.form == Form::count && view.query.conditions.empty())
    return query::Table(selection.size());
  return record_table(group, selection, view, subject);
}

}  // namespace

ViewPlan plan_view(const Dataset& dataset, const ViewQuery& query, Form form,
                   const Context& context) {
  query.conditions.check();
  auto view = std::make_shared<ViewUnits>();
  view->query = query;
  view->form = form;
  view->filter = core_filter(query);
  view->header = dataset.header();
  view->hts_header = to_hts(dataset.header());
  ViewPlan result;
  // Names and tags are not in the core streams: counting by them reads whole records.
  const Form reads = form == Form::count && !query.conditions.empty() ? Form::bam : form;
  const bool counts_by_index =
      form == Form::count && view->filter.empty() && query.conditions.empty();

  std::vector<std::optional<Region>> regions(query.regions.begin(), query.regions.end());
  if (regions.empty()) regions.emplace_back();
  for (const std::optional<Region>& region : regions) {
    for (const GroupRow& row : groups_for(dataset, region, query.bed.get(), context)) {
      if (!view->filter.may_match(zones_of(row))) continue;
      if (counts_by_index && is_counted_whole(row, region)) {
        result.counted += row.group_records;
        continue;
      }
      const std::string key = dataset.chunk_key(row.chunk);
      result.plan.units.push_back(unit_of(row, key, reads, view->units.size()));
      view->units.push_back({row, region});
      view->keys.push_back(key);
    }
  }
  result.plan.limit = query.limit;
  result.units = std::move(view);
  return result;
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

}  // namespace cnf::bams3
