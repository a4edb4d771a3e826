// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/expression.h"

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/test_variants_internal.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/formats/vcfs3/zones.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::vcfs3 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::LineVariant;
using testing::small_header;
using Logic = Expression::Logic;

constexpr std::string_view kLine =
    "chr1\t100\trs1;rs2\tA\tC,AT\t59.2\tq10;s50\tDP=12;AC=1,3;AN=6;AF=0.17,0.5;MQ=.;DB;GENE=BRCA2;"
    "CSQ=x|miss,y|stop\tGT:DP:AD:GQ:FT:ST\t0/1:7:3,4,0:9.5:PASS:a,b\t2|2:5:0,0,5:.:q10:c\t./.";

bool holds(std::string_view text, std::string_view line = kLine) {
  const LineVariant record(line);
  Expression::Scratch scratch;
  return Expression::parse(text, small_header(), Logic::include).matches(record.variant(), scratch);
}

constexpr struct {
  std::string_view text;
  bool want;
} kMeanings[] = {
    {"QUAL>59", true},
    {"QUAL=59.2", true},
    {"qual < 59.2", false},
    {"POS=100 && CHROM=\"chr1\"", true},
    {"ID=\"rs1\"", false},
    {"ID=\"rs1;rs2\"", true},
    {"ID~\"^RS2/i\"", false},
    {"ID~\"rs2$\"", true},
    {"ID!~\"rs2$\"", false},
    {"REF='A' && ALT='AT'", true},
    {"ALT[0]=\"AT\"", false},
    {"TYPE=\"snp\"", false},
    {"TYPE~\"snp\" && TYPE~\"indel\"", true},
    {"TYPE!~\"mnp\"", true},
    {"N_ALT=2 && N_SAMPLES=3 && N_MISSING=1", true},
    {"F_MISSING<0.34", true},
    {"FILTER=\"q10\"", false},
    {"FILTER~\"q10\"", true},
    {"FILTER=\"s50;q10\"", true},
    {"FILTER!=\"PASS\"", true},
    {"FILTER=\".\"", false},
    {"INFO/DP>10 & INFO/DP<=12", true},
    {"DB=1", true},
    {"AC=3", true},
    {"AC[0]=3", false},
    {"AC[1]=3 && AC[*]=1", true},
    {"AF>0.4 && AF<0.2", true},
    {"MQ=\".\"", true},
    {"MQ!=\".\"", false},
    {"MQ<100", false},
    {"MQ!=3", true},
    {"MAC=1", true},
    {"MAF>0.4", false},
    {"MAF[1]=0.5", true},
    {"GENE=\"BRCA1,BRCA2\"", true},
    {"GENE!=\"BRCA2\"", false},
    {"CSQ~\"stop\"", true},
    {"CSQ[0]~\"stop\"", false},
    {"GT=\"het\"", true},
    {"GT=\"0/1\"", true},
    {"GT=\"AA\"", true},
    {"GT=\"mis\" && GT=\"alt\"", true},
    {"GT[0]=\"hom\"", false},
    {"GT[1-]=\"hom\"", true},
    {"FMT/DP>6 && FMT/GQ<9", false},
    {"FMT/DP>6 & FT=\"q10\"", false},
    {"FMT/DP>6 && FT=\"q10\"", true},
    {"FMT/DP>6 | FT=\"q10\"", true},
    {"AD[0:1]=4", true},
    {"AD[1:1]=4", false},
    {"AD[*:0]=3", true},
    {"ST[:1]=\"b\"", true},
    {"FMT/DP=\".\"", true},
    {"MAX(FMT/DP)=7 && MIN(FMT/DP)=5 && AVG(FMT/DP)=6", true},
    {"SUM(AD)=12", true},
    {"SMPL_SUM(AD)=7", true},
    {"MEDIAN(INFO/AC)=2 && STDEV(AC)=1", true},
    {"ABS(QUAL-60)<1", true},
    {"STRLEN(REF)=1 && STRLEN(ALT)=2", true},
    {"COUNT(AC)=2 && COUNT(GT=\"mis\")=1 && COUNT(CSQ)=2", true},
    {"N_PASS(FMT/DP>4)=2", true},
    {"F_PASS(FMT/DP>4)>0.6", true},
    {"ILEN=1", true},
    // Operators of one level group from the right; a minus takes in all of the product.
    {"9-3-2=8", true},
    {"8/4/2=4", true},
    {"-2*3=-6", true},
    {"7%4=3", true},
    {"(QUAL>100 || INFO/DP=12) && POS=100", true},
};

// Oracle: bcftools 1.16 view -i; tests/oracle/vcfs3_filter_test.cc asks it itself.
TEST(Expression, MeansWhatBcftoolsMeans) {
  for (const auto& row : kMeanings) {
    EXPECT_EQ(holds(row.text), row.want) << row.text;
  }
}

TEST(Expression, RefusesWhatItDoesNotKnowByNameAndPlace) {
  const struct {
    std::string_view text;
    std::string_view message;
  } rows[] = {
      {"", "character 1: it ends where a value is expected"},
      {"QUAL>", "character 6"},
      {"QUAL>1)", "')' is not expected here"},
      {"(QUAL>1", "a ')' is expected"},
      {"NOPE=1", "no INFO or FORMAT key NOPE"},
      {"INFO/NOPE=1", "no INFO/NOPE"},
      {"FMT/MQ=1", "no FORMAT/MQ"},
      {"BOTH=1", "BOTH may be INFO/BOTH or FORMAT/BOTH"},
      {"DP=1", "DP may be INFO/DP or FORMAT/DP"},
      {"QUAL", "a value stands where a condition is expected"},
      {"F>0.1", "\"F\" is short for FILTER"},
      {"TYPE=\"sv\"", "there is no TYPE \"sv\""},
      {"TYPE=snp", "key snp"},
      {"FILTER=\"nope\"", "defines no FILTER \"nope\""},
      {"FILTER<\"q10\"", "FILTER knows"},
      {"GENE>\"a\"", "texts know"},
      {"GENE=3", "a text cannot be compared with a number"},
      {"QUAL~\"3\"", "a pattern needs a text"},
      {"GENE~REF", "a text in quotes is expected"},
      {"GENE~\"[\"", "is no regular expression"},
      {"ID=\"unclosed", "the quote is not closed"},
      {"AD[0]>1", "AD can have several values"},
      {"AD[7:1]>1", "index is too large: there are 3"},
      {"AC[2-1]>1", "[2-1] is no index"},
      {"BINOM(AD)>0.1", "the function BINOM is not supported"},
      {"PHRED(FMT/GQ)>0.1", "the function PHRED is not supported"},
      {"FMT/DP[@names]>1", "a list of samples in a file is not supported"},
      {"FT=ST", "comparing two texts of samples is not supported"},
      {"QUAL>1>0", "cannot be compared"},
      {"GENE+1>0", "'+' needs numbers"},
      {"N_PASS(QUAL>1)>0", "N_PASS() needs a condition on FORMAT"},
      {"GENE=@/dev/null", "only ID can be looked up"},
      {"INFO/DP>1 INFO/DP<3", "'INFO/DP' is not expected here"},
  };
  for (const auto& row : rows) {
    try {
      holds(row.text);
      ADD_FAILURE() << row.text << " was taken";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(std::string(row.message))) << row.text;
    }
  }
  EXPECT_THROW(holds(std::string(200, '(') + "QUAL>1" + std::string(200, ')')), Error);
}

TEST(Expression, RefusesVectorsOfDifferentLengthsWhereTheyMeet) {
  EXPECT_THROW(holds("AC/INFO/CSQ>1"), Error);
  EXPECT_TRUE(holds("AC/AN=0.5"));
  EXPECT_THROW(holds("AD>FMT/DP"), Error);
  EXPECT_TRUE(holds("AD[:1]<FMT/DP"));
}

TEST(Expression, FindsIdsInAFile) {
  const cnf::testing::TempDir folder;
  const std::string path = (folder.path() / "ids").string();
  std::ofstream(path) << "rs9\nrs1;rs2 and more\n";
  EXPECT_TRUE(holds("ID=@" + path));
  EXPECT_FALSE(holds("ID!=@" + path));
  EXPECT_THROW(holds("ID=@" + path + ".none"), Error);
}

TEST(Expression, ALongListOfConditionsIsNoDepth) {
  std::string text = "ID=\"x\"";
  for (int i = 0; i < 3000; ++i) text += " || ID=\"x" + std::to_string(i) + "\"";
  EXPECT_FALSE(holds(text));
  EXPECT_TRUE(holds(text + " || POS=100"));
}

TEST(Expression, ChoosesSamplesAsBcftoolsQueryDoes) {
  const LineVariant record(kLine);
  Expression::Scratch scratch;
  const auto answer = [&](std::string_view text, Logic logic, bool by_sample) {
    return Expression::parse(text, small_header(), logic)
        .answer(record.variant(), scratch, by_sample);
  };
  const auto het = answer("GT=\"het\"", Logic::include, true);
  EXPECT_TRUE(het.passes);
  EXPECT_THAT(het.samples, ElementsAre(1, 0, 0));
  EXPECT_THAT(answer("QUAL>1 || GT=\"het\"", Logic::include, true).samples, ElementsAre(1, 1, 1));
  EXPECT_THAT(answer("QUAL<1 || GT=\"het\"", Logic::include, true).samples, ElementsAre(1, 0, 0));
  EXPECT_THAT(answer("QUAL>1", Logic::include, true).samples, IsEmpty());
  // Excluding keeps a record for the samples that are left, if samples are shown at all.
  EXPECT_THAT(answer("GT=\"het\"", Logic::exclude, true).samples, ElementsAre(0, 1, 1));
  EXPECT_FALSE(answer("GT=\"het\"", Logic::exclude, false).passes);
  EXPECT_FALSE(answer("QUAL>1", Logic::exclude, true).passes);
  EXPECT_EQ(Expression::parse("FMT/DP>4", small_header(), Logic::include)
                .count_samples(record.variant(), scratch),
            2U);
}

TEST(Expression, SaysWhatItNeeds) {
  const auto needs = [](std::string_view text) {
    return Expression::parse(text, small_header(), Logic::include).needs();
  };
  EXPECT_TRUE(needs("QUAL>1").qual);
  EXPECT_FALSE(needs("QUAL>1").info);
  EXPECT_TRUE(needs("AF>0.1").info);
  EXPECT_FALSE(needs("AF>0.1").genotypes);
  EXPECT_TRUE(needs("GT=\"het\"").genotypes);
  EXPECT_FALSE(needs("GT=\"het\"").format);
  EXPECT_TRUE(needs("FMT/DP>1").format);
  EXPECT_TRUE(needs("MAF>0.1").genotypes);
}

TEST(Expression, ARawRecordMeetsNoCondition) {
  Variant variant;
  variant.site.is_raw = true;
  Expression::Scratch scratch;
  const Header header = small_header();
  EXPECT_FALSE(Expression::parse("POS!=5", header, Logic::include).matches(variant, scratch));
  EXPECT_TRUE(Expression::parse("POS!=5", header, Logic::exclude).matches(variant, scratch));
}

TEST(Expression, ZonesRuleOutPages) {
  const std::vector<std::string> keys = {"DP", "AF", "AC"};
  PageZones zones;
  zones.qual = {.min = 10, .max = 50};
  zones.alts = {.min = 1, .max = 1};
  zones.info = {{.min = 5, .max = 20}, {.min = 0.001, .max = 0.1}, {}};
  const struct {
    std::string_view text;
    bool may_match;
  } rows[] = {
      {"QUAL>50", true},  // the least difference in single precision is not told apart
      {"QUAL>51", false},
      {"QUAL<9", false},
      {"QUAL=\".\"", true},
      {"QUAL!=20", true},
      {"N_ALT>1.5", false},
      {"INFO/DP>20.5", false},
      {"INFO/DP>20.5 || POS>5", true},
      {"INFO/DP>20.5 && POS>5", false},
      {"INFO/DP*2>30", true},
      {"INFO/DP*2>41", false},
      {"-INFO/DP<-21", false},
      {"10/INFO/DP>3", true},
      {"AF>0.2", false},
      {"AF=0.05", true},
      {"MAX(AF)>0.2", false},
      {"SUM(AF)>0.2", true},
      {"AC>0", false},  // no number in any record
      {"INFO/MQ>100", true},
      {"GT=\"het\" && QUAL>60", false},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(Expression::parse(row.text, small_header(), Logic::include).may_match(zones, keys),
              row.may_match)
        << row.text;
    EXPECT_TRUE(Expression::parse(row.text, small_header(), Logic::exclude).may_match(zones, keys));
  }
}

}  // namespace
}  // namespace cnf::vcfs3
