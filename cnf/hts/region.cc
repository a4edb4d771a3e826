// SPDX-License-Identifier: Apache-2.0
#include "cnf/hts/region.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <istream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <htslib/hts.h>

#include "cnf/core/util/error.h"

namespace cnf::hts {
namespace {

int id_of_name(void* names, const char* name) {
  const auto id = static_cast<const SequenceNames*>(names)->find(name);
  return id ? static_cast<int>(*id) : -1;
}

bool is_comment(const std::string& line) {
  const std::size_t start = line.find_first_not_of(" \t\r");
  if (start == std::string::npos || line[start] == '#') return true;
  const auto begins_with = [&](std::string_view word) {
    return line.compare(start, word.size(), word) == 0 &&
           (line.size() == start + word.size() || line[start + word.size()] == ' ' ||
            line[start + word.size()] == '\t');
  };
  return begins_with("track") || begins_with("browser");
}

}  // namespace

void SequenceNames::add(std::string name) { ids_.try_emplace(std::move(name), next_++); }

std::optional<std::uint32_t> SequenceNames::find(std::string_view name) const {
  const auto found = ids_.find(std::string(name));
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

Region parse_region(std::string_view text, const SequenceNames& names) {
  const std::string region(text);
  if (region == "*") return {.kind = Region::Kind::unplaced};
  if (region == ".") return {.kind = Region::Kind::everything};
  int id = -1;
  hts_pos_t start = 0;
  hts_pos_t end = 0;
  // htslib's own parser, so that every spelling means what it means to samtools. It only reads
  // names.
  const char* rest = hts_parse_region(region.c_str(), &id, &start, &end, id_of_name,
                                      const_cast<SequenceNames*>(&names), HTS_PARSE_THOUSANDS_SEP);
  if (rest == nullptr && id == -1) {
    throw Error(Errc::not_found, "look up region", region, "the dataset has no such reference",
                "the dataset's header lists them");
  }
  if (rest == nullptr || *rest != '\0' || start < 0 || start >= end) {
    throw Error(Errc::invalid_argument, "look up region", region,
                "it is not a region, or could be two",
                "write chr1:1,000-2,000, or {name}:1-9 where the name has colons");
  }
  return {.ref = static_cast<std::uint32_t>(id), .start = start, .end = end};
}

Bed Bed::load(std::istream& in, const SequenceNames& names, std::string_view subject) {
  Bed bed;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (is_comment(line)) continue;
    std::istringstream fields(line);
    std::string name;
    std::string first;
    std::string second;
    fields >> name >> first >> second;
    const auto to_number = [&](const std::string& field) {
      std::int64_t value = 0;
      const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
      if (error != std::errc() || end != field.data() + field.size() || value < 0) {
        throw Error(Errc::corrupt_data, "read BED", fmt::format("{}, line {}", subject, number),
                    fmt::format("'{}' is no position", field));
      }
      return value;
    };
    Interval interval{0, std::numeric_limits<std::int64_t>::max()};
    if (!second.empty()) {
      interval = {to_number(first), to_number(second)};
    } else if (!first.empty()) {
      interval = {to_number(first) - 1, to_number(first)};
    }
    if (interval.start > interval.end) {
      throw Error(Errc::corrupt_data, "read BED", fmt::format("{}, line {}", subject, number),
                  "it ends before it starts");
    }
    const auto id = names.find(name);
    if (!id) continue;
    if (bed.by_ref_.size() <= *id) bed.by_ref_.resize(*id + 1);
    bed.by_ref_[*id].push_back(interval);
  }
  for (std::vector<Interval>& intervals : bed.by_ref_) {
    std::ranges::sort(intervals, {}, &Interval::start);
    std::vector<Interval> merged;
    for (const Interval& interval : intervals) {
      if (!merged.empty() && interval.start <= merged.back().end) {
        merged.back().end = std::max(merged.back().end, interval.end);
      } else {
        merged.push_back(interval);
      }
    }
    intervals = std::move(merged);
  }
  return bed;
}

bool Bed::overlaps(std::uint32_t ref, std::int64_t start, std::int64_t end) const noexcept {
  if (ref >= by_ref_.size()) return false;
  const auto after = std::ranges::upper_bound(by_ref_[ref], start, {}, &Interval::end);
  return after != by_ref_[ref].end() && after->start < end;
}

std::vector<Region> Bed::regions() const {
  std::vector<Region> regions;
  for (std::uint32_t ref = 0; ref < by_ref_.size(); ++ref) {
    for (const Interval& interval : by_ref_[ref]) {
      regions.push_back({.ref = ref, .start = interval.start, .end = interval.end});
    }
  }
  return regions;
}

}  // namespace cnf::hts
