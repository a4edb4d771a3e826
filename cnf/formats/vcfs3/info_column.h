// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/columns.h"
#include "cnf/formats/vcfs3/token_column.h"

namespace cnf::vcfs3 {

/// What INFO values may follow from: columns of the same records that are known before INFO is.
struct InfoSources {
  std::span<const std::int64_t> alts = {};  ///< Number of ALT alleles.
  std::span<const std::int64_t> ends = {};  ///< 0-based exclusive, see end_of().
};

/// INFO of records as a section: a column of layouts (INFO without values), and one of values per
/// key (SPEC.md, "INFO").
[[nodiscard]] Buffer encode_info(std::span<const std::string_view> infos,
                                 const InfoSources& sources, const Sizer& sizer, int level);

/// INFO of records, rendered one by one. Threads: one at a time.
class InfoDecoder {
 public:
  /// Section and sources must outlive it. Throws Error corrupt_data.
  InfoDecoder(Section& section, std::size_t records, const InfoSources& sources);
  ~InfoDecoder();
  InfoDecoder(const InfoDecoder&) = delete;
  InfoDecoder& operator=(const InfoDecoder&) = delete;

  /// Valid as long as the decoder lives. Each record is rendered once.
  [[nodiscard]] std::string_view info(std::size_t record);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cnf::vcfs3
