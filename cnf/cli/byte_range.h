// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cnf::cli {

/// Bytes of an object as `cnf cat --range` spells them: "A-B", "A-" or "-N".
struct ByteRange {
  std::uint64_t first = 0;                   ///< 0-based.
  std::optional<std::uint64_t> end = {};     ///< Not included; nullopt: the object's end.
  std::optional<std::uint64_t> suffix = {};  ///< Set: the last so many bytes, and no first or end.

  /// Numbers may carry a unit (64K). Throws UsageError.
  [[nodiscard]] static ByteRange parse(std::string_view text);

  struct Resolved {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
  };
  /// The range within an object of `size` bytes, cut at its end; nullopt if it begins behind it.
  [[nodiscard]] std::optional<Resolved> resolve(std::uint64_t size) const noexcept;
};

}  // namespace cnf::cli
