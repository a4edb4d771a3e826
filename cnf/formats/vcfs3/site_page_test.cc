// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/site_page.h"

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/layout.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/test_columns_internal.h"
#include "cnf/formats/vcfs3/variant.h"

namespace cnf::vcfs3 {
namespace {

/// A record that owns its texts.
struct Record {
  std::int64_t pos = 0;
  std::string id = ".", ref = "A", alt = "G", qual = ".", filter = "PASS", info = ".",
              format = "GT";
  std::string raw = {};
  bool is_raw = false;

  [[nodiscard]] Site site() const {
    if (is_raw) return {.pos = pos, .raw = raw, .is_raw = true};
    return {pos, id, ref, alt, qual, filter, info, format, {}, false};
  }
};

std::vector<Site> sites_of(const std::vector<Record>& records) {
  std::vector<Site> sites;
  for (const Record& record : records) sites.push_back(record.site());
  return sites;
}

EncodedPage encode(const std::vector<Record>& records, int level = 3) {
  return encode_page(sites_of(records), {}, {}, 0, level);
}

void expect_same(const Site& got, const Site& want, std::size_t record) {
  EXPECT_EQ(got.pos, want.pos) << record;
  EXPECT_EQ(got.id, want.id) << record;
  EXPECT_EQ(got.ref, want.ref) << record;
  EXPECT_EQ(got.alt, want.alt) << record;
  EXPECT_EQ(got.qual, want.qual) << record;
  EXPECT_EQ(got.filter, want.filter) << record;
  EXPECT_EQ(got.info, want.info) << record;
  EXPECT_EQ(got.format, want.format) << record;
  EXPECT_EQ(got.raw, want.raw) << record;
  EXPECT_EQ(got.is_raw, want.is_raw) << record;
}

/// Asks in order and then backwards, of a page each.
void expect_round_trip(const std::vector<Record>& records, int level = 3) {
  const EncodedPage page = encode(records, level);
  for (const bool backwards : {false, true}) {
    SitePage decoded(page.core, page.info, records.size(), "test");
    ASSERT_EQ(decoded.records(), records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      const std::size_t record = backwards ? records.size() - 1 - i : i;
      const Site want = records[record].site();
      expect_same(decoded.site(record, Needs::all()), want, record);
      EXPECT_EQ(decoded.positions()[record], want.pos);
      EXPECT_EQ(decoded.ends()[record], end_of(want)) << want.info;
      EXPECT_EQ(decoded.raw()[record], want.is_raw ? 1 : 0);
      EXPECT_EQ(decoded.has_genotypes()[record], want.has_genotypes() ? 1 : 0);
      EXPECT_EQ(decoded.residual(record), "");
    }
  }
}

TEST(SitePage, OddAllelesComeBack) {
  std::vector<Record> records;
  for (const auto& [ref, alt] :
       std::initializer_list<std::pair<std::string, std::string>>{{"A", "G"},
                                                                  {"A", "A"},
                                                                  {"G", "."},
                                                                  {"G", "*"},
                                                                  {"T", "<*>"},
                                                                  {"C", "<NON_REF>"},
                                                                  {"C", "T,<NON_REF>"},
                                                                  {"N", "<DEL>"},
                                                                  {"A", "<CN0>,<CN2>"},
                                                                  {"A", "<DUP:TANDEM>"},
                                                                  {"G", "G]17:198982]"},
                                                                  {"T", "[chr2:5[T"},
                                                                  {"G", "G."},
                                                                  {"A", ".A"},
                                                                  {"a", "g"},
                                                                  {"R", "Y"},
                                                                  {"A", "a"},
                                                                  {"CAT", "C"},
                                                                  {"C", "CAT"},
                                                                  {"CAT", "G"},
                                                                  {"C", "GAT"},
                                                                  {"CAT", "c"},
                                                                  {"C", "C,T"},
                                                                  {"C", "CN"},
                                                                  {"AC", "AC"},
                                                                  {"A", "T,T"},
                                                                  {"A", "A,,T"},
                                                                  {"", ""},
                                                                  {"A", ""},
                                                                  {"", "A"},
                                                                  {std::string(10'000, 'A'), "A"},
                                                                  {"A", "G,C,T"}}) {
    records.push_back({.pos = 10, .ref = ref, .alt = alt});
  }
  expect_round_trip(records);
  for (const Record& record : records) expect_round_trip({record});
}

std::vector<std::string> odd_infos() {
  return {".",
          "",
          "DB",
          "AC=1",
          "AC=",
          "AC",
          "AC=1;AC=2",
          "AC=;AC=",
          "AC=;AC=2",
          "AC=1;AC=;AC=3",
          "AC=1;",
          ";AC=1",
          "AC=1;;AN=2",
          ";",
          ";;",
          "=",
          "=5",
          "==",
          "AC==1",
          "AC=1=2",
          "AC=1;=;=",
          "AC=1; AN=2",
          "AC =1",
          "AN=2;AC=1",
          "AC=1,2,3;AN=.",
          "AC=.,1",
          "DP=3.01",
          "DP=1e3",
          "DP=99999999999",
          "DP=-2147483649",
          "C=x",
          "S=\"quoted, text\"",
          "S=a%3Bb%;T=%",
          "S=\xc3\xbc",
          "F=nan;G=inf;H=-inf",
          "F=-0.0;G=1e-320;H=0.30000001192",
          "END=20",
          "END=20;END=30",
          "END=5",
          "END=.",
          "END",
          "END=020",
          "END=99999999999999999999",
          "CSQ=" + std::string(100'000, 'x'),
          "AF=0.5;AC=1;AN=2",
          "AC=3;AN=6;AF=0.500",
          "AC=a;AN=6;AF=0.5",
          "AC=1;AN=0;AF=nan",
          "AC=1,2;AN=10;AF=0.1,0.2",
          "AC=;AN=;AF=",
          "MLEAC=1;AC=1"};
}

TEST(SitePage, OddInfoComesBack) {
  std::vector<Record> records;
  for (const std::string& info : odd_infos()) {
    records.push_back({.pos = 9, .info = info});
    expect_round_trip({records.back()}, 9);
  }
  expect_round_trip(records);
  // So many that no page is small, and most of them regular.
  for (int i = 0; i < 1000; ++i) {
    records.push_back({.pos = 10 + i,
                       .info = fmt::format("AC={0};AN=200;AF={1:.6g}", i % 200, (i % 200) / 200.)});
  }
  expect_round_trip(records);
  expect_round_trip(records, 9);
}

TEST(SitePage, OddColumnsComeBack) {
  std::vector<Record> records;
  for (const std::string_view qual : {".", "0.00", "10.0", "2e+1", "1e-30", "inf", "quality", "30",
                                      "-10", "-0.0", "", "1234.56", "4143.13"}) {
    records.push_back({.pos = 5, .qual = std::string(qual)});
  }
  for (const std::string_view id : {"rs1;rs2", "rs1", "rs1", ".", "esv123", "1:10390:CCCCTAACCC:C",
                                    "chr1_6_A_G", "", "rs007"}) {
    records.push_back({.pos = 5, .id = std::string(id)});
  }
  for (const std::string_view format : {"GT", "GT:DP", "DP:GT", ".", "", "GTX", "GT:", "gt"}) {
    records.push_back({.pos = 5, .format = std::string(format)});
  }
  for (const std::string_view filter : {"PASS", ".", "q10;s50", "0", "", "PASS;"}) {
    records.push_back({.pos = 5, .filter = std::string(filter)});
  }
  expect_round_trip(records);
  for (const Record& record : records) expect_round_trip({record});
}

TEST(SitePage, PositionsMayBeAnyAndInAnyOrder) {
  expect_round_trip({{.pos = -1}, {.pos = 3'000'000'000}, {.pos = 7}, {.pos = 7}, {.pos = 7}});
  expect_round_trip({{.pos = 999'999'999'999'999'999}, {.pos = -1}});
}

TEST(SitePage, RawRecordsStayWhereTheyWere) {
  const auto raw = [](std::int64_t pos, std::string line) {
    return Record{.pos = pos, .raw = std::move(line), .is_raw = true};
  };
  expect_round_trip({raw(0, "")});
  expect_round_trip({raw(4, "chr1\t5\tx\r"),
                     {.pos = 4, .info = "AC=1"},
                     raw(4, "no columns"),
                     {.pos = 5, .info = "AC=2;END=9"},
                     raw(5, ""),
                     raw(5, "\t\t\t")});
}

TEST(SitePage, NothingIsAPage) {
  expect_round_trip({});
  const EncodedPage page = encode({{.info = "."}, {.info = "."}});
  EXPECT_TRUE(page.info.empty());
  EXPECT_TRUE(page.carriers.empty());
}

TEST(SitePage, GivesOnlyWhatIsNeeded) {
  const std::vector<Record> records = {{.pos = 3, .id = "rs1", .qual = "5", .info = "AC=1"}};
  const EncodedPage page = encode(records);
  SitePage decoded(page.core, {}, 1, "test");
  const Site site = decoded.site(0, {.id = true, .genotypes = true});
  EXPECT_EQ(site.id, "rs1");
  EXPECT_EQ(site.format, "GT");
  EXPECT_EQ(site.ref, "");
  EXPECT_EQ(site.qual, "");
  EXPECT_EQ(site.info, "");
  EXPECT_THROW((void)decoded.site(0, {.info = true}), Error) << "it was not fetched";
}

TEST(SitePage, ResidualsAreKeptAsBytes) {
  const std::vector<Record> records = {
      {.pos = 3}, {.pos = 4}, {.pos = 5, .raw = "x", .is_raw = true}};
  const std::vector<std::string> residuals = {std::string("\n\0\xff", 3), "", "\n"};
  const EncodedPage page = encode_page(sites_of(records), residuals, {}, 0, 3);
  SitePage decoded(page.core, page.info, 3, "test");
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(decoded.residual(i), residuals[i]);
}

TEST(SitePage, ViewsOutliveAMove) {
  const std::vector<Record> records = {{.id = "rs1", .info = "AC=1;AN=2"}};
  const EncodedPage page = encode(records);
  SitePage first(page.core, page.info, 1, "test");
  const Site site = first.site(0, Needs::all());
  const SitePage second = std::move(first);
  expect_same(site, records[0].site(), 0);
  EXPECT_EQ(second.records(), 1U);
}

Record random_record(std::mt19937_64& random, std::int64_t pos) {
  const auto pick = [&](std::initializer_list<std::string_view> texts) {
    return std::string(texts.begin()[random() % texts.size()]);
  };
  Record record{.pos = pos};
  if (random() % 50 == 0) return {.pos = pos, .raw = pick({"", "x", "a\tb\r"}), .is_raw = true};
  record.id = random() % 2 == 0 ? "." : fmt::format("rs{}", random() >> 40U);
  record.ref = pick({"A", "C", "G", "T", "N", "ACG", "TTTT"});
  record.alt = pick({"A", "C", "G", "T", ".", "AC,G", "<DEL>", "ACGT"});
  record.qual = pick({".", "30", "12.5", "99.00", "1e3"});
  record.filter = pick({"PASS", ".", "q10"});
  record.format = pick({"GT", "GT:DP", "."});
  const std::uint64_t count = random() % 100;
  record.info = fmt::format("AC={};AF={:.3f};AN=100", count, static_cast<double>(count) / 100);
  if (random() % 4 == 0) record.info += ";DB";
  if (random() % 4 == 0)
    record.info += fmt::format(";END={}", pos + static_cast<int>(random() % 99));
  if (random() % 9 == 0) record.info += fmt::format(";DP={}", random() % 5000);
  if (random() % 30 == 0) record.info = pick({".", ";", "X=1;X=2", "AC=", "AN=3;AC=1"});
  return record;
}

TEST(SitePage, RandomPagesComeBack) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (const std::size_t size : {1UL, 2UL, 17UL, 300UL, kPageRecords}) {
    std::vector<Record> records;
    std::int64_t pos = static_cast<std::int64_t>(random() % 1'000'000);
    for (std::size_t i = 0; i < size; ++i) {
      pos += static_cast<std::int64_t>(random() % 300);
      records.push_back(random_record(random, pos));
    }
    expect_round_trip(records, random() % 2 == 0 ? 3 : 9);
  }
}

std::size_t stored_bytes(const EncodedPage& page) { return page.core.size() + page.info.size(); }

TEST(SitePage, WhatFollowsFromOtherColumnsTakesNoBytes) {
  std::vector<Record> plain;
  std::vector<Record> derived;
  for (int i = 0; i < 4000; ++i) {
    const int count = i * 7919 % 5008;
    plain.push_back({.pos = std::int64_t{100} * i, .info = fmt::format("AC={};AN=5008", count)});
    derived.push_back({.pos = std::int64_t{100} * i,
                       .id = fmt::format("chr1:{}:A:G", 100 * i + 1),
                       .info = fmt::format("AC={0};AF={1:.6g};AN=5008;MLEAC={0};MLEAF={1:.6g}",
                                           count, count / 5008.)});
  }
  EXPECT_LT(stored_bytes(encode(derived)), stored_bytes(encode(plain)) + 200);
  expect_round_trip(derived);
}

TEST(SitePage, KeysForetellEachOther) {
  std::mt19937_64 random(3);
  std::vector<Record> together;
  std::vector<Record> apart;
  for (int i = 0; i < 4000; ++i) {
    const std::uint64_t count = 1 + (random() % 5000 >> random() % 13);
    const std::uint64_t other = 1 + (random() % 5000 >> random() % 13);
    together.push_back({.pos = i, .info = fmt::format("X={};Y={}", count, count * 1000 + 7)});
    apart.push_back({.pos = i, .info = fmt::format("X={};Y={}", count, other * 1000 + 7)});
  }
  expect_round_trip(together);
  EXPECT_LT(stored_bytes(encode(together)) + 1500, stored_bytes(encode(apart)));
}

TEST(SitePage, BlocksOfAGvcfTakeOneLength) {
  std::vector<Record> records;
  std::int64_t pos = 1000;
  for (int i = 0; i < 4000; ++i) {
    const std::int64_t end = pos + 1 + i * 7919 % 200;
    records.push_back({.pos = pos, .alt = "<NON_REF>", .info = fmt::format("END={}", end)});
    pos = end;
  }
  expect_round_trip(records);
  EXPECT_LT(stored_bytes(encode(records)), 4000U * 14 / 10) << "a length and a base each";
}

TEST(SitePage, TheSameBytesEveryTime) {
  std::mt19937_64 random(7);
  std::vector<Record> records;
  for (int i = 0; i < 500; ++i) records.push_back(random_record(random, std::int64_t{100} * i));
  const EncodedPage first = encode(records, 9);
  const EncodedPage second = encode(records, 9);
  EXPECT_EQ(as_text(first.core), as_text(second.core));
  EXPECT_EQ(as_text(first.info), as_text(second.info));
}

/// Reads all there is; an Error must say that the bytes are damaged.
void read_all(ByteSpan core, ByteSpan info, std::size_t records) {
  try {
    SitePage page(core, info, records, "test");
    for (std::size_t i = 0; i < records; ++i) {
      const Site site = page.site(i, Needs::all());
      EXPECT_EQ(site.pos, page.positions()[i]);
      (void)page.residual(i);
    }
    EXPECT_EQ(page.ends().size(), records);
    EXPECT_EQ(page.has_genotypes().size(), records);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::corrupt_data) << error.what();
  }
}

TEST(SitePage, DamageIsAnsweredByAnError) {
  std::mt19937_64 random(11);
  std::vector<Record> records;
  for (int i = 0; i < 30; ++i) records.push_back(random_record(random, std::int64_t{100} * i));
  const EncodedPage page = encode(records);
  for (const bool in_core : {true, false}) {
    const Buffer& bytes = in_core ? page.core : page.info;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      for (const unsigned change : {1U, 2U, 8U, 32U, 128U, 255U}) {
        Buffer damaged = Buffer::copy_of(bytes);
        damaged.span()[at] ^= static_cast<std::byte>(change);
        const Buffer sound = at < 4 ? std::move(damaged) : testing::with_checksum(damaged);
        read_all(in_core ? sound : page.core, in_core ? page.info : sound, records.size());
      }
    }
    for (std::size_t size = 1; size < bytes.size(); ++size) {
      const ByteSpan cut = bytes.span().first(size);
      read_all(in_core ? cut : page.core.span(), in_core ? page.info.span() : cut, records.size());
    }
  }
  for (const std::size_t wrong : {0UL, 29UL, 31UL, 4096UL, 5000UL, 1UL << 40U}) {
    EXPECT_THROW(
        {
          SitePage decoded(page.core, page.info, wrong, "test");
          (void)decoded.positions();
        },
        Error)
        << wrong;
  }
}

}  // namespace
}  // namespace cnf::vcfs3
