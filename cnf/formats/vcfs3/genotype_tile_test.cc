// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/genotype_tile.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/genotypes.h"

namespace cnf::vcfs3 {
namespace {

/// Texts by record and sample; a record without GT has none.
using Cells = std::vector<std::vector<std::string>>;

/// What parsing the samples' columns gives.
Genotypes parsed(const Cells& cells, SampleRange samples) {
  Genotypes out{.records = cells.size(), .samples = samples.count};
  std::unordered_map<std::string, std::uint32_t> numbers;
  for (const auto& record : cells) {
    out.present.push_back(record.empty() ? 0 : 1);
    for (std::size_t i = 0; i < samples.count; ++i) {
      std::uint32_t number = 0;
      if (!record.empty()) {
        const std::string& text = record[samples.first + i];
        const auto next = static_cast<std::uint32_t>(out.texts.size());
        const auto [at, is_new] = numbers.try_emplace(text, next);
        if (is_new) out.texts.push_back(text);
        number = at->second;
      }
      if (number >= Genotypes::kEscape) out.escapes.push_back({out.codes.size(), number});
      out.codes.push_back(
          static_cast<std::uint8_t>(std::min<std::uint32_t>(number, Genotypes::kEscape)));
    }
  }
  return out;
}

void expect_equal(const Genotypes& got, const Genotypes& want) {
  EXPECT_EQ(got.records, want.records);
  EXPECT_EQ(got.samples, want.samples);
  EXPECT_EQ(got.texts, want.texts);
  EXPECT_EQ(got.present, want.present);
  EXPECT_EQ(got.codes, want.codes);
  ASSERT_EQ(got.escapes.size(), want.escapes.size());
  for (std::size_t i = 0; i < want.escapes.size(); ++i) {
    EXPECT_EQ(got.escapes[i].cell, want.escapes[i].cell);
    EXPECT_EQ(got.escapes[i].text, want.escapes[i].text);
  }
}

std::size_t samples_of(const Cells& cells) {
  std::size_t samples = 0;
  for (const auto& record : cells) samples = std::max(samples, record.size());
  return samples;
}

/// All samples as one tile, and as tiles of two; returns the bytes of the former.
std::size_t expect_round_trip(const Cells& cells) {
  const std::size_t samples = samples_of(cells);
  const Genotypes all = parsed(cells, {0, samples});
  const auto one = [&](SampleRange range) {
    const Buffer tile = encode_genotypes(all, range);
    expect_equal(decode_genotypes(tile, all.present, range.count, "tile"), parsed(cells, range));
    return tile.size();
  };
  for (std::size_t first = 0; first < samples; first += 2) {
    one({first, std::min<std::size_t>(2, samples - first)});
  }
  return one({0, samples});
}

/// What may stand where a genotype does, a space behind each; besides what has a space or nothing.
constexpr std::string_view kTexts =
    ". ./. ./1 1/. .|. .|1 0|. 0/.|1 0 1 0/0 0|0 0/1 1|0 1/2 10/11 62/0 63/0 256/0 65536/1 "
    "4294967296 18446744073709551617 999/999 0/0/0 0|1|2 0/0/0/1 0/1/0/1/0 1/1/1/1/1/1/1/1 "
    "1/1/1/1/1/1/1/1/1 ./././. ./1/2 0|1/2 0/0|0 /0/1 |0 |0|1 /1 0/ / | 0/1/ 00/1 0/01 +1/0 -1/0 "
    "A/B 0\\1 0/1\r 0\xc3\xa9 ";

TEST(GenotypeTile, GivesEachTextBack) {
  std::vector<std::string> texts = {"", "0 /1", std::string(5'000, '9')};
  for (std::string_view rest = kTexts; !rest.empty(); rest.remove_prefix(texts.back().size() + 1)) {
    texts.emplace_back(rest.substr(0, rest.find(' ')));
  }
  for (const std::string& text : texts) {
    SCOPED_TRACE(text.substr(0, 20));
    expect_round_trip({{text}});
    expect_round_trip({{"0|0", text, "0|0"}, {text, "0|1", text}, {}, {"0/0", "0/0", text}});
  }
  Cells all(texts.size());
  for (std::size_t record = 0; record < all.size(); ++record) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      all[record].push_back(texts[(record * 7 + i * i) % texts.size()]);
    }
  }
  expect_round_trip(all);
}

TEST(GenotypeTile, GivesSomeRecordsBackAsIfThereWereNoOthers) {
  Cells cells;
  for (std::size_t i = 0; i < 20; ++i) {
    cells.push_back({"0|" + std::to_string(i % 3), i < 10 ? "0|0" : ".", std::to_string(i % 5)});
    if (i % 4 == 1) cells.push_back({});  // without GT
  }
  const Genotypes all = parsed(cells, {0, 3});
  const Buffer tile = encode_genotypes(all, {0, 3});
  for (const RecordRange wanted :
       {RecordRange{0, 1}, {0, 7}, {3, 9}, {24, 1}, {7}, {7, 0}, {25, 3}, {90, 3}}) {
    const std::size_t first = std::min(wanted.first, cells.size());
    const std::size_t count = std::min(wanted.count, cells.size() - first);
    const auto from = cells.begin() + static_cast<std::ptrdiff_t>(first);
    const Cells some(from, from + static_cast<std::ptrdiff_t>(count));
    SCOPED_TRACE(testing::Message() << "records " << first << " + " << count);
    expect_equal(decode_genotypes(tile, all.present, 3, "tile", wanted), parsed(some, {0, 3}));
  }
}

TEST(GenotypeTile, HasNoBytesWithoutGenotypes) {
  EXPECT_EQ(encode_genotypes(parsed({{}, {}}, {0, 3}), {0, 3}).size(), 0);
  EXPECT_EQ(encode_genotypes(parsed({}, {0, 3}), {0, 3}).size(), 0);
  EXPECT_EQ(encode_genotypes(parsed({{"0/0"}}, {0, 1}), {1, 0}).size(), 0);
  const std::vector<std::uint8_t> present = {0, 0};
  const Genotypes none = decode_genotypes({}, present, 3, "tile");
  EXPECT_EQ(none.codes, std::vector<std::uint8_t>(6));
  EXPECT_TRUE(none.texts.empty());
}

TEST(GenotypeTile, NumbersMoreThan255Texts) {
  Cells cells(40);
  for (std::size_t record = 0; record < cells.size(); ++record) {
    for (std::size_t sample = 0; sample < 20; ++sample) {
      cells[record].push_back(std::to_string(record % 23) + "/" + std::to_string(sample * 3));
    }
  }
  EXPECT_GT(parsed(cells, {0, 20}).escapes.size(), 0);
  expect_round_trip(cells);
}

TEST(GenotypeTile, TakesManyLiterals) {
  Cells cells(30);
  for (std::size_t record = 0; record < cells.size(); ++record) {
    for (std::size_t sample = 0; sample < 20; ++sample) {
      cells[record].push_back("x" + std::to_string(record * sample));
    }
  }
  expect_round_trip(cells);
}

TEST(GenotypeTile, KnowsMalesOnTheXChromosome) {
  Cells cells(500);
  for (std::size_t record = 0; record < cells.size(); ++record) {
    for (std::size_t sample = 0; sample < 20; ++sample) {
      cells[record].push_back(sample % 2 == 0 ? "0" : "0|0");
    }
  }
  EXPECT_LT(expect_round_trip(cells), 40);
}

TEST(GenotypeTile, AnyTextMayBeTheUsualOne) {
  for (const std::string_view usual : {"0|0", "./.", ".", "1/1", "0/0/0/0", "odd", "0/."}) {
    Cells cells(1'000, std::vector<std::string>(100, std::string(usual)));
    EXPECT_LT(expect_round_trip(cells), 40) << usual;
    for (std::size_t i = 0; i < 50; ++i) cells[i * 20][i * 37 % 100] = "0/1";
    EXPECT_LT(expect_round_trip(cells), 300) << usual;
  }
}

// Haplotypes that are copies of a few others cost what the few cost, and the copying.
TEST(GenotypeTile, FindsHaplotypesThatAreAlike) {
  std::mt19937 random(5);
  Cells cells(1'000);
  for (auto& record : cells) {
    const auto founders = static_cast<std::uint32_t>(random());
    for (unsigned sample = 0; sample < 60; ++sample) {
      const unsigned first = founders >> sample % 8 & 1U;
      const unsigned second = founders >> sample % 5 & 1U;
      record.push_back(std::to_string(first) + "|" + std::to_string(second));
    }
  }
  EXPECT_LT(expect_round_trip(cells), 1'000 * 8 / 8 * 3 / 2);
}

RC_GTEST_PROP(GenotypeTile, RoundTrips, ()) {
  const auto pool = *rc::gen::container<std::vector<std::string>>(
      *rc::gen::inRange<std::size_t>(1, 12),
      rc::gen::oneOf(rc::gen::element<std::string>("0|0", "0/0", "0|1", "1|0", "./.", ".", "1", "0",
                                                   "1|1", "2|1", "0/1/1", "1/1/1/0", "./1", "7/9"),
                     rc::gen::container<std::string>(rc::gen::element('0', '1', '/', '|', '.'))));
  const auto samples = *rc::gen::inRange<std::size_t>(1, 9);
  const auto records = *rc::gen::inRange<std::size_t>(1, 40);
  Cells cells(records);
  for (auto& record : cells) {
    if (*rc::gen::inRange(0, 6) == 0) continue;
    const auto common = *rc::gen::inRange<std::size_t>(0, pool.size());
    for (std::size_t i = 0; i < samples; ++i) {
      const bool rare = *rc::gen::inRange(0, 4) == 0;
      record.push_back(pool[rare ? *rc::gen::inRange<std::size_t>(0, pool.size()) : common]);
    }
  }
  expect_round_trip(cells);
}

Buffer with_sum(ByteSpan body) {
  Buffer tile = Buffer::copy_of(body);
  ByteWriter(tile).put(crc32c(body));
  return tile;
}

/// True if it decodes; corrupt_data is the other answer.
bool decodes(ByteSpan tile, const std::vector<std::uint8_t>& present, std::size_t samples) {
  try {
    const Genotypes got = decode_genotypes(tile, present, samples, "bin 7");
    EXPECT_EQ(got.codes.size(), present.size() * samples);
    for (const std::uint8_t code : got.codes) {
      EXPECT_TRUE(code < got.texts.size() || code == Genotypes::kEscape || got.texts.empty());
    }
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::corrupt_data);
    EXPECT_NE(std::string_view(error.what()).find("bin 7"), std::string_view::npos);
    return false;
  }
}

Cells mixed_cells() {
  Cells cells(60);
  for (std::size_t record = 0; record < cells.size(); ++record) {
    for (std::size_t sample = 0; sample < 9; ++sample) {
      const std::size_t hash = (record * 31 + sample * 17) % 29;
      cells[record].push_back(hash < 14 ? "0|0" : hash < 20 ? "0|1" : hash < 26 ? "./." : "1/2/0");
    }
  }
  return cells;
}

TEST(GenotypeTile, SeesWhatIsCutOffOrFlipped) {
  const Genotypes bin = parsed(mixed_cells(), {0, 9});
  const Buffer tile = encode_genotypes(bin, {0, 9});
  for (std::size_t size = 0; size < tile.size(); ++size) {
    EXPECT_FALSE(decodes(tile.span().first(size), bin.present, 9)) << size;
  }
  for (std::size_t bit = 0; bit < tile.size() * 8; ++bit) {
    Buffer flipped = Buffer::copy_of(tile);
    flipped.data()[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_FALSE(decodes(flipped, bin.present, 9)) << bit;
  }
}

TEST(GenotypeTile, SurvivesWhatTheChecksumDoesNotSee) {
  const Genotypes bin = parsed(mixed_cells(), {0, 9});
  const Buffer tile = encode_genotypes(bin, {0, 9});
  const ByteSpan body = tile.span().first(tile.size() - 4);
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < body.size() * 8; ++bit) {
    Buffer flipped = Buffer::copy_of(body);
    flipped.data()[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    if (!decodes(with_sum(flipped), bin.present, 9)) ++refused;
  }
  EXPECT_GT(refused, 0);
  for (std::size_t size = 0; size + 12 < body.size(); ++size) {
    EXPECT_FALSE(decodes(with_sum(body.first(size)), bin.present, 9)) << size;
  }
  Buffer longer = Buffer::copy_of(body);
  longer.append(as_bytes("more than a coder reads ahead"));
  EXPECT_FALSE(decodes(with_sum(longer), bin.present, 9));
}

TEST(GenotypeTile, RefusesShapesThatCannotBe) {
  const std::vector<std::uint8_t> present = {1};
  const auto refused = [&](std::string_view body) {
    return !decodes(with_sum(as_bytes(body)), present, 2);
  };
  using namespace std::string_view_literals;
  EXPECT_TRUE(refused("\x00"sv));                                       // none
  EXPECT_TRUE(refused("\x01\x12"sv));                                   // nine alleles
  EXPECT_TRUE(refused("\x01\x01"sv));                                   // no alleles, phased
  EXPECT_TRUE(refused("\xff\xff\xff\xff\x0f\x04"sv));                   // more shapes than bytes
  EXPECT_TRUE(refused("\x01\x00\xff\xff\xff\xff\xff\xff\xff\x7f."sv));  // a long literal
  EXPECT_FALSE(refused("\x01\x00\x03./."sv));  // one text everywhere takes no bits
}

TEST(GenotypeTile, SaysThatItIsMissingOrTooMuch) {
  const std::vector<std::uint8_t> present = {1}, absent = {0};
  const Genotypes bin = parsed({{"0/1"}}, {0, 1});
  EXPECT_FALSE(decodes({}, present, 1));
  EXPECT_FALSE(decodes(encode_genotypes(bin, {0, 1}), absent, 1));
  EXPECT_FALSE(decodes(encode_genotypes(bin, {0, 1}), present, 0));
}

}  // namespace
}  // namespace cnf::vcfs3
