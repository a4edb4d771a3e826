// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cnf::vcfs3 {

inline constexpr std::string_view kFormat = "VCFS3";
inline constexpr int kMajorVersion = 1;
inline constexpr std::string_view kVersion = "1.0.0";

/// Names of the manifest's objects, besides metadata::kChunkIndex.
inline constexpr std::string_view kHeaderObject = "header";     ///< _header-<id>.vcf.zst
inline constexpr std::string_view kSamplesObject = "samples";   ///< _samples-<id>.json.zst
inline constexpr std::string_view kPositionIndex = "position";  ///< _index/position-<id>.idx
inline constexpr std::string_view kVariantIndex = "variant";    ///< _index/variant-<id>.idx
/// Only where the manifest cannot carry the header, for its many samples: the header without them,
/// and the way from a sample's name to its ordinal.
inline constexpr std::string_view kDefinitionsObject =
    "definitions";                                          ///< _header-definitions-<id>…
inline constexpr std::string_view kSampleIndex = "sample";  ///< _index/sample-<id>.idx

/// A site page has at most this many records, and a bin at most so many pages.
inline constexpr std::size_t kPageRecords = 4096;
inline constexpr std::size_t kBinPages = 4;
inline constexpr std::size_t kBinRecords = kPageRecords * kBinPages;

}  // namespace cnf::vcfs3
