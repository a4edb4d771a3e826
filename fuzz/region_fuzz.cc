// SPDX-License-Identifier: Apache-2.0
// Regions and BED files: the first line is a region, the others are BED.

#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>

#include "fuzz/bams3_records.h"
#include "fuzz/harness.h"

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/hts/region.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace bams3 = cnf::bams3;
  namespace hts = cnf::hts;
  using cnf::Errc;
  using cnf::fuzz::require;
  const std::string_view text = cnf::as_text(cnf::fuzz::bytes_of(data, size));
  const std::size_t line_end = text.find('\n');
  const bams3::Header header = cnf::fuzz::small_header();
  const cnf::hts::SequenceNames names = bams3::reference_names(header);

  cnf::fuzz::returns({Errc::not_found, Errc::invalid_argument}, [&] {
    const hts::Region region = hts::parse_region(text.substr(0, line_end), names);
    if (region.kind != hts::Region::Kind::interval) return;
    require(region.ref < header.references.size(), "a region of no reference");
    require(region.start >= 0 && region.start < region.end, "a region that is none");
  });
  if (line_end == std::string_view::npos) return 0;
  cnf::fuzz::returns({Errc::corrupt_data}, [&] {
    std::istringstream lines{std::string(text.substr(line_end + 1))};
    const hts::Bed bed = hts::Bed::load(lines, names, "input");
    for (const hts::Region& region : bed.regions()) {
      require(region.ref < header.references.size(), "an interval of no reference");
      if (region.start == region.end) continue;
      require(bed.overlaps(region.ref, region.start, region.end),
              "an interval that does not overlap itself");
    }
  });
  return 0;
}
