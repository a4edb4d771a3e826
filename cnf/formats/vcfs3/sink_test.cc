// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/sink.h"

#include <cstddef>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/query/executor.h"
#include "cnf/core/query/table.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/answer.h"
#include "cnf/formats/vcfs3/bcf_header.h"
#include "cnf/formats/vcfs3/convert.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/export.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/in_memory_test.h"
#include "cnf/formats/vcfs3/json_line.h"
#include "cnf/formats/vcfs3/line_edits.h"
#include "cnf/formats/vcfs3/render.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/formats/vcfs3/view.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::vcfs3 {
namespace {

const std::string kHeader =
    "##fileformat=VCFv4.2\n"
    "##contig=<ID=1>\n"
    "##INFO=<ID=AC,Number=A,Type=Integer,Description=\"a\">\n"
    "##INFO=<ID=AN,Number=1,Type=Integer,Description=\"a\">\n"
    "##INFO=<ID=AF,Number=A,Type=Float,Description=\"a\">\n"
    "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"g\">\n"
    "##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"d\">\n"
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tB\n";

std::string lines(const Dataset& dataset, const ViewQuery& query, const LineEdits& edits) {
  std::string text;
  query::Results results =
      run_view(dataset, plan_view(dataset, query, render_edited_lines(edits), {}), {}, {});
  while (const auto table = results.next()) text += as_text(table->column("text").values());
  return text;
}

TEST(LineEdits, SetCountsOfTheSamplesInPlaceOrAtTheEnd) {
  const auto store =
      testing::make_dataset(kHeader +
                                "1\t10\t.\tA\tC,G\t.\t.\tAC=9,9;XX;AC=8\tGT:AD\t0/1:1,2,3\t2|2\n"
                                "1\t11\t.\tA\t.\t.\t.\tAC=3\tGT\t0/0\t.\n"
                                "1\t12\t.\tA\tC\t.\t.\tDP=1\tAD\t1,2\t.\n",
                            {});
  const Dataset dataset = Dataset::open(store, {});
  const ViewQuery query{.samples = {{1}}};
  EXPECT_EQ(lines(dataset, query,
                  {.samples = LineOptions::Samples::some, .update_info = {"AC", "AN", "AF"}}),
            "1\t10\t.\tA\tC,G\t.\t.\tAC=0,2;XX;AN=2;AF=0,1\tGT:AD\t2|2\n"
            "1\t11\t.\tA\t.\t.\t.\tAN=0\tGT\t.\n"
            "1\t12\t.\tA\tC\t.\t.\tDP=1\tAD\t.\n");
  EXPECT_EQ(lines(dataset, {}, {.trailing = LineEdits::Trailing::padded}).substr(0, 53),
            "1\t10\t.\tA\tC,G\t.\t.\tAC=9,9;XX;AC=8\tGT:AD\t0/1:1,2,3\t2|2:.");
  EXPECT_THROW(static_cast<void>(render_edited_lines({.update_info = {"DP"}})), Error);
}

TEST(LineEdits, TrimmedAllelesTakeTheirValuesAlong) {
  const auto store = testing::make_dataset(
      kHeader + "1\t10\t.\tA\tC,G\t.\t.\tAC=1,1;AF=0.5,0.25\tGT:AD\t0/1:1,2,3\t0/2:4,5,6\n", {});
  const LineEdits edits{.samples = LineOptions::Samples::some,
                        .unused = LineEdits::Unused::trimmed,
                        .header = Header::parse(kHeader, "h").text_with_samples({"B"})};
  EXPECT_EQ(lines(Dataset::open(store, {}), {.samples = {{1}}}, edits),
            "1\t10\t.\tA\tG\t.\t.\tAC=1;AF=0.25\tGT:AD\t0/1:4,6\n");
}

TEST(UndefinedKeys, AreToldOnceEach) {
  const auto store =
      testing::make_dataset(kHeader +
                                "1\t10\t.\tA\tC\t.\tq10;PASS\tXX=1\tGT:ZZ\t0/1:1\t.\n"
                                "2\t10\t.\tA\tC\t.\tq10\tXX=2;AN=1\tGT\t0/1\t.\n",
                            {});
  const Dataset dataset = Dataset::open(store, {});
  const auto keys = undefined_keys(dataset, {}, kHeader, {}, {});
  std::vector<std::string> names;
  for (const auto& [what, key] : keys) names.push_back(to_string(what, key));
  EXPECT_EQ(names, (std::vector<std::string>{"contig 2", "INFO/XX", "FORMAT/ZZ", "FILTER q10"}));
  // With them, and only with them, it is BCF.
  std::string bcf;
  const auto write = [&](const SinkOptions& options) {
    bcf.clear();
    const auto sink =
        make_sink(FileFormat::bcf_raw, [&](ByteSpan bytes) { bcf += as_text(bytes); }, options, {});
    query::Results results =
        run_view(dataset, plan_view(dataset, {}, render_lines({}), {}), {}, {});
    while (const auto table = results.next()) sink->write(*table);
    sink->finish();
  };
  write({.header = kHeader, .undefined = keys});
  EXPECT_EQ(bcf.substr(0, 5), "BCF\2\2");
  EXPECT_NE(bcf.find("##INFO=<ID=XX,"), std::string::npos);
  EXPECT_THROW(write({.header = kHeader}), Error);
}

// 0.1 as text is another float than the one whose bits are one more.
TEST(BcfSink, GivesFloatsTheirBitsBack) {
  const cnf::testing::TempDir folder;
  const std::string header =
      "##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";
  std::string bcf;
  const auto sink = make_sink(FileFormat::bcf_raw, [&](ByteSpan bytes) { bcf += as_text(bytes); },
                              {.header = header}, {});
  query::Table table(1);
  query::Column text("text", query::Type::utf8);
  text.append("1\t5\t.\tA\tC\t0.1\t.\t.\n");
  table.add(std::move(text));
  sink->write(table);
  sink->finish();
  const std::size_t quality = bcf.find(std::string_view("\xcd\xcc\xcc\x3d", 4));
  ASSERT_NE(quality, std::string::npos);
  bcf[quality] = '\xce';
  const std::string path = (folder.path() / "in.bcf").string();
  std::ofstream(path, std::ios::binary) << bcf;
  const auto store = storage::make_memory();
  static_cast<void>(convert(path, store, {}, {}));
  std::string back;
  export_dataset(Dataset::open(store, {}), FileFormat::bcf_raw,
                 [&](ByteSpan bytes) { back += as_text(bytes); }, {}, {});
  EXPECT_NE(back.find(std::string_view("\xce\xcc\xcc\x3d", 4)), std::string::npos);
}

TEST(JsonLine, HasTypedValues) {
  const Header header = Header::parse(kHeader, "h");
  const std::vector<std::string_view> cells = {"0/1:1,2", "./."};
  const Variant variant{.contig = "1",
                        .site = {.pos = 9,
                                 .id = "rs1;rs2",
                                 .ref = "A",
                                 .alt = "C",
                                 .qual = "10.0",
                                 .filter = ".",
                                 .info = "AC=1;AN=.;AF=1e-3;DB;T=a\"b,c",
                                 .format = "GT:AD"},
                        .cells = cells};
  Buffer out;
  append_json_line(variant, header, header.samples, out);
  EXPECT_EQ(as_text(out.span()),
            R"({"contig":"1","pos":10,"id":["rs1","rs2"],"ref":"A","alt":["C"],"qual":10.0,)"
            R"("filter":[],"info":{"AC":[1],"AN":null,"AF":[1e-3],"DB":true,"T":"a\"b,c"},)"
            R"("samples":{"A":{"GT":"0/1","AD":[1,2]},"B":{"GT":"./."}}})"
            "\n");
}

TEST(JsonLine, NumbersThatJsonLacksAreStrings) {
  const Header header = Header::parse(kHeader, "h");
  for (const char* text : {"01", "+1", "nan", "1.", ".5", "1e", "-"}) {
    Buffer out;
    append_json_line({.contig = "1", .site = {.qual = text, .info = "."}}, header, {}, out);
    EXPECT_NE(as_text(out.span()).find("\"qual\":\"" + std::string(text) + "\""), std::string::npos)
        << text;
  }
}

TEST(FileFormat, FollowsFromNames) {
  EXPECT_EQ(file_format_of("a.vcf"), FileFormat::vcf);
  EXPECT_EQ(file_format_of("s3://b/a.vcf.gz"), FileFormat::vcf_gz);
  EXPECT_EQ(file_format_of("a.bcf"), FileFormat::bcf);
  EXPECT_THROW(static_cast<void>(file_format_of("a.txt")), Error);
  EXPECT_EQ(parse_output_type("u"), FileFormat::bcf_raw);
  EXPECT_THROW(static_cast<void>(parse_output_type("x")), Error);
}

}  // namespace
}  // namespace cnf::vcfs3
