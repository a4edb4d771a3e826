// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace cnf::vcfs3 {

/// What the variant index knows of an ID (SPEC.md, "Variant index"). Others may have the same: the
/// page that the index names tells.
[[nodiscard]] std::uint64_t hash_id(std::string_view id) noexcept;

/// How much of hashes an index of a number of IDs keeps: the first `kept` bits of each, in rows
/// whose key is the first `key` of these.
struct IdBits {
  unsigned kept = 64;
  unsigned key = 0;

  /// One in 16 to 32 look-ups of an ID that is not there reads a page in vain, and a key has some
  /// 256 to 512 rows.
  [[nodiscard]] static IdBits for_count(std::uint64_t ids) noexcept;
  /// \param kept  1 to 64.
  [[nodiscard]] static IdBits of(unsigned kept) noexcept;
  [[nodiscard]] std::uint64_t kept_of(std::uint64_t hash) const noexcept;
  [[nodiscard]] std::uint64_t key_of(std::uint64_t hash) const noexcept;
};

/// The IDs in an ID column, "rs1;rs2" has two, in its order, without "." and without empty ones.
[[nodiscard]] std::vector<std::string_view> split_ids(std::string_view column);

}  // namespace cnf::vcfs3
