// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/float_residuals.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <htslib/kstring.h>
#include <htslib/vcf.h>

#include "cnf/core/util/error.h"

namespace cnf::vcfs3 {
namespace {

using Record = std::unique_ptr<bcf1_t, decltype(&bcf_destroy)>;
using HtsHeader = std::unique_ptr<bcf_hdr_t, decltype(&bcf_hdr_destroy)>;

constexpr std::uint32_t kMissing = 0x7f800001;
constexpr std::uint32_t kVectorEnd = 0x7f800002;

HtsHeader make_header() {
  HtsHeader header(bcf_hdr_init("w"), &bcf_hdr_destroy);
  for (const char* line : {"##contig=<ID=1>", "##INFO=<ID=F,Number=.,Type=Float,Description=\"\">",
                           "##INFO=<ID=I,Number=1,Type=Integer,Description=\"\">",
                           "##INFO=<ID=G,Number=1,Type=Float,Description=\"\">",
                           "##FORMAT=<ID=P,Number=.,Type=Float,Description=\"\">",
                           "##FORMAT=<ID=D,Number=1,Type=Integer,Description=\"\">"}) {
    EXPECT_EQ(bcf_hdr_append(header.get(), line), 0);
  }
  for (const char* sample : {"A", "B"}) EXPECT_EQ(bcf_hdr_add_sample(header.get(), sample), 0);
  EXPECT_EQ(bcf_hdr_sync(header.get()), 0);
  return header;
}

/// Bits of floats: QUAL, an INFO vector, an INFO scalar, and vectors of two samples, alike long.
struct Floats {
  std::uint32_t qual = kMissing;
  std::vector<std::uint32_t> info = {};
  std::uint32_t scalar = kMissing;
  std::vector<std::uint32_t> format = {};
};

std::vector<float> as_floats(const std::vector<std::uint32_t>& bits) {
  std::vector<float> floats(bits.size());
  std::memcpy(floats.data(), bits.data(), bits.size() * sizeof(float));
  return floats;
}

void fill(const Floats& floats, bcf_hdr_t& header, bcf1_t& record) {
  bcf_clear(&record);
  EXPECT_EQ(bcf_update_alleles_str(&header, &record, "A,C"), 0);
  record.qual = std::bit_cast<float>(floats.qual);
  const auto info = as_floats(floats.info), format = as_floats(floats.format);
  const auto scalar = std::bit_cast<float>(floats.scalar);
  const std::int32_t number = 7;
  const std::array<std::int32_t, 2> depths = {3, 4};
  EXPECT_EQ(
      bcf_update_info_float(&header, &record, "F", info.data(), static_cast<int>(info.size())), 0);
  EXPECT_EQ(bcf_update_info_int32(&header, &record, "I", &number, 1), 0);
  EXPECT_EQ(bcf_update_info_float(&header, &record, "G", &scalar, 1), 0);
  EXPECT_EQ(bcf_update_format_int32(&header, &record, "D", depths.data(), 2), 0);
  EXPECT_EQ(bcf_update_format_float(&header, &record, "P", format.data(),
                                    static_cast<int>(format.size())),
            0);
}

std::vector<std::uint32_t> vector_of(const std::uint8_t* at, int count) {
  std::vector<std::uint32_t> bits(static_cast<std::size_t>(count));
  std::memcpy(bits.data(), at, bits.size() * 4);
  const auto end = std::ranges::find(bits.begin() + 1, bits.end(), kVectorEnd);
  bits.erase(end, bits.end());
  return bits;
}

std::vector<std::vector<std::uint32_t>> bits_of(bcf1_t& record) {
  bcf_unpack(&record, BCF_UN_ALL);
  std::vector<std::vector<std::uint32_t>> bits = {{std::bit_cast<std::uint32_t>(record.qual)}};
  for (unsigned i = 0; i < record.n_info; ++i) {
    const bcf_info_t& info = record.d.info[i];
    if (info.type == BCF_BT_FLOAT) bits.push_back(vector_of(info.vptr, info.len));
  }
  for (unsigned i = 0; i < record.n_fmt; ++i) {
    const bcf_fmt_t& format = record.d.fmt[i];
    for (std::size_t s = 0; s < 2 && format.type == BCF_BT_FLOAT; ++s) {
      bits.push_back(vector_of(format.p + s * static_cast<std::size_t>(format.size), format.n));
    }
  }
  return bits;
}

// Through text and residuals and back; the residuals.
std::string expect_kept(const Floats& floats) {
  const HtsHeader header = make_header();
  const Record record(bcf_init(), &bcf_destroy), parsed(bcf_init(), &bcf_destroy);
  fill(floats, *header, *record);
  kstring_t text{};
  EXPECT_EQ(vcf_format(header.get(), record.get(), &text), 0);
  const std::unique_ptr<char, void (*)(void*)> owner(text.s, std::free);
  const auto before = bits_of(*record);
  const std::string residuals = float_residuals(*header, *record);
  EXPECT_EQ(bits_of(*record), before) << "the record changed";
  text.s[--text.l] = '\0';
  const std::string line = text.s;
  EXPECT_EQ(vcf_parse(&text, header.get(), parsed.get()), 0) << line;
  bcf_unpack(parsed.get(), BCF_UN_ALL);
  apply_float_residuals(residuals, *header, *parsed, "residuals");
  EXPECT_EQ(bits_of(*parsed), before) << line;
  return residuals;
}

std::uint32_t bits(float value) { return std::bit_cast<std::uint32_t>(value); }

TEST(FloatResiduals, AreEmptyWhereTheTextSaysEverything) {
  EXPECT_EQ(expect_kept({.qual = bits(3.5F),
                         .info = {bits(0.0F), kMissing, bits(-1e10F), bits(0.25F)},
                         .scalar = bits(100.0F),
                         .format = {bits(1.0F), bits(0.5F), bits(7.0F), kVectorEnd}}),
            "");
  EXPECT_EQ(expect_kept({.info = {kMissing}, .format = {kMissing, kMissing}}), "");
}

TEST(FloatResiduals, KeepWhatSixDigitsDoNotSay) {
  const Floats floats{.qual = bits(0.30000001192F),
                      .info = {bits(1.0F), bits(3.6188261F), bits(1234567.0F)},
                      .scalar = bits(2.0F),
                      .format = {bits(0.1F), bits(0.3333333F), bits(0.5F), kVectorEnd}};
  EXPECT_NE(expect_kept(floats), "");
}

TEST(FloatResiduals, KeepWhatIsNoNumber) {
  constexpr std::uint32_t kQuietNan = 0x7fc00000;
  for (const std::uint32_t special :
       {kQuietNan, 0xffc00000U, 0x7fc12345U, 0x7f800003U, 0xff800001U, kVectorEnd, kMissing,
        bits(-0.0F), bits(std::numeric_limits<float>::infinity()),
        bits(-std::numeric_limits<float>::infinity()), 1U, 0x80000001U, 0x007fffffU,
        bits(std::numeric_limits<float>::max())}) {
    (void)expect_kept({.qual = special,
                       .info = {bits(1.0F), special, bits(2.0F)},
                       .scalar = special,
                       .format = {special, kVectorEnd, bits(2.0F), special}});
  }
  // A vector that ends at once looks as one that is missing.
  (void)expect_kept(
      {.info = {bits(1.0F)}, .format = {kVectorEnd, kVectorEnd, bits(2.0F), bits(0.1F)}});
}

TEST(FloatResiduals, KeepAnyBits) {
  const std::uint32_t seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    Floats floats{.qual = static_cast<std::uint32_t>(random()),
                  .scalar = static_cast<std::uint32_t>(random())};
    // What follows the end of a vector is not kept, so vectors of such bits hold no end.
    const auto any = [&] {
      const auto value = static_cast<std::uint32_t>(random());
      return value == kVectorEnd ? kMissing : value;
    };
    for (std::size_t i = 0, size = 1 + random() % 5; i < size; ++i) floats.info.push_back(any());
    for (std::size_t i = 0, size = 2 * (1 + random() % 4); i < size; ++i) {
      floats.format.push_back(any());
    }
    (void)expect_kept(floats);
  }
}

TEST(FloatResiduals, RefusesWhatDoesNotFitTheRecord) {
  const HtsHeader header = make_header();
  const Record record(bcf_init(), &bcf_destroy);
  using std::string_literals::operator""s;
  for (const std::string& residuals :
       {"\x7f\x02"s, "\x00"s, "\x80"s, "\x00\x02\x00"s, "\x00\x80"s}) {
    fill({.info = {bits(1.0F)}, .format = {bits(1.0F), bits(2.0F)}}, *header, *record);
    EXPECT_THROW(apply_float_residuals(residuals, *header, *record, "x"), Error);
  }
}

}  // namespace
}  // namespace cnf::vcfs3
