// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/format_tile.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/format_testing_internal.h"

namespace cnf::vcfs3 {
namespace {

using testing::CellTable;
using testing::ParsedCells;

/// Encodes samples [first, first + count) of a table and reads them back; returns the tile.
Buffer round_trip(const CellTable& table, SampleRange range, int level) {
  const ParsedCells all(table, 0, table.samples());
  const ParsedCells part(table, range.first, range.count);
  const auto formats = table.formats();
  Buffer tile = encode_format(all.rests, formats, all.genotypes, range, level);
  const FormatCells cells = decode_format(tile, formats, part.genotypes, "tile");
  EXPECT_EQ(cells.records, part.rests.records);
  EXPECT_EQ(cells.samples, range.count);
  for (std::size_t r = 0; r < part.rests.records; ++r) {
    for (std::size_t s = 0; s < range.count; ++s) {
      EXPECT_EQ(cells.rest(r, s), part.rests.rest(r, s))
          << table.rows[r][0] << ' ' << r << ' ' << s;
    }
  }
  EXPECT_EQ(tile.empty(), part.rests.empty());
  return tile;
}

void expect_round_trips(const CellTable& table) {
  for (const int level : {3, 9, 19}) {
    round_trip(table, {0, table.samples()}, level);
    round_trip(table, {table.samples() / 2, 1}, level);
  }
}

/// So often that text is no smaller than columns.
CellTable repeated(const CellTable& table, std::size_t times) {
  CellTable result;
  for (std::size_t i = 0; i < times; ++i) {
    for (const auto& row : table.rows) {
      result.rows.push_back(row);
      for (std::string& cell : result.rows.back()) {
        if (cell.find("DP") == std::string::npos && cell.ends_with(":7")) {
          cell += std::to_string(i);
        }
      }
    }
  }
  return result;
}

struct Case {
  const char* name;
  CellTable table;
};

std::vector<Case> cases() {
  return {
      {"gatk",
       {{{"GT:AD:DP:GQ:PL", "0/0:10,0:10:30:0,30,400", "0/1:5,6:11:99:150,0,120", "./.:0,0:0"},
         {"GT:AD:DP:GQ:PL", "0/2:1,2,3:6:7:9,8,7,6,5,4", "1/1:0,9:9:27:300,27,0", "./."}}}},
      {"fields_dropped_or_missing",
       {{{"GT:DP:GQ:PL", "./.", "./.:.", "./.:.:.", "./.:.:.:."},
         {"GT:DP:GQ:PL", "./.:3", "./.:", "./.:::", "./.::.:"}}}},
      {"more_fields_than_names", {{{"GT:DP", "0/1:5:6", "0/1:5:", "0/1:5:6,7:8"}}}},
      {"fields_behind_a_lone_genotype", {{{"GT", "0/1:7", "0/1", "0/1:"}}}},
      {"nothing_at_all", {{{"GT", "0/1", ".", "1"}, {"GT:DP", "0/1", "./.", "."}}}},
      {"missing_elements", {{{"GT:AD:PL", "0/1:.,3:.,.,.", "0/1:3,.:0,.,5", "0/1:.:."}}}},
      {"odd_elements", {{{"GT:AD", "0/1:x,.", "0/1:,", "0/1:3,", "0/1:,,3", "0/1:3,,4"}}}},
      {"ploidy",
       {{{"GT:PL", "0:0,30", "1/1/1:9,8,7,0", "0/1:5,0,5"},
         {"GT:PL", "0:0,30,60", "0/1/2:9,8,7,0,1,2,3,4,5,6", "0/1:5,0,5,1,1,1"}}}},
      {"many_elements",
       {{{"GT:PL", "0/1:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14", "0/1:0,1,2,3,4,5,6,7,8,9,10",
          "0/1:0,1,2,3,4,5,6,7,8,9,.,x,-3,0.25,1e5"}}}},
      {"strings",
       {{{"GT:FT:PID:PGT", "0/1:PASS:1_A_G:0|1", "0/1:q10;s50:1_A_G:0|1", "0/0:PASS"},
         {"GT:FT:PID:PGT", "0/1:a,b,c:2_A_G:1|0", "0/1:q10;s50:.:.", "0/0:.:é,%3B:\"\""}}}},
      {"local_alleles", {{{"GT:LAA:DP:LAD", "0/0::30:30", "0/1:1:30:15,15", "0/2:2:12:4,8"}}}},
      {"genotype_not_first",
       {{{"DP:GT", "5:0/1", "6", ".:.", "7:0|1"}, {"GTX", "a", "", "1", "0/1"}}}},
      {"no_format", {{{".", ".", ".", "."}, {"GT:DP", "0/1:3", "0/0:4", "./."}, {"", "", "", ""}}}},
      {"duplicate_keys", {{{"GT:DP:DP:DP", "0/1:1:2:3", "0/1:1", "0/1:4:.:x"}}}},
      {"empty_keys", {{{"GT::DP", "0/1:1:2", "0/1::", "0/1"}, {"GT:", "0/1:", "0/1:5", "0/1"}}}},
      {"floats_in_integers", {{{"GT:GQ", "0/1:3.01", "0/1:99", "0/1:0.00", "0/1:12.5"}}}},
      {"floats",
       {{{"GT:GL", "0/1:-0.00,-1.5,-30", "0/1:0,-0,-0.0", "0/1:1e-5,nan,inf", "0/1:-.5,5.,00.5"},
         {"GT:GL", "0/1:0.000000000000001", "0/1:0.0000000000000001", "0/1:+1", "0/1:-"},
         {"GT:GL", "0/1:1234567.89", "0/1:12345678.99", "0/1:99999999.99", "0/1:1.2.3"}}}},
      {"integers_at_bounds",
       {{{"GT:DP", "0/1:999999999", "0/1:1000000000", "0/1:2147483647", "0/1:-2147483648"},
         {"GT:DP", "0/1:-999999999", "0/1:007", "0/1:-0", "0/1:99999999999999999999"}}}},
      {"mixed_formats",
       {{{"GT:DP:AD", "0/1:7:3,4", "0/0:9:9,0"},
         {"GT:AD:DP", "0/1:3,4:7", "0/0:9,0:9"},
         {"AD", "3,4", "."},
         {"GT", "0/1", "0/0"}}}},
      {"gvcf",
       {{{"GT:DP:GQ:MIN_DP:PL", "0/0:30:90:28:0,90,1350", "./.:0:0:0:0,0,0"},
         {"GT:DP:GQ:MIN_DP:PL", "0/0:32:96:32:0,96,1440", "0/0:5:15:5:0,15,200"},
         {"GT:AD:DP:GQ:PGT:PID:PL:SB",
          "0/1:14,16,0:30:99:0|1:101_A_C:400,0,380,442,428,870:8,6,9,7", "0/0:9,0,0:9"}}}},
  };
}

TEST(FormatTile, GivesEveryCellBack) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    expect_round_trips(c.table);
    expect_round_trips(repeated(c.table, 60));
  }
}

TEST(FormatTile, HasNoBytesWhereCellsHaveNoRest) {
  const CellTable table = {{{"GT", "0/1", "1"}, {"GT:DP", "0/1", "."}}};
  EXPECT_TRUE(round_trip(table, {0, 2}, 3).empty());
  const CellTable one_has = {{{"GT:DP", "0/1", "0/1:3"}}};
  EXPECT_TRUE(round_trip(one_has, {0, 1}, 3).empty());
  EXPECT_FALSE(round_trip(one_has, {1, 1}, 3).empty());
}

TEST(FormatTile, ManyFieldsAreKeptAsText) {
  constexpr std::size_t kFields = 1000, kKindAt = 4;
  CellTable table;
  for (std::size_t i = 0; i < kFields; ++i) {
    table.rows.push_back({"GT:F" + std::to_string(i), "0|1:7", "0|1:7"});
  }
  const Buffer tile = round_trip(table, {0, 2}, 9);
  EXPECT_EQ(std::to_integer<int>(tile.data()[kKindAt]), 0);
}

TEST(FormatTile, ManyDistinctGenotypesAreStillContexts) {
  CellTable table;
  for (int i = 0; i < 400; ++i) {
    table.rows.push_back(
        {"GT:DP", "0/" + std::to_string(i) + ":" + std::to_string(i % 9), "./.:0"});
  }
  expect_round_trips(table);
}

/// Depths, qualities and likelihoods with noise in them, as many as four samples have.
CellTable noisy_calls(std::size_t records) {
  CellTable table;
  for (std::uint64_t i = 0; i < records; ++i) {
    std::vector<std::string> row = {"GT:AD:DP:GQ:PL"};
    for (std::uint64_t s = 0; s < 4; ++s) {
      const std::uint64_t noise = crc32c(as_bytes(std::to_string(i * 4 + s)));
      const std::uint64_t ref = noise % 30, alt = noise / 64 % 30, likely = 1 + noise / 4096 % 200;
      row.push_back("0/1:" + std::to_string(ref) + ',' + std::to_string(alt) + ':' +
                    std::to_string(ref + alt) + ':' +
                    std::to_string(std::min<std::uint64_t>(99, likely)) + ':' +
                    std::to_string(likely) + ",0," + std::to_string(2 * likely));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

TEST(FormatTile, WhatOthersForetellCostsNextToNothing) {
  const CellTable table = noisy_calls(3000);
  CellTable without = table;
  for (auto& row : without.rows) {
    row[0] = "GT:AD:PL";
    for (std::size_t s = 1; s < row.size(); ++s) {
      const std::size_t dp = row[s].find(':', 4), pl = row[s].rfind(':');
      row[s].erase(dp, pl - dp);
    }
  }
  for (const int level : {3, 9, 19}) {
    const std::size_t whole = round_trip(table, {0, 4}, level).size();
    const std::size_t less = round_trip(without, {0, 4}, level).size();
    // 12,000 depths and 12,000 qualities of 7 bits each are 21,000 bytes by themselves.
    EXPECT_LT(whole, less + less / 16) << level;
  }
}

TEST(FormatTile, HigherLevelsAreSmaller) {
  const CellTable table = noisy_calls(3000);
  const std::size_t fast = round_trip(table, {0, 4}, 3).size();
  const std::size_t archive = round_trip(table, {0, 4}, 19).size();
  EXPECT_LT(archive, fast);
  // AD, with its 2 × 30 values, and PL, with 200: log2(30) × 2 + log2(200) bits a cell.
  EXPECT_LT(archive, 3000 * 4 * (4.91 * 2 + 7.64) / 8 * 1.06);
}

rc::Gen<std::string> any_element() {
  return rc::gen::weightedOneOf<std::string>(
      {{8, rc::gen::map(rc::gen::inRange(0, 300), [](int v) { return std::to_string(v); })},
       {2, rc::gen::map(rc::gen::arbitrary<std::int32_t>(),
                        [](std::int32_t v) { return std::to_string(v); })},
       {2, rc::gen::map(rc::gen::pair(rc::gen::inRange(-999, 999), rc::gen::inRange(0, 1000)),
                        [](const std::pair<int, int>& v) {
                          return std::to_string(v.first) + '.' + std::to_string(v.second);
                        })},
       {2, rc::gen::element<std::string>(".", "", "PASS", "0|1", "1e5", "-0", "nan")},
       {1,
        rc::gen::container<std::string>(rc::gen::elementOf(std::string("0123456789.-+eE|x%")))}});
}

rc::Gen<std::string> joined(const rc::Gen<std::string>& part, char separator, int most) {
  return rc::gen::map(rc::gen::mapcat(rc::gen::inRange(1, most),
                                      [part](int n) {
                                        return rc::gen::container<std::vector<std::string>>(
                                            static_cast<std::size_t>(n), part);
                                      }),
                      [separator](const std::vector<std::string>& parts) {
                        std::string text = parts[0];
                        for (std::size_t i = 1; i < parts.size(); ++i) text += separator + parts[i];
                        return text;
                      });
}

RC_GTEST_PROP(FormatTile, AnyCellsComeBack, ()) {
  const auto samples = *rc::gen::inRange<std::size_t>(1, 6);
  const auto records = *rc::gen::inRange<std::size_t>(1, 30);
  const auto format_gen = joined(
      rc::gen::element<std::string>("DP", "AD", "PL", "GQ", "GT", "FT", "GL", "X", ""), ':', 6);
  const auto field_gen = joined(any_element(), ',', 14);
  const auto cell_gen = joined(field_gen, ':', 7);
  const std::vector<std::string> formats = {"GT:" + *format_gen, *format_gen, "GT"};
  CellTable table;
  for (std::size_t r = 0; r < records; ++r) {
    std::vector<std::string> row = {*rc::gen::elementOf(formats)};
    const bool genotype = testing::begins_with_genotype(row[0]);
    for (std::size_t s = 0; s < samples; ++s) {
      std::string cell = genotype ? *rc::gen::element<std::string>("0/1", "./.", "1|1", ".") : "";
      const std::string rest = *cell_gen;
      if (!genotype || *rc::gen::inRange(0, 5) != 0) cell += (genotype ? ":" : "") + rest;
      row.push_back(std::move(cell));
    }
    table.rows.push_back(std::move(row));
  }
  const int level = *rc::gen::element(3, 9, 19);
  round_trip(repeated(table, *rc::gen::element<std::size_t>(1, 40)), {0, samples}, level);
  RC_ASSERT(!::testing::Test::HasFailure());
}

Buffer sealed(ByteSpan body) {
  Buffer tile;
  ByteWriter out(tile);
  out.put(crc32c(body));
  out.put_bytes(body);
  return tile;
}

/// Tiles of columns in which every form of a stream occurs.
std::vector<Buffer> tiles_of(const CellTable& table, const ParsedCells& parsed) {
  std::vector<Buffer> tiles;
  for (const int level : {3, 9, 19}) {
    tiles.push_back(encode_format(parsed.rests, table.formats(), parsed.genotypes,
                                  {0, table.samples()}, level));
    EXPECT_EQ(tiles.back().data()[4], std::byte{1}) << "no tile of columns";
  }
  return tiles;
}

TEST(FormatTile, DamageIsAnError) {
  const CellTable table = noisy_calls(60);
  const ParsedCells parsed(table, 0, table.samples());
  const auto formats = table.formats();
  for (const Buffer& tile : tiles_of(table, parsed)) {
    for (std::size_t cut = 1; cut < tile.size(); ++cut) {
      const ByteSpan part = tile.span().first(cut);
      EXPECT_THROW((void)decode_format(part, formats, parsed.genotypes, "t"), Error);
    }
    for (std::size_t at = 0; at < tile.size(); ++at) {
      Buffer flipped = Buffer::copy_of(tile);
      flipped.data()[at] ^= std::byte{0x10};
      EXPECT_THROW((void)decode_format(flipped, formats, parsed.genotypes, "t"), Error);
    }
  }
}

TEST(FormatTile, DamageUnderARightChecksumIsAnErrorOrOtherText) {
  const CellTable table = noisy_calls(60);
  const ParsedCells parsed(table, 0, table.samples());
  const auto formats = table.formats();
  std::size_t errors = 0;
  for (const Buffer& tile : tiles_of(table, parsed)) {
    for (std::size_t at = 4; at < tile.size(); ++at) {
      for (const unsigned mask : {1U, 0x90U}) {
        Buffer body = Buffer::copy_of(tile.span().subspan(4));
        body.data()[at - 4] ^= static_cast<std::byte>(mask);
        try {
          (void)decode_format(sealed(body), formats, parsed.genotypes, "t");
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), Errc::corrupt_data) << error.what();
          ++errors;
        }
      }
    }
    for (std::size_t cut = 5; cut < tile.size(); ++cut) {
      const Buffer shorter = sealed(tile.span().subspan(4, cut - 4));
      EXPECT_THROW((void)decode_format(shorter, formats, parsed.genotypes, "t"), Error) << cut;
    }
  }
  EXPECT_GT(errors, 100U);
}

TEST(FormatTile, RefusesWhatItsBytesCannotHold) {
  const CellTable table = {{{"GT:PL", "0/1:0,1", "0/1:2,3"}}};
  const ParsedCells parsed(table, 0, 2);
  const auto refuse = [&](const std::vector<std::uint64_t>& varints) {
    Buffer body;
    ByteWriter out(body);
    for (const std::uint64_t value : varints) out.put_varint(value);
    EXPECT_THROW((void)decode_format(sealed(body), table.formats(), parsed.genotypes, "t"), Error);
  };
  constexpr std::uint64_t kHuge = std::uint64_t{1} << 40;
  refuse({7});                                         // a form of tile that is none
  refuse({0, kHuge});                                  // text: lengths of cells
  refuse({0, 2, 2 << 1, 1, 1, kHuge});                 // text: its size
  refuse({1, 1 << 1, 2});                              // columns: a record neither active nor not
  refuse({1, 1 << 1, 1, 0, 3});                        // a cell lacks more fields than there are
  refuse({1, 1 << 1, 1, 0, 0, 9});                     // a column that is none
  refuse({1, 1 << 1, 1, 0, 0, 1, 0, 0, 0});            // fields of no elements
  refuse({1, 1 << 1, 1, 0, 0, 1, 0, 0, 0xffffffff});   // fields of billions
  refuse({1, 1 << 1, 1, 0, 0, 1, 0, 0, kHuge});        // fields of more
  refuse({1, 1 << 1, 1, 0, 0, 1, 0, 0, 1, 0, kHuge});  // a number of billions
  refuse({1, 1 << 1, 1, 0, 0, 1, 0, 0, 1, 2, 9});      // too many contexts
  refuse({1, 1 << 1, 1, 0, 0, 1, 0, 0, 1, 2, 1, 4, 1, 0});  // a context not known yet
}

}  // namespace
}  // namespace cnf::vcfs3
