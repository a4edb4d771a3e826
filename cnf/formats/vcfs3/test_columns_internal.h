// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/formats/vcfs3/columns.h"

namespace cnf::vcfs3::testing {

/// A column as the only one of a section.
inline Buffer section_of(EncodedColumn column, int level = 3) {
  std::vector<EncodedColumn> columns;
  columns.push_back(std::move(column));
  return encode_section(columns, level);
}

/// The same with its checksum made right again, for what is behind it to be reached.
inline Buffer with_checksum(ByteSpan section) {
  const ByteSpan body = section.subspan(4);
  Buffer result;
  ByteWriter out(result);
  out.put(crc32c(body));
  out.put_bytes(body);
  return result;
}

inline std::vector<std::string_view> views_of(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

}  // namespace cnf::vcfs3::testing
