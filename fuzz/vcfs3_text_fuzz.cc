// SPDX-License-Identifier: Apache-2.0
// VCF text: if it has a header, its lines come back from bins as they stood, however they were cut
// into slabs, and the header from its object.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/harness.h"

#include "cnf/core/chunk/position_sample.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/bin.h"
#include "cnf/formats/vcfs3/bin_builder.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/line.h"
#include "cnf/formats/vcfs3/parse.h"

namespace {

namespace vcfs3 = cnf::vcfs3;
using cnf::fuzz::require;

void append_bin(const vcfs3::Bin& bin, std::string_view end, cnf::Buffer& out) {
  const vcfs3::Genotypes& genotypes = bin.genotypes;
  require(genotypes.records == bin.sites.size() && bin.cells.records == bin.sites.size(),
          "columns of a bin differ in length");
  for (std::size_t record = 0; record < bin.sites.size(); ++record) {
    std::vector<std::string> cells;
    for (std::size_t s = 0; s < genotypes.samples; ++s) {
      std::string cell;
      if (genotypes.present[record] != 0) cell = genotypes.text(record, s);
      cells.push_back(cell.append(bin.cells.rest(record, s)));
    }
    const std::vector<std::string_view> views(cells.begin(), cells.end());
    vcfs3::append_line({.contig = bin.contig, .site = bin.sites[record], .cells = views}, end, out);
  }
}

// The lines behind the header, through slabs of at least `slab` bytes.
std::string through_bins(std::string_view lines, std::size_t slab, const vcfs3::Header& header) {
  const std::string_view end = header.crlf ? "\r\n" : "\n";
  const cnf::chunk::PositionSampleStrategy grid(header.samples.size());
  cnf::Buffer out;
  vcfs3::BinBuilder builder(header, grid,
                            [&](const vcfs3::Bin& bin) { append_bin(bin, end, out); });
  while (!lines.empty()) {
    const std::size_t newline = lines.find('\n', std::min(slab, lines.size()) - 1);
    const std::string_view piece =
        lines.substr(0, newline == std::string_view::npos ? newline : newline + 1);
    builder.add(vcfs3::parse_slab({.text = cnf::Buffer::copy_of(cnf::as_bytes(piece))}, header));
    lines.remove_prefix(piece.size());
  }
  builder.finish();
  if (!builder.final_newline()) out.resize(out.size() - end.size());
  return std::string(cnf::as_text(out));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = cnf::as_text(cnf::fuzz::bytes_of(data, size));
  cnf::fuzz::returns({cnf::Errc::corrupt_data}, [&] {
    const std::size_t end = vcfs3::Header::find_end(text, true, "input").value();
    const vcfs3::Header header = vcfs3::Header::parse(std::string(text.substr(0, end)), "input");
    const vcfs3::Header again = vcfs3::Header::decode(header.encode(), "object");
    require(again.text == header.text && again.samples == header.samples, "the header changed");
    require(header.text_with_samples(header.samples) == header.text || header.samples.empty(),
            "the header's own samples changed it");
    const std::string_view lines = text.substr(end);
    require(through_bins(lines, lines.size() + 1, header) == lines, "lines changed");
    require(through_bins(lines, 1, header) == lines, "lines changed one by one");
  });
  return 0;
}
