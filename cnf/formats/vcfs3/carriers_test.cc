// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/site_page.h"
#include "cnf/formats/vcfs3/test_columns_internal.h"

namespace cnf::vcfs3 {
namespace {

/// Rows of genotypes as a bin has them; an empty row has no GT.
Genotypes genotypes_of(const std::vector<std::vector<std::string>>& rows, std::size_t samples) {
  Genotypes result;
  result.records = rows.size();
  result.samples = samples;
  for (const std::vector<std::string>& row : rows) {
    result.present.push_back(row.empty() ? 0 : 1);
    if (row.empty()) result.codes.resize(result.codes.size() + samples);
    for (const std::string& text : row) {
      const auto found = std::ranges::find(result.texts, text);
      const auto code = static_cast<std::uint32_t>(found - result.texts.begin());
      if (found == result.texts.end()) result.texts.push_back(text);
      if (code >= Genotypes::kEscape) result.escapes.push_back({result.codes.size(), code});
      result.codes.push_back(
          static_cast<std::uint8_t>(std::min<std::uint32_t>(code, Genotypes::kEscape)));
    }
  }
  return result;
}

Buffer section_of(const Genotypes& genotypes, std::size_t first, std::size_t count) {
  const std::vector<Site> sites(count, Site{.ref = "A", .alt = "G", .info = ".", .format = "GT"});
  return encode_page(sites, {}, genotypes, first, 3).carriers;
}

/// The straight way to the same answer.
void expect_carriers(const Genotypes& genotypes, std::size_t first, std::size_t count) {
  const Buffer section = section_of(genotypes, first, count);
  const Carriers carriers = decode_carriers(section, count, genotypes.samples, "test");
  ASSERT_EQ(carriers.known.size(), count);
  ASSERT_EQ(carriers.ends.size(), count);
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<std::uint32_t> want;
    for (std::size_t sample = 0; genotypes.present[first + i] != 0 && sample < genotypes.samples;
         ++sample) {
      const std::string_view text = genotypes.text(first + i, sample);
      const bool carries = std::ranges::any_of(text, [](char c) { return c >= '1' && c <= '9'; });
      if (carries) want.push_back(static_cast<std::uint32_t>(sample));
    }
    EXPECT_EQ(carriers.known[i], want.size() <= kRareCarriers ? 1 : 0);
    if (carriers.known[i] == 0) want.clear();
    EXPECT_EQ(std::vector<std::uint32_t>(carriers.samples.begin() + static_cast<std::ptrdiff_t>(at),
                                         carriers.samples.begin() + carriers.ends[i]),
              want);
    at = carriers.ends[i];
  }
  EXPECT_EQ(at, carriers.samples.size());
}

TEST(Carriers, AreThoseWithAnotherAlleleThanTheReference) {
  const Genotypes genotypes = genotypes_of({{"0|0", "0|1", "./.", "1", "0"},
                                            {".", "./1", "0/0/0/10", "|0|2", "0/0"},
                                            {},
                                            {"0|0", "0|0", "0|0", ".", "0"}},
                                           5);
  const Buffer section = section_of(genotypes, 0, 4);
  const Carriers carriers = decode_carriers(section, 4, 5, "test");
  EXPECT_EQ(carriers.known, std::vector<std::uint8_t>({1, 1, 1, 1}));
  EXPECT_EQ(carriers.ends, std::vector<std::uint32_t>({2, 5, 5, 5}));
  EXPECT_EQ(carriers.samples, std::vector<std::uint32_t>({1, 3, 1, 2, 3}));
}

TEST(Carriers, RandomGenotypesAgreeWithAScan) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (const std::size_t samples : {1UL, 7UL, 8UL, 60UL, 257UL}) {
    std::vector<std::vector<std::string>> rows(90);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::uint64_t rarity = 1 + (random() >> (random() % 64));
      const std::string usual = i % 3 == 0 ? "0|0" : i % 3 == 1 ? "./." : "1/1";
      if (random() % 10 == 0) continue;
      for (std::size_t k = 0; k < samples; ++k) {
        const bool is_usual = random() % rarity != 0;
        rows[i].push_back(is_usual ? usual : fmt::format("0/{}", random() % 400));
      }
    }
    const Genotypes genotypes = genotypes_of(rows, samples);
    expect_carriers(genotypes, 0, 90);
    expect_carriers(genotypes, 13, 50);
  }
}

TEST(Carriers, FiftyAreRareAndOneMoreAreNot) {
  std::vector<std::vector<std::string>> rows(2, std::vector<std::string>(60, "0/0"));
  for (std::size_t k = 0; k < 50; ++k) rows[0][k] = rows[1][k + 3] = "0/1";
  rows[1][59] = "1/1";
  const Genotypes genotypes = genotypes_of(rows, 60);
  expect_carriers(genotypes, 0, 2);
  const Carriers carriers = decode_carriers(section_of(genotypes, 0, 2), 2, 60, "test");
  EXPECT_EQ(carriers.known, std::vector<std::uint8_t>({1, 0}));
}

TEST(Carriers, NobodyTakesNoRoom) {
  const std::vector<std::vector<std::string>> rows(4096, std::vector<std::string>(20, "0|0"));
  EXPECT_LT(section_of(genotypes_of(rows, 20), 0, 4096).size(), 40U);
  EXPECT_TRUE(section_of(genotypes_of({{}, {}}, 20), 0, 2).empty());
  EXPECT_TRUE(section_of({}, 0, 0).empty());
  const Carriers none = decode_carriers({}, 2, 20, "test");
  EXPECT_EQ(none.known, std::vector<std::uint8_t>({1, 1}));
  EXPECT_TRUE(none.samples.empty());
}

TEST(Carriers, DamageIsAnsweredByAnError) {
  std::vector<std::vector<std::string>> rows(40, std::vector<std::string>(300, "0|0"));
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i][i * 31 % 300] = rows[i][i * 7] = "1|0";
  const Buffer section = section_of(genotypes_of(rows, 300), 0, 40);
  for (std::size_t at = 0; at < section.size(); ++at) {
    for (const unsigned change : {1U, 2U, 16U, 128U, 255U}) {
      Buffer damaged = Buffer::copy_of(section);
      damaged.span()[at] ^= static_cast<std::byte>(change);
      const Buffer sound = at < 4 ? std::move(damaged) : testing::with_checksum(damaged);
      try {
        const Carriers carriers = decode_carriers(sound, 40, 300, "test");
        EXPECT_EQ(carriers.ends.back(), carriers.samples.size());
        for (const std::uint32_t sample : carriers.samples) EXPECT_LT(sample, 300U);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), Errc::corrupt_data) << error.what();
      }
    }
  }
  EXPECT_THROW((void)decode_carriers(section, 39, 300, "test"), Error);
  EXPECT_THROW((void)decode_carriers(section, 40, 200, "test"), Error) << "ordinals beyond";
  EXPECT_THROW((void)decode_carriers(section, std::size_t{1} << 40U, 300, "test"), Error);
}

}  // namespace
}  // namespace cnf::vcfs3
