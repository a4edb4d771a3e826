// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/region_set.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/index/interval.h"
#include "cnf/core/util/error.h"
#include "cnf/hts/region.h"

namespace cnf::vcfs3 {
namespace {

// Ends stay far from overflow.
constexpr std::int64_t kMaxPosition = std::int64_t{1} << 62;

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 ||
      value > kMaxPosition) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::uint32_t> find_name(std::span<const std::string> contigs,
                                       std::string_view name) {
  const auto at = std::ranges::find(contigs, name);
  if (at == contigs.end()) return std::nullopt;
  return static_cast<std::uint32_t>(at - contigs.begin());
}

index::Interval interval_of(std::uint32_t contig, std::string_view range, std::string_view text) {
  const std::size_t dash = range.find('-');
  const std::optional<std::int64_t> first = parse_number(range.substr(0, dash));
  std::optional<std::int64_t> last = first;
  if (dash != std::string_view::npos) {
    last = dash + 1 == range.size() ? kMaxPosition : parse_number(range.substr(dash + 1));
  }
  if (!first || !last || *last < *first) {
    throw Error(Errc::invalid_argument, "read region", text, "it is none",
                "write chr1, chr1:1000, chr1:1000- or chr1:1000-2000");
  }
  return {contig, *first - 1, *last};
}

index::Interval parse_region(std::string_view text, std::span<const std::string> contigs) {
  std::string_view name = text;
  std::string_view range;
  if (text.starts_with('{')) {
    const std::size_t close = text.find('}');
    name = text.substr(1, close == std::string_view::npos ? close : close - 1);
    const std::string_view rest =
        close == std::string_view::npos ? std::string_view() : text.substr(close + 1);
    if (rest.starts_with(':')) range = rest.substr(1);
  } else if (!find_name(contigs, text)) {
    const std::size_t colon = text.rfind(':');
    name = text.substr(0, colon);
    if (colon != std::string_view::npos) range = text.substr(colon + 1);
  }
  const std::optional<std::uint32_t> contig = find_name(contigs, name);
  if (!contig) {
    throw Error(Errc::not_found, "look up region", text, fmt::format("no contig \"{}\"", name));
  }
  if (range.empty()) return {*contig, kContigStart, kContigEnd};
  return interval_of(*contig, range, text);
}

std::string_view next_word(std::string_view& line) {
  const std::size_t end = line.find_first_of("\t \r");
  const std::string_view word = line.substr(0, end);
  line = end == std::string_view::npos ? std::string_view() : line.substr(end + 1);
  return word;
}

// nullopt if the line is no region.
std::optional<index::Interval> interval_of_line(std::uint32_t contig, std::string_view rest,
                                                bool is_bed) {
  const std::optional<std::int64_t> first = parse_number(next_word(rest));
  const std::optional<std::int64_t> second = parse_number(next_word(rest));
  if (!first || (is_bed && !second)) return std::nullopt;
  const index::Interval interval =
      is_bed ? index::Interval{contig, *first, *second}
             : index::Interval{contig, *first - 1, second.value_or(*first)};
  if (interval.end < interval.start) return std::nullopt;
  return interval;
}

}  // namespace

std::vector<index::Interval> parse_regions(std::string_view text,
                                           std::span<const std::string> contigs) {
  std::vector<index::Interval> intervals;
  while (!text.empty()) {
    const std::size_t brace = text.starts_with('{') ? text.find('}') : 0;
    const std::size_t comma =
        brace == std::string_view::npos ? std::string_view::npos : text.find(',', brace);
    const std::string_view one = text.substr(0, comma);
    if (!one.empty()) intervals.push_back(parse_region(one, contigs));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return intervals;
}

std::vector<index::Interval> read_regions(std::string_view text, bool is_bed,
                                          std::span<const std::string> contigs,
                                          std::string_view subject) {
  std::vector<index::Interval> intervals;
  hts::SequenceNames names;  // a file may have as many lines as there are genes
  for (const std::string& contig : contigs) names.add(contig);
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t newline = text.find('\n');
    std::string_view line = text.substr(0, newline);
    text = newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
    if (line.empty() || line == "\r" || line.starts_with('#') || line.starts_with("track") ||
        line.starts_with("browser")) {
      continue;
    }
    const std::optional<std::uint32_t> contig = names.find(next_word(line));
    if (!contig) continue;
    const std::optional<index::Interval> interval = interval_of_line(*contig, line, is_bed);
    if (!interval) {
      throw Error(Errc::corrupt_data, "read regions", subject,
                  fmt::format("line {} is no region", number));
    }
    intervals.push_back(*interval);
  }
  return intervals;
}

RegionSet::RegionSet(const std::vector<index::Interval>& intervals) {
  for (const index::Interval& interval : intervals) {
    if (std::ranges::find(order_, interval.sequence) == order_.end()) {
      order_.push_back(interval.sequence);
    }
  }
  std::vector<index::Interval> sorted = intervals;
  std::ranges::sort(sorted);
  for (const index::Interval& interval : sorted) {
    if (!merged_.empty() && merged_.back().sequence == interval.sequence &&
        interval.start <= merged_.back().end) {
      merged_.back().end = std::max(merged_.back().end, interval.end);
    } else {
      merged_.push_back(interval);
    }
  }
}

bool RegionSet::overlaps(std::uint32_t contig, std::int64_t start,
                         std::int64_t end) const noexcept {
  const std::int64_t last = std::max(end, start + 1);
  // The last interval that starts before the end: the others of the contig end before it starts.
  const auto after = std::ranges::partition_point(merged_, [&](const index::Interval& interval) {
    return interval.sequence < contig || (interval.sequence == contig && interval.start < last);
  });
  if (after == merged_.begin()) return false;
  const index::Interval& before = *std::prev(after);
  return before.sequence == contig && before.end > start;
}

std::size_t RegionSet::rank(std::uint32_t contig) const noexcept {
  return static_cast<std::size_t>(std::ranges::find(order_, contig) - order_.begin());
}

}  // namespace cnf::vcfs3
