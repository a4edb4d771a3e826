// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/header.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"

namespace cnf::vcfs3 {
namespace {

using Type = FieldDefinition::Type;
using Count = FieldDefinition::Count;

constexpr std::string_view kFixed = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";

std::string with_lines(const std::string& lines) {
  return "##fileformat=VCFv4.2\n" + lines + std::string(kFixed) + "\tFORMAT\tA\tB\n";
}

TEST(Header, KeepsItsTextAndNamesItsSamples) {
  const std::string text = with_lines("##source=x y\n\n##odd\nno hash\n");
  const Header header = Header::parse(text, "in");
  EXPECT_EQ(header.text, text);
  EXPECT_EQ(header.columns, 11U);
  EXPECT_EQ(header.samples, (std::vector<std::string>{"A", "B"}));
  EXPECT_FALSE(header.crlf);
}

TEST(Header, TakesAnyLineEnd) {
  struct Case {
    const char* name;
    std::string text;
    bool crlf;
    std::size_t samples;
  };
  const std::string columns = std::string(kFixed) + "\tFORMAT\tA";
  for (const Case& c :
       {Case{"LF", columns + "\n", false, 1}, Case{"none", columns, false, 1},
        Case{"CR LF", columns + "\r\n", true, 1},
        Case{"CR LF only in ## lines", "##fileformat=VCFv4.3\r\n" + columns + "\n", false, 1},
        Case{"byte order mark", "\xef\xbb\xbf" + columns + "\n", false, 1},
        Case{"no samples", std::string(kFixed) + "\n", false, 0},
        Case{"FORMAT without samples", std::string(kFixed) + "\tFORMAT\n", false, 0}}) {
    const Header header = Header::parse(c.text, "in");
    EXPECT_EQ(header.text, c.text) << c.name;
    EXPECT_EQ(header.crlf, c.crlf) << c.name;
    ASSERT_EQ(header.samples.size(), c.samples) << c.name;
    if (c.samples == 1) {
      EXPECT_EQ(header.samples[0], "A") << c.name;
    }
  }
}

TEST(Header, KeepsNamesAsTheyStand) {
  const Header header =
      Header::parse(std::string(kFixed) + "\tFORMAT\tone two\tBj\xc3\xb6rn\t\tone two\n", "in");
  EXPECT_EQ(header.samples, (std::vector<std::string>{"one two", "Bj\xc3\xb6rn", "", "one two"}));
}

TEST(Header, TakesEveryVersionAndAnyLine) {
  for (const char* version : {"4.0", "4.1", "4.2", "4.3", "4.4", "4.5", "9"}) {
    const std::string text =
        "##fileformat=VCFv" + std::string(version) +
        "\n##META=<ID=Assay,Type=String,Number=.,Values=[WholeGenome, Exome]>\n"
        "##SAMPLE=<ID=A,Assay=WholeGenome,Description=\"a, \\\"b\\\"\">\n"
        "##PEDIGREE=<ID=B,Mother=A>\n##pedigreeDB=<http://x/y>\n##contig=<ID=1,URL=\"x,y\",IDX=4>\n"
        "##INFO=<ID=A,Number=LA,Type=Integer,Description=\"\",IDX=12>\n##ALT=<ID=DEL:ME>\n" +
        std::string(kFixed) + "\n";
    const Header header = Header::parse(text, "in");
    EXPECT_EQ(header.text, text);
    EXPECT_EQ(header.contigs.size(), 1U);
    EXPECT_EQ(header.info.at("A").count, Count::unknown);
  }
}

TEST(Header, RefusesWhatIsNoVcf) {
  for (const std::string& text :
       {std::string(), std::string("#FOO\n"), std::string("chr1\t1\n"),
        std::string("##fileformat=VCFv4.2\n"), with_lines("chr1\t1\t.\tA\tC\t.\t.\t.\n"),
        with_lines("") + "chr1\t1\n", std::string("##fileformat=BCF\n#CHROM\n")}) {
    try {
      (void)Header::parse(text, "in.vcf");
      ADD_FAILURE() << "accepted: " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::corrupt_data);
      EXPECT_NE(std::string_view(error.what()).find("in.vcf"), std::string_view::npos);
    }
  }
}

TEST(Header, FindsItsEndInTextThatGoesOn) {
  const std::string text = with_lines("##a=b\n");
  const std::string more = text + "chr1\t1\t.\tA\tC\t.\t.\t.\n#CHROM\n";
  EXPECT_EQ(Header::find_end(more, true, "in"), text.size());
  // Every beginning of it: not found yet, and never an error.
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(Header::find_end(std::string_view(text).substr(0, size), false, "in"), std::nullopt);
  }
}

TEST(Header, ReadsDefinitionsLeniently) {
  const Header header = Header::parse(
      with_lines("##INFO=<ID=AC,Number=A,Type=Integer,Description=\"a, \\\"b\\\" <c>, ID=no\">\n"
                 "##INFO=<Description=\"x,Type=Float\",Type=Flag,Number=0,ID=DB>\n"
                 "##INFO=<ID=AC,Number=1,Type=String,Description=\"again\">\n"
                 "##INFO=<ID=ODD,Number=-1,Type=Float,Description=\"open\n"
                 "##INFO=<ID=BAD,Number=1,Type=Wrong,Description=\"\">\n"
                 "##INFO=<Number=1,Type=Integer>\n"
                 "##INFO=plain\n"
                 "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"\">\r\n"
                 "##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"\",Extra>\n"
                 "##FORMAT=<ID=PL,Number=G,Type=Integer,Description=\"\">\n"
                 "##FORMAT=<ID=C,Number=.,Type=Character,Description=\"\">\n"),
      "in");
  EXPECT_EQ(header.info_keys, (std::vector<std::string>{"AC", "DB", "ODD"}));
  EXPECT_EQ(header.info.at("AC").count, Count::per_alt);
  EXPECT_EQ(header.info.at("AC").type, Type::integer);
  EXPECT_EQ(header.info.at("DB").type, Type::flag);
  EXPECT_EQ(header.info.at("DB").number, 0U);
  EXPECT_EQ(header.info.at("ODD").count, Count::unknown);
  EXPECT_EQ(header.format.size(), 4U);
  EXPECT_EQ(header.format.at("GT").count, Count::fixed);
  EXPECT_EQ(header.format.at("GT").number, 1U);
  EXPECT_EQ(header.format.at("AD").count, Count::per_allele);
  EXPECT_EQ(header.format.at("PL").count, Count::per_genotype);
  EXPECT_EQ(header.format.at("C").type, Type::character);
}

TEST(Header, ListsContigsInTheirOrder) {
  const Header header =
      Header::parse(with_lines("##contig=<ID=chr2,length=243199373,assembly=\"b,37\">\n"
                               "##contig=<ID=HLA-A*01:01:01,length=3503>\n##contig=<ID=chr1>\n"
                               "##contig=<ID=chr2,length=5>\n##contig=<ID=long,length=9000000000>\n"
                               "##contig=<ID=odd,length=many>\n##contig=<length=5>\n"),
                    "in");
  ASSERT_EQ(header.contigs.size(), 5U);
  EXPECT_EQ(header.contigs[0].name, "chr2");
  EXPECT_EQ(header.contigs[0].length, 243199373U);
  EXPECT_EQ(header.contigs[1].name, "HLA-A*01:01:01");
  EXPECT_EQ(header.contigs[2].length, std::nullopt);
  EXPECT_EQ(header.contigs[3].length, 9000000000U);
  EXPECT_EQ(header.contigs[4].length, std::nullopt);
}

TEST(Header, TakesOtherSamples) {
  const Header header = Header::parse(
      "##fileformat=VCFv4.2\r\n" + std::string(kFixed) + "\tFORMAT\tA\tB\tC\r\n", "in");
  const std::string start = "##fileformat=VCFv4.2\r\n" + std::string(kFixed);
  EXPECT_EQ(header.text_with_samples({"C", "A"}), start + "\tFORMAT\tC\tA\r\n");
  EXPECT_EQ(header.text_with_samples({}), start + "\r\n");
  EXPECT_EQ(header.text_with_samples(header.samples), header.text);
  const Header sites = Header::parse(std::string(kFixed), "in");
  EXPECT_EQ(sites.text_with_samples({}), sites.text);
}

TEST(Header, RoundTripsAsAnObject) {
  std::string many = std::string(kFixed) + "\tFORMAT";
  for (int i = 0; i < 100'000; ++i) many += "\tS" + std::to_string(i);
  for (const std::string& text :
       {with_lines(""), many, with_lines("##" + std::string(1 << 25, 'x') + "\n")}) {
    const Header header = Header::parse(text, "in");
    const Header again = Header::decode(header.encode(), "object");
    EXPECT_TRUE(again.text == text);
    EXPECT_EQ(again.samples, header.samples);
  }
  EXPECT_EQ(Header::parse(many, "in").samples.back(), "S99999");
}

TEST(Header, RefusesDamagedObjects) {
  const Buffer sound = Header::parse(with_lines(""), "in").encode();
  for (std::size_t size = 0; size < sound.size(); ++size) {
    EXPECT_THROW((void)Header::decode(sound.span().first(size), "object"), Error) << size;
  }
  Buffer bomb;
  ByteWriter out(bomb);
  out.put(std::uint8_t{2});
  out.put_varint(std::uint64_t{1} << 60);
  EXPECT_THROW((void)Header::decode(bomb, "object"), Error);
}

TEST(SampleNames, FindsEachAndRefusesToGuess) {
  const SampleNames names({"A", "B", "A", ""});
  EXPECT_EQ(names.find("B"), 1U);
  EXPECT_EQ(names.find(""), 3U);
  EXPECT_EQ(names.find("C"), std::nullopt);
  EXPECT_THROW((void)names.find("A"), Error);
}

}  // namespace
}  // namespace cnf::vcfs3
