// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>
#include <ios>
#include <memory>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <htslib/cram.h>
#include <htslib/hts.h>
#include <htslib/sam.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/source.h"
#include "cnf/formats/bams3/source_references_internal.h"
#include "cnf/formats/bams3/test_records_internal.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::bams3 {
namespace {

namespace fs = std::filesystem;
using cnf::testing::TempDir;
using ::testing::HasSubstr;

void write_file(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string failure_of(const std::string& path, const SourceOptions& options = {}) {
  try {
    (void)read_rest(*open_source(path, options, {}));
  } catch (const Error& error) {
    return std::string(to_string(error.code())) + " " + error.what();
  }
  return {};
}

constexpr std::string_view kHeader = "@HD\tVN:1.6\n@SQ\tSN:a\tLN:100000\n@SQ\tSN:b\tLN:50\n";

// Copies records with htslib alone, into what `mode` says.
void copy_with_htslib(const std::string& from, const std::string& to, const char* mode,
                      const std::string& reference = {}) {
  samFile* in = sam_open(from.c_str(), "r");
  samFile* out = sam_open(to.c_str(), mode);
  ASSERT_NE(in, nullptr);
  ASSERT_NE(out, nullptr);
  if (!reference.empty()) {
    ASSERT_EQ(hts_set_opt(out, CRAM_OPT_EMBED_REF, 0), 0);
    ASSERT_EQ(hts_set_fai_filename(out, (reference + ".fai").c_str()), 0);
  }
  sam_hdr_t* header = sam_hdr_read(in);
  ASSERT_EQ(sam_hdr_write(out, header), 0);
  bam1_t* record = bam_init1();
  while (sam_read1(in, header, record) >= 0) ASSERT_GE(sam_write1(out, header, record), 0);
  bam_destroy1(record);
  sam_hdr_destroy(header);
  ASSERT_EQ(sam_close(out), 0);
  ASSERT_EQ(sam_close(in), 0);
}

std::string sam_of_every_kind() {
  std::string sam(kHeader);
  sam += "q1\t99\ta\t10\t60\t2S3M1I2M4N1M1D2=1X\t=\t50\t45\tACGTNRYKMSWB\t!!!!IIIIIIII\n";
  sam += "q2\t4\t*\t0\t0\t*\t*\t0\t0\t*\t*\n";
  sam +=
      "q3\t16\tb\t5\t255\t3M\ta\t7\t-9\tAC=\t*\tAA:A:!\tBB:i:-1\tCC:i:200\tDD:i:-300\tEE:i:70000\t"
      "FF:i:-70000\tGG:i:4000000000\tHH:f:1.5\tII:Z:a b\tJJ:Z:\tKK:H:1AE3\tLL:d:2.5\t"
      "MM:B:c,-1,2\tNN:B:C,255\tOO:B:s,-300\tPP:B:S,65535\tQQ:B:i,-70000\tRR:B:I,4000000000\t"
      "SS:B:f,0.5,1e10\tTT:B:c\n";
  std::string cigar;
  for (int i = 0; i < 40'000; ++i) cigar += "1M1D";
  sam += "long\t0\ta\t3\t9\t" + cigar + "\t*\t0\t0\t" + std::string(40'000, 'A') + "\t" +
         std::string(40'000, 'I') + "\tNM:i:40000\n";
  return sam;
}

TEST(HtsSource, SamGetsTheBinaryFormThatHtslibWrites) {
  const TempDir folder;
  const std::string sam = folder.path() / "x.sam";
  const std::string bam = folder.path() / "x.bam";
  write_file(sam, sam_of_every_kind());
  copy_with_htslib(sam, bam, "wb");
  const auto from_sam = open_source(sam, {}, {});
  const auto from_bam = open_source(bam, {}, {});
  EXPECT_EQ(from_sam->header(), from_bam->header());
  EXPECT_EQ(from_sam->header().text, kHeader);
  RecordBatch records;
  while (from_sam->next(records)) {
  }
  EXPECT_TRUE(as_text(records.span()) == read_rest(*from_bam));
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records[3].cigar_count(), 2);
  EXPECT_EQ(records[3].alignment_cigar().size(), 4U * 80'000U);
  EXPECT_EQ(records[3].end(), 2 + 80'000);
}

TEST(HtsSource, SamMayBeCompressed) {
  const TempDir folder;
  const std::string sam = folder.path() / "x.sam";
  write_file(sam, sam_of_every_kind());
  const std::string want = read_rest(*open_source(sam, {}, {}));
  for (const char* mode : {"wz", "wg"}) {  // BGZF, gzip
    const std::string path = folder.path() / mode;
    copy_with_htslib(sam, path, mode);
    EXPECT_TRUE(read_rest(*open_source(path, {}, {})) == want) << mode;
  }
}

struct SamCase {
  const char* name;
  std::string line;
  const char* failure;  // "" if it is read
};

const SamCase kSamCases[] = {
    {"whole", "q\t0\ta\t1\t9\t2M\t*\t0\t0\tAC\tII", ""},
    {"few_fields", "q\t0\ta\t1\t9\t2M\t*\t0\t0\tAC", "the line has 10 fields"},
    {"spaces", "q 0 a 1 9 2M * 0 0 AC II", "the line has 1 fields"},
    {"long_name", std::string(255, 'q') + "\t0\ta\t1\t9\t2M\t*\t0\t0\tAC\tII", "QNAME"},
    {"flag", "q\tx\ta\t1\t9\t2M\t*\t0\t0\tAC\tII", "FLAG is no number: \"x\""},
    {"pos", "q\t0\ta\t-1\t9\t2M\t*\t0\t0\tAC\tII", "POS is out of range: \"-1\""},
    {"mapq", "q\t0\ta\t1\t-1\t2M\t*\t0\t0\tAC\tII", "MAPQ is out of range"},
    {"cigar", "q\t0\ta\t1\t9\t2Y\t*\t0\t0\tAC\tII", "CIGAR is malformed: \"2Y\""},
    {"cigar_length", "q\t0\ta\t1\t9\t3M\t*\t0\t0\tAC\tII",
     "CIGAR covers 3 bases of the read, SEQ has 2"},
    {"pnext", "q\t0\ta\t1\t9\t2M\t*\t.\t0\tAC\tII", "PNEXT is no number"},
    {"tlen", "q\t0\ta\t1\t9\t2M\t*\t0\t.\tAC\tII", "TLEN is no number"},
    {"qual_length", "q\t0\ta\t1\t9\t2M\t*\t0\t0\tAC\tIII", "QUAL has 3 characters, SEQ 2 bases"},
    {"qual_character", "q\t0\ta\t1\t9\t2M\t*\t0\t0\tAC\tI ", "QUAL has a character"},
    {"tag_form", "q\t0\ta\t1\t9\t2M\t*\t0\t0\tAC\tII\tNM:1", "\"NM:1\" is not of the form"},
    {"tag_type", "q\t0\ta\t1\t9\t2M\t*\t0\t0\tAC\tII\tNM:q:1", "\"NM:q:1\" has an unknown type"},
    {"tag_empty", "q\t0\ta\t1\t9\t2M\t*\t0\t0\tAC\tII\tNM:i:", "\"NM:i:\" has no value"},
    {"tag_hex", "q\t0\ta\t1\t9\t2M\t*\t0\t0\tAC\tII\tXX:H:ABC", "odd number"},
    {"tag_array", "q\t0\ta\t1\t9\t2M\t*\t0\t0\tAC\tII\tXX:B:q,1", "is no array"},
    {"tag_array_value", "q\t0\ta\t1\t9\t2M\t*\t0\t0\tAC\tII\tXX:B:i,99999999999", "out of range"},
    {"no_line", "", "the line has 1 fields"},
};

TEST(HtsSource, ASamLineThatIsRefusedIsExplained) {
  const TempDir folder;
  const std::string path = folder.path() / "x.sam";
  for (const SamCase& row : kSamCases) {
    write_file(path, std::string(kHeader) + "ok\t4\t*\t0\t0\t*\t*\t0\t0\t*\t*\n" + row.line + "\n");
    const std::string failure = failure_of(path);
    if (*row.failure == '\0') {
      EXPECT_EQ(failure, "") << row.name;
      continue;
    }
    EXPECT_THAT(failure,
                ::testing::StartsWith("corrupt_data read " + path + ", record 2 (line 5): "))
        << row.name;
    EXPECT_THAT(failure, HasSubstr(row.failure)) << row.name;
  }
  write_file(path, "q\t0\ta\t1\t9\t2M\t*\t0\t0\tAC\tII\n");
  EXPECT_THAT(failure_of(path),
              HasSubstr("record 1 (line 1): RNAME is \"a\", but the header lists"));
  write_file(path, "q\t4\t*\t0\t0\t*\t*\t0\t0\t*\t*\nr\t4\t*\t0\t0\t*\t*\t0\t0\t*\t*\n");
  EXPECT_EQ(failure_of(path), "");
  write_file(path, "@HD\tVN:1.6\n@bad line\n");
  EXPECT_THAT(failure_of(path), HasSubstr(", header: its lines are malformed"));
}

TEST(HtsSource, WhatBamCannotHoldIsUnsupported) {
  const SamCase cases[] = {
      {"reference", "@SQ\tSN:a\tLN:2147483648\n", "header: reference a has 2147483648 bases"},
      {"reference_beyond_u32", "@SQ\tSN:a\tLN:5000000000\n", "reference a has 5000000000 bases"},
      {"pos", "@SQ\tSN:a\tLN:9\nq\t0\ta\t2147483649\t9\t*\t*\t0\t0\tAC\tII\n", "record 1 (line 2)"},
      {"pnext", "@SQ\tSN:a\tLN:9\nq\t0\ta\t1\t9\t*\t=\t2147483649\t0\tAC\tII\n", "2^31"},
      {"tlen", "@SQ\tSN:a\tLN:9\nq\t0\ta\t1\t9\t*\t=\t1\t-2147483649\tAC\tII\n", "2^31"},
  };
  const TempDir folder;
  const std::string path = folder.path() / "x.sam";
  for (const SamCase& row : cases) {
    write_file(path, row.line);
    EXPECT_THAT(failure_of(path), ::testing::StartsWith("unsupported read " + path)) << row.name;
    EXPECT_THAT(failure_of(path), HasSubstr(row.failure)) << row.name;
  }
  write_file(path, "@SQ\tSN:a\tLN:2147483647\nq\t0\ta\t2147483648\t9\t*\t*\t0\t0\tAC\tII\n");
  EXPECT_EQ(failure_of(path), "");
}

TEST(HtsSource, ACramsReferenceIsTheOptions) {
  const TempDir folder;
  const std::string fasta = folder.path() / "ref.fa";
  const std::string sam = folder.path() / "x.sam";
  const std::string cram = folder.path() / "x.cram";
  write_file(fasta, ">a\nACGTACGTACGTACGTACGT\n");
  write_file(fasta + ".fai", "a\t20\t3\t20\t21\n");
  write_file(sam, "@SQ\tSN:a\tLN:20\nq1\t0\ta\t3\t9\t8M\t*\t0\t0\tGTACGTAC\tIIIIIIII\n");
  copy_with_htslib(sam, cram, "wc", fasta);
  fs::rename(fasta, fasta + ".moved");
  fs::rename(fasta + ".fai", fasta + ".moved.fai");

  const std::string failure = failure_of(cram);
  EXPECT_THAT(failure, ::testing::StartsWith("corrupt_data read " + cram + ", record 1"));
  EXPECT_THAT(failure, HasSubstr("reference that is not at hand (" + fasta + ")"));
  EXPECT_THAT(failure_of(cram, {.reference = fasta}), HasSubstr("not_found open " + fasta));
  EXPECT_THAT(failure_of(cram, {.reference = "http://127.0.0.1/ref.fa"}), HasSubstr("unsupported"));

  const auto source = open_source(cram, {.reference = fasta + ".moved"}, {});
  RecordBatch records;
  ASSERT_TRUE(source->next(records));
  EXPECT_EQ(records[0].name(), "q1");
  EXPECT_EQ(as_text(records[0].seq()), "\x48\x12\x48\x12");  // GTACGTAC
  EXPECT_FALSE(source->next(records));
}

struct ReferenceCase {
  const char* name;
  std::string fields;  // of the @SQ line
  const char* ref_path;
  std::string kept;
};

TEST(HtsSource, OnlyWhatLiesOnThisMachineIsAskedForAReference) {
  const TempDir folder;
  const std::string file = folder.path() / "ref.fa";
  write_file(file, ">a\n");
  const ReferenceCase cases[] = {
      {"checksum_means_ebi", "\tM5:0", "", ""},
      {"checksum_in_a_local_folder", "\tM5:0", "/refs/%2s/%2s/%s:/more", "\tM5:0"},
      {"checksum_at_a_url", "\tM5:0", "/refs/%s:http://x/%s", ""},
      {"checksum_at_a_marked_url", "\tM5:0", "URL=x/%s", ""},
      {"http", "\tUR:http://x/ref.fa", "", ""},
      {"ftp_behind_file", "\tUR:file:ftp://x/ref.fa", "", ""},
      {"absent", "\tUR:" + file + ".absent", "", ""},
      {"local", "\tUR:" + file, "", "\tUR:" + file},
      {"local_uri", "\tUR:file:" + file, "", "\tUR:file:" + file},
      {"both", "\tM5:0\tUR:" + file, "", "\tUR:" + file},
  };
  for (const ReferenceCase& row : cases) {
    const std::string text = "@SQ\tSN:a\tLN:9" + row.fields + "\n";
    sam_hdr_t* header = sam_hdr_parse(text.size(), text.c_str());
    ASSERT_NE(header, nullptr) << row.name;
    keep_local_references(header, row.ref_path);
    EXPECT_EQ(std::string(sam_hdr_str(header)), "@SQ\tSN:a\tLN:9" + row.kept + "\n") << row.name;
    sam_hdr_destroy(header);
  }
}

}  // namespace
}  // namespace cnf::bams3
