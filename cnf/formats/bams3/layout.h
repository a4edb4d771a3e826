// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "cnf/core/chunk/footer.h"
#include "cnf/core/util/buffer.h"

namespace cnf::bams3 {

inline constexpr std::string_view kFormat = "BAMS3";
inline constexpr int kMajorVersion = 1;
inline constexpr std::string_view kVersion = "1.0.0";

/// Names of the manifest's objects, besides metadata::kChunkIndex.
inline constexpr std::string_view kHeaderObject = "header";
inline constexpr std::string_view kGroupIndex = "spatial";

/// A chunk begins with it.
inline constexpr std::string_view kChunkMagic{"CNFBAM1\0", 8};
/// The trailer: u32 footer length, u32 CRC32C of the footer, the magic again.
inline constexpr std::size_t kTrailerBytes = chunk::kTrailerBytes;

/// What a chunk says of itself, behind its groups, so that it can be read and checked without the
/// index (which could be made anew from it).
struct ChunkFooter {
  struct Group {
    std::uint64_t records = 0;
    std::uint64_t body_offset = 0;
    std::uint64_t body_length = 0;
    std::uint64_t core_offset = 0;
    std::uint64_t core_length = 0;
    std::uint32_t core_crc32c = 0;
    bool operator==(const Group&) const = default;
  };
  std::vector<Group> groups;

  /// The footer and the trailer behind it.
  [[nodiscard]] Buffer encode() const;
  /// From the end of a chunk: at least the trailer and the footer. Throws Error corrupt_data.
  [[nodiscard]] static ChunkFooter decode(ByteSpan tail, std::string_view subject);
  /// How many bytes from the end decode() needs, told by the trailer (the last kTrailerBytes).
  [[nodiscard]] static std::uint64_t tail_length(ByteSpan trailer, std::string_view subject);
};

}  // namespace cnf::bams3
