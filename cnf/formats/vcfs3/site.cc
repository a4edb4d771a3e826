// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/site.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cnf::vcfs3 {

InfoValue find_info(std::string_view info, std::string_view key) noexcept {
  std::size_t at = 0;
  while (at < info.size()) {
    std::size_t end = info.find(';', at);
    if (end == std::string_view::npos) end = info.size();
    const std::string_view entry = info.substr(at, end - at);
    if (entry.starts_with(key)) {
      if (entry.size() == key.size()) return {.value = {}, .found = true, .is_flag = true};
      if (entry[key.size()] == '=') return {.value = entry.substr(key.size() + 1), .found = true};
    }
    at = end + 1;
  }
  return {};
}

std::int64_t end_of(const Site& site) noexcept {
  const std::int64_t by_ref = site.pos + static_cast<std::int64_t>(site.ref.size());
  const InfoValue end = find_info(site.info, "END");
  if (!end.found || end.is_flag) return by_ref;
  std::int64_t value = 0;
  const char* const last = end.value.data() + end.value.size();
  const auto [stop, error] = std::from_chars(end.value.data(), last, value);
  if (error != std::errc() || stop != last || value <= site.pos) return by_ref;
  return value;  // 1-based inclusive is 0-based exclusive
}

}  // namespace cnf::vcfs3
