// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/source.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <htslib/bgzf.h>
#include <htslib/hts.h>
#include <htslib/kstring.h>
#include <htslib/vcf.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::vcfs3 {
namespace {

namespace fs = std::filesystem;
using cnf::testing::TempDir;
using std::string_literals::operator""s;
using ::testing::HasSubstr;

constexpr std::string_view kColumns =
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tB\n";

void write_file(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}
std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
// \param mode  "wu": not compressed; "w": BGZF; "wg": gzip.
void write_compressed(const std::string& path, const char* mode, const std::string& text) {
  BGZF* const file = bgzf_open(path.c_str(), mode);
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(bgzf_write(file, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ASSERT_EQ(bgzf_close(file), 0);
}

std::string vcf_of(std::size_t records) {
  std::string text = "##fileformat=VCFv4.2\n##contig=<ID=1>\n" + std::string(kColumns);
  for (std::size_t i = 0; i < records; ++i) {
    text += "1\t" + std::to_string(i * 7919 % 100'000'007) + "\t.\tA\tC\t.\t.\t.\tGT\t0|1\t" +
            std::to_string(i % 3) + "|0\n";
  }
  return text;
}

struct Whole {
  std::string text;
  std::vector<std::size_t> slabs;  // their sizes
  std::string kind;
  std::uint64_t consumed = 0;
};

Whole read_whole(const std::string& uri, const SourceOptions& options = {}) {
  const auto source = open_source(uri, options, {});
  Whole whole{.text = source->header().text, .slabs = {}, .kind = source->kind()};
  while (const auto slab = source->next()) {
    whole.text += as_text(slab->text);
    whole.slabs.push_back(slab->text.size());
  }
  EXPECT_EQ(source->next(), std::nullopt);
  whole.consumed = source->consumed();
  return whole;
}

// The message of the Error that reading all of `uri` ends in, behind its code; "" if it ends well.
std::string failure_of(const std::string& uri) {
  try {
    (void)read_whole(uri);
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return std::string(to_string(error.code())) + " " + error.what();
  }
  return {};
}

TEST(VcfSource, GivesTheTextHoweverItIsStored) {
  const TempDir folder;
  const std::string text = vcf_of(400'000);  // some slabs of it
  struct Case {
    const char *mode, *kind;
  };
  std::optional<std::vector<std::size_t>> slabs;
  for (const Case& c : {Case{"wu", "vcf"}, Case{"w", "vcf.gz"}, Case{"wg", "vcf.gz"}}) {
    const std::string path = folder.path() / ("x_"s + c.mode);
    write_compressed(path, c.mode, text);
    for (const std::size_t threads : {1U, 3U}) {
      const Whole whole = read_whole(path, {.threads = threads});
      EXPECT_TRUE(whole.text == text) << c.mode;
      EXPECT_EQ(whole.kind, c.kind);
      if (!slabs) slabs = whole.slabs;
      EXPECT_EQ(whole.slabs, *slabs) << c.mode << ", " << threads << " threads";
      EXPECT_LE(whole.consumed, fs::file_size(path));
      EXPECT_GE(whole.consumed + 64, fs::file_size(path));
    }
  }
  EXPECT_GT(slabs->size(), 2U);
  const auto store = storage::from_uri("memory:vcf_source_test");
  (void)store->put("dir/x.vcf.gz", as_bytes(read_file(folder.path() / "x_w")));
  EXPECT_TRUE(read_whole("memory:vcf_source_test/dir/x.vcf.gz").text == text);
}

TEST(VcfSource, ReadsAPipe) {
  const TempDir folder;
  const std::string text = vcf_of(100'000);
  write_compressed(folder.path() / "x.gz", "w", text);
  for (const std::string& bytes : {text, read_file(folder.path() / "x.gz")}) {
    const std::string pipe = folder.path() / "pipe";
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    const std::jthread writer([&] { write_file(pipe, bytes); });
    EXPECT_TRUE(read_whole(pipe, {.threads = 2}).text == text);
    fs::remove(pipe);
  }
}

TEST(VcfSource, ReadsStandardInput) {
  const TempDir folder;
  const std::string text = vcf_of(1000);
  write_compressed(folder.path() / "x.gz", "w", text);
  const int kept = dup(STDIN_FILENO);
  const int file = open((folder.path() / "x.gz").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(dup2(file, STDIN_FILENO), 0);
  EXPECT_TRUE(read_whole("-").text == text);
  ASSERT_GE(dup2(kept, STDIN_FILENO), 0);
  close(file);
  close(kept);
}

TEST(VcfSource, KnowsAPipeThatIsCutShort) {
  const TempDir folder;
  write_compressed(folder.path() / "x.gz", "w", vcf_of(10'000));
  const std::string bytes = read_file(folder.path() / "x.gz");
  const std::string pipe = folder.path() / "pipe";
  for (const std::size_t missing : {0U, 28U, 100U}) {
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    const std::jthread writer([&] { write_file(pipe, bytes.substr(0, bytes.size() - missing)); });
    EXPECT_EQ(failure_of(pipe).empty(), missing == 0) << missing;
    fs::remove(pipe);
  }
}

TEST(VcfSource, DoesNotWaitForAPipeThatItIsDoneWith) {
  const TempDir folder;
  write_compressed(folder.path() / "x.gz", "w", vcf_of(100'000));
  const std::string pipe = folder.path() / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const int held = open(pipe.c_str(), O_RDWR | O_CLOEXEC);  // never closed while it is read
  ASSERT_GE(held, 0);
  const std::string bytes = read_file(folder.path() / "x.gz").substr(0, 60'000);
  ASSERT_EQ(write(held, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  (void)open_source(pipe, {.threads = 2}, {});  // and closed again
  close(held);
}

TEST(VcfSource, TakesTextOfAnyShape) {
  const TempDir folder;
  const std::string path = folder.path() / "x.vcf";
  const std::string columns(kColumns);
  for (const std::string& text :
       {columns, columns.substr(0, columns.size() - 1), columns + "1", columns + "\n\n\n",
        "##fileformat=VCFv4.0\r\n" + columns.substr(0, columns.size() - 1) + "\r\n1\t2\r\n",
        "\xef\xbb\xbf##fileformat=VCFv4.2\n" + columns + "1\t2\n",
        "##fileformat=VCFv4.2\n#CHROM POS\n1 5 . A C\n"s,
        "##fileformat=VCFv4.2\n" + columns + "1\0x\t\n"s,
        columns + std::string(9 << 20, 'x') + "\n1\n" + std::string(5 << 20, 'y')}) {
    write_file(path, text);
    EXPECT_TRUE(read_whole(path).text == text) << text.substr(0, 100);
  }
}

TEST(VcfSource, ReadsALongLineInDoublingSteps) {
  constexpr std::size_t kStep = std::size_t{4} << 20;
  const TempDir folder;
  const std::string path = folder.path() / "x.vcf";
  std::string text = std::string(kColumns) + std::string(2 * kStep, 'x') + "\n";
  while (text.size() < 5 * kStep) text += "1\t5\t.\tA\tC\t.\t.\t.\n";
  write_file(path, text);
  const Whole whole = read_whole(path);
  EXPECT_TRUE(whole.text == text);
  // After two steps without a line's end two more at once: the bytes are not looked at again and
  // again.
  EXPECT_GT(whole.slabs.at(0), 3 * kStep);
}

TEST(VcfSource, ReadsMembersOfGzipOneAfterAnother) {
  const TempDir folder;
  const std::string text = vcf_of(1000);
  for (const char* mode : {"w", "wg"}) {
    std::string bytes;
    for (const std::size_t begin : {std::size_t{0}, text.size() / 2}) {
      const std::string part = begin == 0 ? text.substr(0, text.size() / 2) : text.substr(begin);
      write_compressed(folder.path() / "part", mode, part);
      bytes += read_file(folder.path() / "part");
    }
    write_file(folder.path() / "whole.gz", bytes);
    for (const std::size_t threads : {1U, 2U}) {
      EXPECT_TRUE(read_whole(folder.path() / "whole.gz", {.threads = threads}).text == text);
    }
  }
}

TEST(VcfSource, RefusesWhatIsNoVcfOrCutShort) {
  const TempDir folder;
  const std::string path = folder.path() / "x";
  write_compressed(path, "w", vcf_of(50'000));
  const std::string bgzf = read_file(path);
  write_compressed(path, "wg", vcf_of(50'000));
  const std::string gzip = read_file(path);
  std::string flipped = bgzf;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 0x10);
  struct Case {
    const char* name;
    std::string bytes, why;
  };
  constexpr std::size_t kEofBlock = 28;
  for (const Case& c :
       {Case{"empty", "", "it is empty"}, Case{"text", "hello\n", "##fileformat"},
        Case{"noise", "\x01\x80\xff\x00garbage"s, "no variant file"},
        Case{"no #CHROM", "##fileformat=VCFv4.2\n##x=y\n", "no #CHROM line"},
        Case{"no header", "##fileformat=VCFv4.2\n1\t5\t.\tA\tC\t.\t.\t.\n",
             "a record comes before"},
        Case{"a SAM", "@HD\tVN:1.6\n", "no variant file"},
        Case{"no end block", bgzf.substr(0, bgzf.size() - kEofBlock), "end-of-file block"},
        Case{"half a block", bgzf.substr(0, bgzf.size() / 2), "cut short"},
        Case{"half a gzip", gzip.substr(0, gzip.size() / 2), "cut short"},
        Case{"gzip without its end", gzip.substr(0, gzip.size() - 5), "cut short"},
        Case{"a flipped bit", flipped, "damaged"},
        Case{"BCF 1", "BCF\4"s + std::string(100, '\0'), "version 1 of BCF"},
        Case{"half a BCF header", "BCF\2\2\x10\0\0\0##filef"s, "the middle of it"}}) {
    write_file(path, c.bytes);
    EXPECT_THAT(failure_of(path), HasSubstr(c.why)) << c.name;
  }
  EXPECT_THAT(failure_of(folder.path() / "absent"), HasSubstr("No such"));
}

struct CloseFile {
  void operator()(htsFile* file) const { (void)hts_close(file); }
};

constexpr std::string_view kBcfHeader =
    "##fileformat=VCFv4.2\n##FILTER=<ID=PASS,Description=\"All filters passed\",IDX=0>\n"
    "##contig=<ID=1,length=1000,IDX=0>\n"
    "##INFO=<ID=I,Number=.,Type=Integer,Description=\"\",IDX=1>\n"
    "##INFO=<ID=F,Number=.,Type=Float,Description=\"\",IDX=2>\n"
    "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"\",IDX=3>\n"
    "##FORMAT=<ID=X,Number=.,Type=Integer,Description=\"\",IDX=7>\n"
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tB\n";
constexpr std::string_view kBcfLines =
    "1\t1\t.\tA\tC\t3.5\tPASS\tI=-120,-121,-128,127;F=0.5,.\tGT:X\t0/1:1,2\t.|1:.\n"
    "1\t2\trs1\tA\tC,<DEL>\t.\t.\tI=-32760,32767\tGT:X\t2:-32768\t0/1/2:70000,.,1\n"
    "1\t900\t.\tA\t.\t0\t.\t.\t.\t.\t.\n";

// \param mode  "wb": BGZF, "wbu": not compressed.
void write_bcf(const std::string& path, const char* mode) {
  const std::unique_ptr<bcf_hdr_t, decltype(&bcf_hdr_destroy)> header(bcf_hdr_init("r"),
                                                                      &bcf_hdr_destroy);
  std::string text(kBcfHeader);
  ASSERT_EQ(bcf_hdr_parse(header.get(), text.data()), 0);
  const std::unique_ptr<htsFile, CloseFile> file(hts_open(path.c_str(), mode));
  ASSERT_TRUE(file);
  ASSERT_EQ(bcf_hdr_write(file.get(), header.get()), 0);
  const std::unique_ptr<bcf1_t, decltype(&bcf_destroy)> record(bcf_init(), &bcf_destroy);
  for (std::string_view lines = kBcfLines; !lines.empty();) {
    std::string line(lines.substr(0, lines.find('\n')));
    lines.remove_prefix(line.size() + 1);
    kstring_t in{.l = line.size(), .m = line.size() + 1, .s = line.data()};
    ASSERT_EQ(vcf_parse(&in, header.get(), record.get()), 0);
    ASSERT_EQ(bcf_write(file.get(), header.get(), record.get()), 0);
  }
}

TEST(BcfSource, TellsRecordsAsTextBehindTheHeaderAsItStands) {
  const TempDir folder;
  const std::string path = folder.path() / "x.bcf";
  for (const char* mode : {"wb", "wbu"}) {
    write_bcf(path, mode);
    for (const std::size_t threads : {1U, 2U}) {
      const Whole whole = read_whole(path, {.threads = threads});
      EXPECT_EQ(whole.text, std::string(kBcfHeader) + std::string(kBcfLines)) << mode;
      EXPECT_EQ(whole.kind, "bcf");
    }
  }
}

TEST(BcfSource, RefusesWhatIsDamagedOrCutShort) {
  const TempDir folder;
  const std::string path = folder.path() / "x.bcf";
  write_bcf(path, "wb");
  std::string raw;
  {
    BGZF* const file = bgzf_open(path.c_str(), "r");
    raw.resize(1 << 16);
    raw.resize(static_cast<std::size_t>(bgzf_read(file, raw.data(), raw.size())));
    ASSERT_EQ(bgzf_close(file), 0);
  }
  const std::string compressed = read_file(path);
  write_file(path, compressed.substr(0, compressed.size() - 28));
  EXPECT_THAT(failure_of(path), HasSubstr("end-of-file block"));
  // BCF 2.1 differs in what its vectors end with only.
  std::string older = raw;
  older[4] = 1;
  write_compressed(path, "w", older);
  EXPECT_EQ(failure_of(path), "");
  const std::size_t header = 9 + kBcfHeader.size() + 1;
  for (std::size_t size = 5; size < raw.size(); size += size < header ? 97 : 1) {
    write_compressed(path, "w", raw.substr(0, size));
    // A cut between records is one that only the file's last block can tell.
    EXPECT_TRUE(size >= header || !failure_of(path).empty()) << size;
  }
  // No damage may do worse than an Error or another text.
  for (std::size_t at = header; at < raw.size(); ++at) {
    for (const int bit : {0, 3, 7}) {
      std::string damaged = raw;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      write_compressed(path, "w", damaged);
      (void)failure_of(path);
    }
  }
}

}  // namespace
}  // namespace cnf::vcfs3
