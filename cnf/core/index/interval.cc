// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/index/interval.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "cnf/core/compress/integers.h"
#include "cnf/core/index/interval_internal.h"
#include "cnf/core/index/page_internal.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/index/paged_tree_internal.h"  // IWYU pragma: keep: instantiated here
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"

namespace cnf::index {
namespace {

using Bounds = IntervalTraits::Bounds;
using Place = IntervalTraits::Bounds::Place;

constexpr std::int64_t kLastPosition = std::numeric_limits<std::int64_t>::max();

Place place(const Interval& interval) noexcept { return {interval.sequence, interval.start}; }

// An empty interval is the position it stands at. Needs start < kLastPosition.
std::int64_t end_of(const Interval& interval) noexcept {
  return std::max(interval.end, interval.start + 1);
}

bool is_sound(const Interval& interval) noexcept {
  return interval.start < kLastPosition && interval.start <= interval.end;
}

void require_sound(const Interval& interval, std::string_view doing) {
  if (is_sound(interval)) return;
  throw Error(Errc::invalid_argument, doing,
              fmt::format("interval [{}, {}) of sequence {}", interval.start, interval.end,
                          interval.sequence),
              "it ends before it starts, or starts at the last position there is");
}

std::uint64_t difference(std::int64_t from, std::int64_t to) noexcept {
  return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
}

// Modulo 2^64: what is out of range comes out as an order that get_bounds refuses.
std::int64_t moved(std::int64_t from, std::int64_t by) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(from) +
                                   static_cast<std::uint64_t>(by));
}

std::int64_t signed_difference(std::int64_t from, std::int64_t to) noexcept {
  return static_cast<std::int64_t>(difference(from, to));
}

std::uint32_t get_sequence(ByteReader& in, std::uint32_t base, std::uint64_t delta) {
  if (delta > std::numeric_limits<std::uint32_t>::max() - base) {
    in.fail("a sequence number beyond 32 bits");
  }
  return base + static_cast<std::uint32_t>(delta);
}

std::vector<std::uint64_t> get_varints(ByteReader& in, std::size_t count) {
  std::vector<std::uint64_t> values(count);
  compress::get_varints(in, values);
  return values;
}

std::vector<std::int64_t> get_deltas(ByteReader& in, std::size_t count) {
  std::vector<std::int64_t> values(count);
  compress::get_deltas(in, values);
  return values;
}

}  // namespace

void IntervalTraits::Codec::check(const Interval& key, const Interval* previous) {
  require_sound(key, "add to index");
  if (previous != nullptr && place(key) < place(*previous)) {
    throw Error(
        Errc::invalid_argument, "add to index",
        fmt::format("interval at {} of sequence {}", key.start, key.sequence),
        fmt::format("it comes after one at {} of sequence {}", previous->start, previous->sequence),
        "sort by sequence, then by start");
  }
}

std::size_t IntervalTraits::Codec::size(const Interval& /*key*/) noexcept {
  return 5 + 10 + 10;  // the longest varints of a sequence, a delta of starts, a length
}

std::size_t IntervalTraits::Codec::size(const Bounds& /*bounds*/) noexcept {
  return 2 * (5 + 10) + 10;
}

void IntervalTraits::Codec::put_keys(std::span<const Interval> keys, ByteWriter& out) {
  std::vector<std::uint64_t> sequences;
  std::vector<std::int64_t> starts;
  std::vector<std::uint64_t> lengths;
  std::uint32_t sequence = 0;
  for (const Interval& key : keys) {
    sequences.push_back(key.sequence - sequence);
    starts.push_back(key.start);
    lengths.push_back(difference(key.start, key.end));
    sequence = key.sequence;
  }
  compress::put_varints(sequences, out);
  compress::put_deltas(starts, out);
  compress::put_varints(lengths, out);
}

std::vector<Interval> IntervalTraits::Codec::get_keys(ByteReader& in, std::size_t count) {
  const auto sequences = get_varints(in, count);
  const auto starts = get_deltas(in, count);
  const auto lengths = get_varints(in, count);
  std::vector<Interval> keys(count);
  Place previous{0, std::numeric_limits<std::int64_t>::min()};
  for (std::size_t i = 0; i < count; ++i) {
    Interval& key = keys[i];
    key.sequence = get_sequence(in, previous.sequence, sequences[i]);
    key.start = starts[i];
    if (lengths[i] > difference(key.start, kLastPosition)) in.fail("an interval that ends nowhere");
    key.end = moved(key.start, static_cast<std::int64_t>(lengths[i]));
    if (!is_sound(key) || place(key) < previous) in.fail("intervals that are not in order");
    previous = place(key);
  }
  return keys;
}

void IntervalTraits::Codec::put_bounds(std::span<const Bounds> all, ByteWriter& out) {
  std::vector<std::uint64_t> first_sequences;
  std::vector<std::int64_t> first_starts;
  std::vector<std::uint64_t> more_sequences;
  std::uint32_t sequence = 0;
  for (const Bounds& bounds : all) {
    first_sequences.push_back(bounds.first.sequence - sequence);
    first_starts.push_back(bounds.first.start);
    more_sequences.push_back(bounds.last.sequence - bounds.first.sequence);
    sequence = bounds.first.sequence;
  }
  compress::put_varints(first_sequences, out);
  compress::put_deltas(first_starts, out);
  compress::put_varints(more_sequences, out);
  for (const Bounds& bounds : all) {
    out.put_zigzag(signed_difference(bounds.first.start, bounds.last.start));
  }
  for (const Bounds& bounds : all) {
    out.put_zigzag(signed_difference(bounds.last.start, bounds.max_end));
  }
}

std::vector<Bounds> IntervalTraits::Codec::get_bounds(ByteReader& in, std::size_t count) {
  const auto first_sequences = get_varints(in, count);
  const auto first_starts = get_deltas(in, count);
  const auto more_sequences = get_varints(in, count);
  std::vector<Bounds> all(count);
  std::uint32_t sequence = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sequence = get_sequence(in, sequence, first_sequences[i]);
    all[i].first = {sequence, first_starts[i]};
    all[i].last.sequence = get_sequence(in, sequence, more_sequences[i]);
  }
  for (Bounds& bounds : all) bounds.last.start = moved(bounds.first.start, in.get_zigzag());
  for (Bounds& bounds : all) bounds.max_end = moved(bounds.last.start, in.get_zigzag());

  Place previous{0, std::numeric_limits<std::int64_t>::min()};
  for (const Bounds& bounds : all) {
    if (bounds.first < previous || bounds.last < bounds.first ||
        bounds.max_end <= bounds.last.start) {
      in.fail("bounds of children that are not in order");
    }
    previous = bounds.last;
  }
  return all;
}

Bounds IntervalTraits::Codec::bounds_of(const Interval& key) noexcept {
  return {place(key), place(key), end_of(key)};
}

void IntervalTraits::Codec::extend(Bounds& bounds, const Bounds& next) noexcept {
  const bool same_sequence = next.last.sequence == bounds.last.sequence;
  bounds.max_end = same_sequence ? std::max(bounds.max_end, next.max_end) : next.max_end;
  bounds.last = next.last;
}

std::vector<Interval> IntervalTraits::Codec::prepare(std::vector<Interval> query) {
  for (Interval& interval : query) {
    require_sound(interval, "query index");
    interval.end = end_of(interval);
  }
  std::ranges::sort(query, {}, place);
  std::vector<Interval> merged;
  for (const Interval& interval : query) {
    if (!merged.empty() && merged.back().sequence == interval.sequence &&
        interval.start <= merged.back().end) {
      merged.back().end = std::max(merged.back().end, interval.end);
    } else {
      merged.push_back(interval);
    }
  }
  return merged;
}

// The wanted intervals are apart and in order, so the first one that ends behind a place is the
// only one that need be looked at: those after it start later.
bool IntervalTraits::Codec::matches(const std::vector<Interval>& wanted,
                                    const Interval& key) noexcept {
  const auto end = [](const Interval& interval) { return Place{interval.sequence, interval.end}; };
  const auto found = std::ranges::upper_bound(wanted, place(key), {}, end);
  return found != wanted.end() && found->sequence == key.sequence && found->start < end_of(key);
}

bool IntervalTraits::Codec::may_match(const std::vector<Interval>& wanted,
                                      const Bounds& bounds) noexcept {
  const auto end = [](const Interval& interval) { return Place{interval.sequence, interval.end}; };
  const auto found = std::ranges::upper_bound(wanted, bounds.first, {}, end);
  if (found == wanted.end() || found->sequence > bounds.last.sequence) return false;
  return found->sequence < bounds.last.sequence || found->start < bounds.max_end;
}

template class TreeBuilder<IntervalTraits>;
template class Tree<IntervalTraits>;

}  // namespace cnf::index
