// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/selection.h"

#include <cstdint>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/test_variants_internal.h"
#include "cnf/formats/vcfs3/variant_type.h"

namespace cnf::vcfs3 {
namespace {

using ::testing::ElementsAre;
using testing::LineVariant;

TEST(VariantTypes, AreThoseOfHtslib) {
  const struct {
    std::string_view ref, alt;
    unsigned want;
  } rows[] = {
      {"A", ".", 0},
      {"A", "C", kSnp},
      {"A", "a", kSnp},
      {"A", "X", 0},
      {"A", "*", kOverlap},
      {"A", "<*>", 0},
      {"A", "<NON_REF>", 0},
      {"A", "C,<NON_REF>", kSnp},
      {"A", "<DEL>", kOther},
      {"AC", "GT", kMnp},
      {"ACG", "TCG", kSnp},
      {"A", "AT", kIndel},
      {"AT", "A", kIndel},
      {"ACT", "GT", kOther},
      {"CA", "A", kIndel},
      {"ACGT", "TCC", kOther},
      {"A", "A]2:5]", kBreakend},
      {"A", "]2:5]A", kBreakend},
      {"AC", "ac", 0},
      {"A", "C,AT", kSnp | kIndel},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(variant_types(row.ref, row.alt), row.want) << row.ref << " " << row.alt;
  }
}

constexpr std::string_view kCalled = "1\t5\trs1\tA\tC,G\t.\tq10;s50\t.\tGT:DP\t0|1:3\t0|0:2\t1|.:9";
constexpr std::string_view kReferenceOnly = "1\t5\t.\tA\t.\t.\t.\t.\tGT\t./.\t.\t./.";

bool matches(const SiteSelection& selection, std::string_view line = kCalled) {
  const LineVariant record(line);
  return selection.matches(record.variant());
}

TEST(SiteSelection, ChoosesByColumns) {
  EXPECT_TRUE(SiteSelection{}.empty());
  EXPECT_TRUE(matches({}));
  EXPECT_TRUE(matches({.types = kSnp}));
  EXPECT_FALSE(matches({.types = kIndel | kMnp}));
  EXPECT_FALSE(matches({.excluded_types = kSnp}));
  EXPECT_TRUE(matches({.types = SiteSelection::kReference}, kReferenceOnly));
  EXPECT_FALSE(matches({.types = kSnp}, kReferenceOnly));
  EXPECT_TRUE(matches({.min_alleles = 3, .max_alleles = 3}));
  EXPECT_FALSE(matches({.min_alleles = 4}));
  EXPECT_FALSE(matches({.max_alleles = 2}));
  EXPECT_TRUE(matches({.known = SiteSelection::Known::known}));
  EXPECT_FALSE(matches({.known = SiteSelection::Known::novel}));
  EXPECT_TRUE(matches({.known = SiteSelection::Known::novel}, kReferenceOnly));
  EXPECT_TRUE(matches({.filters = {"PASS", "s50"}}));
  EXPECT_FALSE(matches({.filters = {"PASS", "."}}));
  EXPECT_TRUE(matches({.filters = {"PASS", "."}}, kReferenceOnly));
}

TEST(SiteSelection, CountsAlleles) {
  // REF 3, C 2, G 0, of 5.
  const auto with = [](auto field, AlleleLimit limit) {
    SiteSelection selection;
    selection.*field = limit;
    return matches(selection);
  };
  using Alleles = AlleleLimit::Alleles;
  const struct {
    Alleles alleles;
    double count;
  } rows[] = {{Alleles::nref, 2},
              {Alleles::alt1, 2},
              {Alleles::minor, 0},
              {Alleles::major, 3},
              {Alleles::nonmajor, 2}};
  for (const auto& row : rows) {
    EXPECT_TRUE(with(&SiteSelection::min_count, {row.count, row.alleles}));
    EXPECT_FALSE(with(&SiteSelection::min_count, {row.count + 1, row.alleles}));
    EXPECT_TRUE(with(&SiteSelection::max_count, {row.count, row.alleles}));
    EXPECT_EQ(with(&SiteSelection::max_count, {row.count - 1, row.alleles}), false);
    EXPECT_TRUE(with(&SiteSelection::min_frequency, {row.count / 5 - 0.01, row.alleles}));
    EXPECT_FALSE(with(&SiteSelection::min_frequency, {row.count / 5 + 0.01, row.alleles}));
    EXPECT_FALSE(with(&SiteSelection::max_frequency, {row.count / 5 - 0.01, row.alleles}));
  }
  EXPECT_FALSE(matches({.min_frequency = AlleleLimit{}}, kReferenceOnly));  // of no alleles
  EXPECT_TRUE(matches({.called = SiteSelection::Called::uncalled}, kReferenceOnly));
  EXPECT_FALSE(matches({.called = SiteSelection::Called::uncalled}));
  EXPECT_FALSE(matches({.called = SiteSelection::Called::called}, kReferenceOnly));
}

TEST(SiteSelection, CountsCellsOnlyIfSamplesWereChosen) {
  constexpr std::string_view kLine = "1\t5\t.\tA\tC\t.\t.\tAC=9;AN=20\tGT\t0/0\t0/1\t0/0";
  EXPECT_TRUE(matches({.min_count = AlleleLimit{9}}, kLine));
  EXPECT_FALSE(matches({.min_count = AlleleLimit{9}, .counts_cells = true}, kLine));
  EXPECT_TRUE(matches({.max_count = AlleleLimit{1}, .counts_cells = true}, kLine));
}

TEST(SiteSelection, LooksAtGenotypes) {
  using Genotype = SiteSelection::Genotype;
  for (const Genotype yes : {Genotype::hom, Genotype::het, Genotype::missing})
    EXPECT_TRUE(matches({.genotype = yes}));
  for (const Genotype no : {Genotype::no_hom, Genotype::no_het, Genotype::no_missing})
    EXPECT_FALSE(matches({.genotype = no}));
  EXPECT_FALSE(matches({.genotype = Genotype::het}, kReferenceOnly));
  EXPECT_TRUE(matches({.genotype = Genotype::het}, "1\t5\t.\tA\tC\t.\t.\t.\tDP\t1\t2\t3"));
  constexpr std::string_view kPhased = "1\t5\t.\tA\tC\t.\t.\t.\tGT\t0|1\t1\t.";
  EXPECT_TRUE(matches({.phased = SiteSelection::Phased::phased}, kPhased));
  EXPECT_FALSE(matches({.phased = SiteSelection::Phased::unphased}, kPhased));
  EXPECT_FALSE(matches({.phased = SiteSelection::Phased::phased}));  // "1|."
}

TEST(SiteSelection, ReadsItsOptions) {
  EXPECT_EQ(SiteSelection::parse_types("snps,bnd"), kSnp | kBreakend);
  EXPECT_THROW(SiteSelection::parse_types("snp"), Error);
  EXPECT_THAT(SiteSelection::parse_filters("PASS,."), ElementsAre("PASS", "."));
  EXPECT_THROW(SiteSelection::parse_filters("PASS,"), Error);
  EXPECT_EQ(SiteSelection::parse_genotype("^miss"), SiteSelection::Genotype::no_missing);
  EXPECT_THROW(SiteSelection::parse_genotype("homo"), Error);
  EXPECT_EQ(AlleleLimit::parse_count("2:minor").alleles, AlleleLimit::Alleles::minor);
  EXPECT_EQ(AlleleLimit::parse_count("2").value, 2);
  EXPECT_EQ(AlleleLimit::parse_frequency("0.1").value, static_cast<double>(0.1F));
  for (const char* const text : {"", "x", "2:", "2:all", "1.5", "-1"})
    EXPECT_THROW(AlleleLimit::parse_count(text), Error) << text;
}

TEST(SiteSelection, SaysWhatItNeedsAndWhichPagesHaveNone) {
  const SiteSelection biallelic{.min_alleles = 2, .max_alleles = 2};
  EXPECT_TRUE(biallelic.needs().alleles);
  EXPECT_FALSE(biallelic.needs().genotypes);
  EXPECT_TRUE((SiteSelection{.min_count = AlleleLimit{1}}).needs().genotypes);
  PageZones zones;
  zones.alts = {.min = 1, .max = 3};
  EXPECT_TRUE(biallelic.may_match(zones));
  zones.alts = {.min = 2, .max = 3};
  EXPECT_FALSE(biallelic.may_match(zones));
  zones.alts = {.min = 0, .max = 0};
  EXPECT_FALSE(biallelic.may_match(zones));
}

}  // namespace
}  // namespace cnf::vcfs3
