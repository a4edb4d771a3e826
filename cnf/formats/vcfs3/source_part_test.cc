// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/source_part.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <htslib/bgzf.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/parse.h"
#include "cnf/formats/vcfs3/source.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::vcfs3 {
namespace {

namespace fs = std::filesystem;
using cnf::testing::TempDir;

constexpr std::string_view kHeader =
    "##fileformat=VCFv4.2\n##contig=<ID=1>\n"
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";

void write_plain(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}
// Blocks of at most so many bytes, as a flush ends them.
void write_bgzf(const fs::path& path, std::string_view text, std::size_t block) {
  BGZF* const file = bgzf_open(path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  for (std::size_t at = 0; at < text.size(); at += block) {
    const std::string_view piece = text.substr(at, block);
    ASSERT_EQ(bgzf_write(file, piece.data(), piece.size()), static_cast<ssize_t>(piece.size()));
    ASSERT_EQ(bgzf_flush(file), 0);
  }
  ASSERT_EQ(bgzf_close(file), 0);
}

struct Part {
  std::string text, begin, end;
};
Part read_part(const std::string& uri, std::uint64_t number, std::uint64_t of) {
  const auto source = open_part(uri, {.number = number, .of = of}, {}, {});
  Part part{.text = {}, .begin = source->begin(), .end = source->end()};
  EXPECT_EQ(source->header().text, kHeader);
  while (const auto slab = source->next()) part.text += as_text(slab->text);
  return part;
}

// All parts of each number of parts hold `body` once; they meet, and begin where a place is told.
void expect_parts(const std::string& uri, const std::string& body) {
  for (std::uint64_t of = 1; of <= 20; ++of) {
    SCOPED_TRACE(of);
    std::string joined;
    std::string end;
    for (std::uint64_t number = 1; number <= of; ++number) {
      const Part part = read_part(uri, number, of);
      if (number > 1) {
        EXPECT_EQ(part.begin, end);
      }
      if (!joined.empty() && !part.text.empty()) {
        EXPECT_EQ(joined.back(), '\n');
        EXPECT_TRUE(tells_place(part.text));
      }
      end = part.end;
      joined += part.text;
    }
    ASSERT_TRUE(joined == body);
  }
}

std::string lines(std::uint64_t seed, std::size_t count, std::size_t longest) {
  std::mt19937_64 random(seed);
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t kind = random() % 8;
    if (kind == 0) text += "no place here";
    if (kind == 1) text += "\n";
    text += "1\t" + std::to_string(i + 1) + "\t" + std::string(random() % longest, 'x') + "\n";
  }
  return text;
}

TEST(VcfPart, PartsOfAnyNumberAreTheWhole) {
  const TempDir folder;
  const std::string path = folder.path() / "x";
  std::string unplaced;
  for (int i = 0; i < 60; ++i) unplaced += "nowhere\n";
  const std::string unended = lines(1, 50, 30);
  for (const std::string& body :
       {std::string(), std::string("1\t5\tx\n"), std::string("1\t5\tx"), std::string("\n\n\n"),
        unplaced, unplaced + lines(2, 20, 30), lines(3, 100, 40), lines(4, 8, 3'000),
        unended.substr(0, unended.size() - 1), std::string(9'000, 'y') + "\n1\t2\tz\n",
        "1\t1\t" + std::string(9'000, 'y') + "\n1\t2\t" + std::string(5'000, 'z')}) {
    SCOPED_TRACE(body.substr(0, 60));
    write_plain(path, std::string(kHeader) + body);
    expect_parts(path, body);
    for (const std::size_t block : {150U, 1'000U}) {
      SCOPED_TRACE(block);
      write_bgzf(path, std::string(kHeader) + body, block);
      expect_parts(path, body);
    }
  }
}

TEST(VcfPart, BlocksWithoutTextDoNotMatter) {
  const TempDir folder;
  const std::string path = folder.path() / "x";
  const std::string body = lines(5, 40, 50);
  write_bgzf(path, kHeader, 1'000);
  std::string bytes;
  for (std::size_t at = 0; at < body.size(); at += 300) {  // files one behind the other
    std::ifstream file(path, std::ios::binary);
    bytes.append(std::istreambuf_iterator<char>(file), {});
    write_bgzf(path, body.substr(at, 300), 1'000);
  }
  std::ifstream file(path, std::ios::binary);
  bytes.append(std::istreambuf_iterator<char>(file), {});
  const auto store = storage::from_uri("memory:vcf_part_test");
  (void)store->put("x.vcf.gz", as_bytes(bytes));
  expect_parts("memory:vcf_part_test/x.vcf.gz", body);
}

TEST(VcfPart, LargePartsComeInTheSlabsOfTheWhole) {
  const TempDir folder;
  const std::string path = folder.path() / "x";
  const std::string body = lines(6, 150'000, 140);
  write_bgzf(path, std::string(kHeader) + body, 65'000);
  const auto whole = open_source(path, {}, {});
  const auto part = open_part(path, {.number = 1, .of = 1}, {}, {});
  std::size_t slabs = 0;
  while (const auto slab = whole->next()) {
    const auto same = part->next();
    ASSERT_TRUE(same && as_text(same->text) == as_text(slab->text));
    ++slabs;
  }
  EXPECT_GT(slabs, 2U);
  EXPECT_FALSE(part->next());
  EXPECT_EQ(part->input_bytes(), fs::file_size(path));
  std::string joined;
  for (std::uint64_t number = 1; number <= 3; ++number) {
    const std::string text = read_part(path, number, 3).text;
    EXPECT_GT(text.size(), body.size() / 4);
    joined += text;
  }
  EXPECT_TRUE(joined == body);
}

Errc failure(const std::string& uri, PartNumber part) {
  try {
    const auto source = open_part(uri, part, {}, {});
    while (source->next()) {
    }
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << uri << " was read";
  return Errc::internal;
}

TEST(VcfPart, RefusesWhatHasNoParts) {
  const TempDir folder;
  const std::string path = folder.path() / "x";
  const PartNumber half{.number = 1, .of = 2};
  EXPECT_EQ(failure("-", half), Errc::unsupported);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(failure(path, half), Errc::unsupported);
  fs::remove(path);
  EXPECT_EQ(failure(path, half), Errc::not_found);
  BGZF* const gzip = bgzf_open(path.c_str(), "wg");
  ASSERT_EQ(bgzf_write(gzip, kHeader.data(), kHeader.size()), static_cast<ssize_t>(kHeader.size()));
  ASSERT_EQ(bgzf_close(gzip), 0);
  EXPECT_EQ(failure(path, half), Errc::unsupported);
  write_bgzf(path, std::string("BCF\2\2") + std::string(100, 'x'), 1'000);
  EXPECT_EQ(failure(path, half), Errc::unsupported);
  write_plain(path, "");
  EXPECT_EQ(failure(path, half), Errc::corrupt_data);
  write_plain(path, kHeader);
  EXPECT_EQ(failure(path, {.number = 0, .of = 2}), Errc::invalid_argument);
  EXPECT_EQ(failure(path, {.number = 3, .of = 2}), Errc::invalid_argument);
}

TEST(VcfPart, KnowsDamage) {
  const TempDir folder;
  const std::string path = folder.path() / "x";
  write_bgzf(path, std::string(kHeader) + lines(7, 2'000, 100), 2'000);
  std::ifstream file(path, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  const auto whole_fails = [&] {  // not by what no reader looks at, as the time
    try {
      const auto source = open_source(path, {}, {});
      while (source->next()) {
      }
      return false;
    } catch (const Error&) {
      return true;
    }
  };
  const auto parts_fail = [&] {
    std::size_t failed = 0;
    for (std::uint64_t number = 1; number <= 4; ++number) {
      try {
        (void)read_part(path, number, 4);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), Errc::corrupt_data);
        ++failed;
      }
    }
    return failed;
  };
  EXPECT_EQ(parts_fail(), 0U);
  std::size_t found = 0;
  for (std::size_t at = 30; at + 30 < bytes.size(); at += bytes.size() / 40) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x11);
    write_plain(path, damaged);
    const bool fails = whole_fails();
    EXPECT_EQ(parts_fail() > 0, fails) << "byte " << at;
    found += fails ? 1 : 0;
  }
  EXPECT_GT(found, 30U);
  write_plain(path, std::string_view(bytes).substr(0, bytes.size() - 28));
  EXPECT_EQ(parts_fail(), 4U);
}

}  // namespace
}  // namespace cnf::vcfs3
