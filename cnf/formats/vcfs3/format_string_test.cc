// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/format_string.h"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/expression.h"
#include "cnf/formats/vcfs3/test_variants_internal.h"

namespace cnf::vcfs3 {
namespace {

using ::testing::HasSubstr;
using testing::LineVariant;
using testing::small_header;

constexpr std::string_view kLine =
    "chr1\t100\t.\tA\tC,AT\t10.0\tPASS\tDP=12;AF=0.17,0.5;DB;GENE=X;CSQ=a,,c\tGT:DP:AD\t"
    "0/1:7:3,4,0\t2|0\t.";

std::string render(std::string_view format, std::string_view line = kLine) {
  const LineVariant record(line);
  const Header header = small_header();
  Buffer out;
  FormatString::parse(format, header).append(record.variant(), header.samples, {}, out);
  return std::string(as_text(out));
}

// Oracle: bcftools 1.16 query -f; tests/oracle/vcfs3_filter_test.cc asks it itself.
TEST(FormatString, PrintsWhatBcftoolsPrints) {
  const struct {
    std::string_view format, want;
  } rows[] = {
      {"%CHROM\\t%POS\\t%POS0\\n", "chr1\t100\t99\n"},
      {"%END %END0 %ID %REF %ALT %FIRST_ALT", "100 99 . A C,AT C"},
      {"%ALT{0} %ALT{1} %ALT{2}", "C AT ."},
      {"%QUAL %FILTER %TYPE", "10.0 PASS SNP,INDEL"},
      {"%INFO", "DP=12;AF=0.17,0.5;DB;GENE=X;CSQ=a,,c"},
      {"%INFO/DP %DP{4} %AF{1} %AF{2} %DB %MQ", "12 12 0.5 . 1 ."},
      {"%GENE{3} %CSQ{0} %CSQ{1} %CSQ{2} %CSQ{3}", "X a . c ."},
      {"%FORMAT", "GT:DP:AD\t0/1:7:3,4,0\t2|0\t."},
      {"%_CHROM_POS_ID|%MASK|", "chr1:100||"},
      {"[ %SAMPLE=%GT]", " s0=0/1 s1=2|0 s2=."},
      {"[ %TGT %IUPACGT]", " A/C M AT|A AT|A . ."},
      {"[%DP,%AD,%AD{1};]", "7,3,4,0,4;.,.,.;.,.,.;"},
      {"[%FT %POS %INFO/DP %CSQ{0}|]", ". 100 12 a|. 100 12 a|. 100 12 a|"},
      {"%N_PASS(GT=\"het\") %N_PASS((FMT/DP>3) | GT=\"mis\")", "2 2"},
      {"a\\\\b\\%{x}[-][%GT]", "a\\b%{x}---0/12|0."},
      {"%LINE",
       "chr1\t100\t.\tA\tC,AT\t10.0\tPASS\tDP=12;AF=0.17,0.5;DB;GENE=X;CSQ=a,,c\t"
       "GT:DP:AD\t0/1:7:3,4,0\t2|0\t.\n"},
  };
  for (const auto& row : rows) EXPECT_EQ(render(row.format), row.want) << row.format;
}

TEST(FormatString, PrintsChosenSamplesOnly) {
  const LineVariant record(kLine);
  const Header header = small_header();
  Expression::Scratch scratch;
  const Expression het = Expression::parse("FMT/DP>1", header, Expression::Logic::include);
  Buffer out;
  FormatString::parse("%POS[ %SAMPLE]", header)
      .append(record.variant(), header.samples, het.answer(record.variant(), scratch, true).samples,
              out);
  EXPECT_EQ(as_text(out), "100 s0");
}

TEST(FormatString, HeaderLineNumbersTheColumns) {
  const std::vector<std::string> samples = {"x", "y"};
  const auto header_line = [&](std::string_view format) {
    return FormatString::parse(format, small_header()).header_line(samples);
  };
  EXPECT_EQ(header_line("%CHROM\\t%INFO[\\t%SAMPLE=%TGT,%DP]\\n"),
            "# [1]CHROM\t[2]INFO\t[3]SAMPLE=[4]x:GT,[5]x:DP\t[6]SAMPLE=[7]y:GT,[8]y:DP\n");
  EXPECT_EQ(header_line("%POS %LINE"), "");
  EXPECT_EQ(header_line("%N_PASS(GT=\"het\")"), "# [1]GT=\"het\"");
}

TEST(FormatString, RefusesWhatItDoesNotKnow) {
  const struct {
    std::string_view format, message;
  } rows[] = {
      {"%NOPE", "no INFO/NOPE"},
      {"%GT", "FORMAT fields stand in brackets: [%GT]"},
      {"[%NOPE]", "no FORMAT/NOPE"},
      {"[%GT", "a ']' is missing"},
      {"%", "the name of a tag is expected"},
      {"[%INFO]", "%INFO/TAG is expected"},
      {"[%TBCSQ]", "%TBCSQ: this tag is not supported"},
      {"%N_PASS(GT", "a ')' is missing"},
      {"%N_PASS(QUAL>1)", "needs a condition on FORMAT"},
      {"[%N_PASS(GT=\"het\")]", "outside of brackets"},
  };
  for (const auto& row : rows) {
    try {
      render(row.format);
      ADD_FAILURE() << row.format << " was taken";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(std::string(row.message))) << row.format;
    }
  }
}

TEST(FormatString, SaysWhatItNeeds) {
  const auto needs = [](std::string_view format) {
    return FormatString::parse(format, small_header()).needs();
  };
  EXPECT_FALSE(needs("%CHROM %POS %END").info);
  EXPECT_TRUE(needs("%DP").info);
  EXPECT_TRUE(needs("[%GT]").genotypes);
  EXPECT_FALSE(needs("[%GT]").format);
  EXPECT_TRUE(needs("[%AD]").format);
  EXPECT_TRUE(needs("%LINE").qual);
  EXPECT_FALSE(needs("[%SAMPLE]").genotypes);
}

}  // namespace
}  // namespace cnf::vcfs3
