// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cnf::vcfs3 {

/// Where the values of an INFO key come from; stands on disk. All but `tokens` have exceptions.
enum class ValueKind : std::uint8_t {
  tokens = 0,
  same = 1,       ///< As another key has them.
  quotients = 2,  ///< Of two other keys: AF = AC / AN.
  ends = 3,       ///< The record's end, as END has it.
};

/// Keys of a page; with more of them, INFO is kept as text.
inline constexpr std::size_t kMaxInfoKeys = 50'000;
/// Values of all keys of a page; with more of them, INFO is kept as text.
inline constexpr std::size_t kMaxInfoValues = std::size_t{1} << 22;
/// Text of INFO of a page; with more, INFO is kept as text.
inline constexpr std::size_t kMaxInfoText = std::size_t{128} << 20;

/// An entry of INFO or of a layout, split at its first '='. An entry of a layout takes a value from
/// a column if it ends with '=' and has no other, and there is a column of that key.
struct InfoEntry {
  std::string_view text = {};   ///< All of it.
  std::string_view key = {};    ///< Up to '='.
  std::string_view value = {};  ///< Behind '='.
  bool has_value = false;       ///< There is a '='.
};

/// Calls `visit` for every entry, which are separated by ';'; there is one in an empty text.
template <typename Visit>
void for_each_entry(std::string_view info, const Visit& visit) {
  for (;;) {
    const std::size_t end = info.find(';');
    InfoEntry entry{.text = info.substr(0, end)};
    const std::size_t equals = entry.text.find('=');
    entry.key = entry.text.substr(0, equals);
    entry.has_value = equals != std::string_view::npos;
    if (entry.has_value) entry.value = entry.text.substr(equals + 1);
    visit(entry);
    if (end == std::string_view::npos) return;
    info.remove_prefix(end + 1);
  }
}

}  // namespace cnf::vcfs3
