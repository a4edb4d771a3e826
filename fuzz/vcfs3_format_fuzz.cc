// SPDX-License-Identifier: Apache-2.0
// A FORMAT tile. The first part is the number of samples, a byte; the second the FORMAT of each
// record, on a line each; the third is the tile without its checksum. Genotypes are 0/1.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "fuzz/harness.h"

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/format_cells.h"
#include "cnf/formats/vcfs3/format_tile.h"
#include "cnf/formats/vcfs3/genotypes.h"

namespace {

using cnf::Buffer;
using cnf::ByteSpan;
namespace vcfs3 = cnf::vcfs3;

std::vector<std::string_view> lines(std::string_view text) {
  std::vector<std::string_view> result;
  while (!text.empty()) {
    result.push_back(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(text.size(), result.back().size() + 1));
  }
  return result;
}

vcfs3::Genotypes genotypes(const std::vector<std::string_view>& formats, std::size_t samples) {
  vcfs3::Genotypes result{.records = formats.size(), .samples = samples, .texts = {"0/1"}};
  result.codes.resize(formats.size() * samples);
  for (const std::string_view format : formats) {
    result.present.push_back(format == "GT" || format.starts_with("GT:") ? 1 : 0);
  }
  return result;
}

/// What was read is the same when it is written and read again.
void check_written_again(const vcfs3::FormatCells& cells,
                         const std::vector<std::string_view>& formats, const vcfs3::Genotypes& gt) {
  constexpr std::size_t kMuch = 65536;  // of text: enough for a short input
  if (cells.text.size() > kMuch) return;
  for (std::size_t r = 0; r < cells.records; ++r) {
    for (std::size_t s = 0; s < cells.samples; ++s) {
      const std::string_view rest = cells.rest(r, s);
      // A tile kept as text may hold what no parser gives.
      if (gt.present[r] != 0 && !rest.empty() && rest[0] != ':') return;
    }
  }
  const Buffer tile = vcfs3::encode_format(cells, formats, gt, {0, cells.samples}, 9);
  const vcfs3::FormatCells again = vcfs3::decode_format(tile, formats, gt, "again");
  for (std::size_t r = 0; r < cells.records; ++r) {
    for (std::size_t s = 0; s < cells.samples; ++s) {
      cnf::fuzz::require(cells.rest(r, s) == again.rest(r, s), "cells differ when read again");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<ByteSpan> parts = cnf::fuzz::split_parts(cnf::fuzz::bytes_of(data, size));
  if (parts.size() != 3 || parts[0].empty()) return 0;
  const auto samples = std::to_integer<std::size_t>(parts[0][0]);
  const std::vector<std::string_view> formats = lines(cnf::as_text(parts[1]));
  const vcfs3::Genotypes gt = genotypes(formats, samples);
  Buffer tile;
  cnf::ByteWriter out(tile);
  out.put(cnf::crc32c(parts[2]));
  out.put_bytes(parts[2]);
  cnf::fuzz::returns({cnf::Errc::corrupt_data}, [&] {
    check_written_again(vcfs3::decode_format(tile, formats, gt, "input"), formats, gt);
  });
  return 0;
}
