// SPDX-License-Identifier: Apache-2.0
#include "cnf/em/input_file.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include <bzlib.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/em/gzip_writer.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::em {
namespace {

std::string gzipped(std::string_view text) {
  std::string out;
  GzipWriter writer([&out](ByteSpan bytes) { out += as_text(bytes); });
  writer.write(as_bytes(text));
  writer.finish();
  return out;
}

std::string bzipped(std::string text) {
  std::string out(text.size() + 1000, '\0');
  auto size = static_cast<unsigned>(out.size());
  EXPECT_EQ(BZ2_bzBuffToBuffCompress(out.data(), &size, text.data(),
                                     static_cast<unsigned>(text.size()), 1, 0, 0),
            BZ_OK);
  out.resize(size);
  return out;
}

// Compresses, and is longer than a buffer of the unpackers.
std::string long_text() {
  std::string text;
  for (std::uint64_t i = 0; text.size() < 3'000'000; ++i) text += std::to_string(i * 7919 % 10007);
  return text;
}

class Inputs : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  std::string write(const std::string& name, std::string_view bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }

 private:
  testing::TempDir folder_;
};

TEST_F(Inputs, UnpackByTheirBytesWhateverTheirName) {
  const std::string text = long_text();
  for (const std::string& packed : {text, gzipped(text), bzipped(text)}) {
    const InputFile file(write("Map.CCP4", packed), {}, {});
    EXPECT_TRUE(as_text(file.bytes()) == text);
    EXPECT_EQ(file.plain_name(), "map.ccp4");
  }
}

TEST_F(Inputs, MembersFollowEachOtherAndPaddingIsIgnored) {
  const std::string zeros(600, '\0');
  const InputFile gzip(write("a", gzipped("one ") + gzipped("two") + zeros), {}, {});
  EXPECT_EQ(as_text(gzip.bytes()), "one two");
  const InputFile bzip2(write("b", bzipped("one ") + bzipped("two") + zeros), {}, {});
  EXPECT_EQ(as_text(bzip2.bytes()), "one two");
}

TEST_F(Inputs, DamageIsNamed) {
  const std::string text = long_text();
  for (const std::string& packed : {gzipped(text), bzipped(text)}) {
    std::string damaged = packed;
    damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
    for (const std::string& bytes : {damaged, packed.substr(0, packed.size() - 5)}) {
      try {
        const InputFile file(write("x.map.gz", bytes), {}, {});
        ADD_FAILURE() << "it was taken";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), Errc::corrupt_data);
        EXPECT_EQ(error.subject(), path("x.map.gz"));
      }
    }
  }
}

TEST_F(Inputs, ComeFromStoresAndByFileUris) {
  const auto store = storage::from_uri("memory:em-inputs");
  store->put("maps/x.map.gz", as_bytes(gzipped("voxels")));
  const InputFile object("memory:em-inputs/maps/x.map.gz", {}, {});
  EXPECT_EQ(as_text(object.bytes()), "voxels");
  EXPECT_EQ(object.plain_name(), "x.map");
  const InputFile file("file://" + write("y.mrc", "other"), {}, {});
  EXPECT_EQ(as_text(file.bytes()), "other");
  try {
    const InputFile none("memory:em-inputs/none.mrc", {}, {});
    FAIL() << "it is there";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::not_found);
  }
}

TEST_F(Inputs, ComeThroughPipes) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  const std::string text = long_text();
  const std::jthread sender(
      [&] { std::ofstream(path("pipe"), std::ios::binary) << gzipped(text); });
  const InputFile file(path("pipe"), {}, {});
  EXPECT_TRUE(as_text(file.bytes()) == text);
}

TEST_F(Inputs, APipeThatNobodyWritesEndsWithTheContext) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(InputFile(path("pipe"), {}, Context(stop.get_token())), Error);
}

TEST_F(Inputs, EmptyAndMissingOnes) {
  EXPECT_TRUE(InputFile(write("empty", ""), {}, {}).bytes().empty());
  EXPECT_EQ(as_text(InputFile(write("short", "BZ"), {}, {}).bytes()), "BZ");
  EXPECT_THROW(InputFile(path("none"), {}, {}), Error);
  EXPECT_THROW(InputFile(path(""), {}, {}), Error);
}

}  // namespace
}  // namespace cnf::em
