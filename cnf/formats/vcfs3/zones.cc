// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/zones.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>

#include "cnf/formats/vcfs3/alleles.h"
#include "cnf/formats/vcfs3/info_column_internal.h"
#include "cnf/formats/vcfs3/site.h"

namespace cnf::vcfs3 {
namespace {

constexpr Zone kEverything{-std::numeric_limits<double>::infinity(),
                           std::numeric_limits<double>::infinity()};

void add(double value, Zone& zone) {
  if (std::isnan(value)) {
    zone = kEverything;
    return;
  }
  zone.min = std::min(zone.min, value);
  zone.max = std::max(zone.max, value);
}

/// Adds the number that a text is. A text that begins as one but goes on otherwise ("5x", "0x1F",
/// "1e999") may be a number to somebody, so it makes the zone everything.
void add(std::string_view text, Zone& zone) {
  const bool has_sign = text.starts_with('+') || text.starts_with('-');
  const std::string_view number = text.substr(has_sign ? 1 : 0);
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error == std::errc::invalid_argument || number.starts_with('-')) return;
  if (error != std::errc() || end != number.data() + number.size()) {
    zone = kEverything;
  } else {
    add(text.starts_with('-') ? -value : value, zone);
  }
}

void add_values(std::string_view values, Zone& zone) {
  for (;;) {
    const std::size_t end = values.find(',');
    add(values.substr(0, end), zone);
    if (end == std::string_view::npos) return;
    values.remove_prefix(end + 1);
  }
}

}  // namespace

PageZones zones_of(std::span<const Site> sites, std::span<const std::string> keys) {
  PageZones zones;
  zones.info.resize(keys.size());
  if (std::ranges::any_of(sites, &Site::is_raw)) {
    zones.qual = zones.alts = kEverything;
    std::ranges::fill(zones.info, kEverything);
    return zones;
  }
  std::unordered_map<std::string_view, std::size_t> numbers;
  for (std::size_t i = 0; i < keys.size(); ++i) numbers.emplace(keys[i], i);
  for (const Site& site : sites) {
    add(site.qual, zones.qual);
    add(static_cast<double>(alternate_alleles(site.alt)), zones.alts);
    if (numbers.empty()) continue;
    for_each_entry(site.info, [&](const InfoEntry& entry) {
      if (!entry.has_value) return;
      const auto found = numbers.find(entry.key);
      if (found != numbers.end()) add_values(entry.value, zones.info[found->second]);
    });
  }
  return zones;
}

}  // namespace cnf::vcfs3
