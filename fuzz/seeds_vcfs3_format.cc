// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/harness.h"
#include "fuzz/seeds.h"

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/format_cells.h"
#include "cnf/formats/vcfs3/format_tile.h"
#include "cnf/formats/vcfs3/genotypes.h"

namespace cnf::fuzz {
namespace {

/// Rests of cells by the number of their record and sample.
using RestOf = std::string (*)(std::size_t record, std::size_t sample);

/// Records of one FORMAT, as vcfs3_format_fuzz.cc takes them.
void write_format(const SeedWriter& seeds, const std::string& name, std::string_view format,
                  std::uint8_t samples, std::size_t records, RestOf rest) {
  vcfs3::Genotypes genotypes{.records = records, .samples = samples, .texts = {"0/1"}};
  genotypes.codes.resize(records * samples);
  genotypes.present.resize(records, format.starts_with("GT") ? 1 : 0);
  vcfs3::FormatCells cells{.records = records, .samples = samples, .offsets = {0}};
  std::string lines;
  for (std::size_t record = 0; record < records; ++record) {
    lines.append(format).push_back('\n');
    for (std::size_t sample = 0; sample < samples; ++sample) {
      cells.text.append(as_bytes(rest(record, sample)));
      cells.offsets.push_back(static_cast<std::uint32_t>(cells.text.size()));
    }
  }
  const std::vector<std::string_view> formats(records, format);
  for (const int level : {3, 9}) {
    const Buffer tile = vcfs3::encode_format(cells, formats, genotypes, {0, samples}, level);
    Buffer seed;
    put_part(std::as_bytes(std::span(&samples, 1)), seed);
    put_part(as_bytes(lines), seed);
    put_part(tile.span().subspan(4), seed);
    seeds.write("vcfs3_format", name + '_' + std::to_string(level), seed);
  }
}

}  // namespace

void write_vcfs3_format_seeds(const SeedWriter& seeds) {
  write_format(seeds, "gatk", "GT:AD:DP:PL", 6, 50, [](std::size_t r, std::size_t s) {
    const std::size_t ref = (r * 31 + s * s * 7) % 29, alt = (r * 17 + s * 5) % 23;
    return ':' + std::to_string(ref) + ',' + std::to_string(alt) + ':' + std::to_string(ref + alt) +
           ':' + std::to_string(alt * 30) + ",0," + std::to_string(ref * 30);
  });
  write_format(seeds, "dropped", "GT:DP:GQ", 4, 150, [](std::size_t r, std::size_t s) {
    constexpr std::array<std::string_view, 5> kRests = {"", ":.", ":7:3.01", "::", ":7:9:x"};
    return std::string(kRests[(r * r + s) % kRests.size()]);
  });
  write_format(seeds, "texts", "GT:FT:GL", 3, 40, [](std::size_t r, std::size_t s) {
    return ":q" + std::to_string(r * s % 7) + ":-0." + std::to_string(r % 9) + ",-1.5,-" +
           std::to_string(s * 40);
  });
  write_format(seeds, "plain", "DP:GT", 2, 20, [](std::size_t r, std::size_t s) {
    return std::to_string(r * 1000 + s) + (r % 3 == 0 ? "" : ":0|1");
  });
  write_format(seeds, "many", "GT:PL", 3, 60, [](std::size_t r, std::size_t s) {
    std::string rest = ":0";
    for (std::size_t i = 0; i < 8 + r % 9; ++i) rest += ',' + std::to_string(i * i + s);
    return rest;
  });
}

}  // namespace cnf::fuzz
