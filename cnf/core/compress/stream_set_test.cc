// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/compress/stream_set.h"

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"

namespace cnf::compress {
namespace {

constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 40;

Buffer stream_of(const std::string& text) { return Buffer::copy_of(as_bytes(text)); }

Buffer set_of(const std::vector<std::string>& texts, int level = 3) {
  std::vector<Buffer> streams;
  for (const std::string& text : texts) streams.push_back(stream_of(text));
  Buffer out;
  put_stream_set(streams, level, out);
  return out;
}

void expect_corrupt(ByteSpan bytes, std::uint64_t max_raw = kNoLimit) {
  try {
    StreamSet set(bytes, max_raw, "test");
    for (std::size_t i = 0; i < set.size(); ++i) static_cast<void>(set.get(i));
    ADD_FAILURE() << "was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::corrupt_data) << error.what();
  }
}

TEST(StreamSet, GivesEachStreamBackInAnyOrder) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (const int level : {1, 9, 19}) {
    std::vector<std::string> texts;
    for (const std::size_t size : {0UL, 1UL, 127UL, 128UL, 129UL, 5000UL, 3UL, 0UL, 200'000UL}) {
      std::string& text = texts.emplace_back();
      const std::size_t letters = 1 + random() % 256;  // 256: what does not compress
      for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(random() % letters);
    }
    const Buffer bytes = set_of(texts, level);
    StreamSet set(bytes, kNoLimit, "test");
    ASSERT_EQ(set.size(), texts.size());
    for (std::size_t i = texts.size(); i-- > 0;) {
      EXPECT_EQ(as_text(set.get(i)), texts[i]) << i;
      EXPECT_EQ(as_text(set.get(i)), texts[i]) << i << ", again";
    }
  }
}

TEST(StreamSet, TakesAByteForNothing) {
  const Buffer bytes = set_of({});
  EXPECT_EQ(bytes.size(), 1U);
  EXPECT_EQ(StreamSet(bytes, 0, "test").size(), 0U);
}

TEST(StreamSet, PutsShortStreamsTogether) {
  const std::vector<std::string> texts(40, std::string(100, 'a'));
  EXPECT_LT(set_of(texts).size(), 80U) << "a frame for each would take more";
}

TEST(StreamSet, BytesAreAsDescribed) {
  const Buffer bytes = set_of({"ab", "", "c"});
  EXPECT_EQ(as_text(bytes), std::string("\x03\x02\x00\x01\x03"
                                        "abc",
                                        8));
}

TEST(StreamSet, RefusesAStreamThatIsNotThere) {
  const Buffer bytes = set_of({"ab"});
  StreamSet set(bytes, kNoLimit, "test");
  EXPECT_THROW(static_cast<void>(set.get(1)), Error);
}

TEST(StreamSet, RefusesWhatIsCutOffOrTooLong) {
  const Buffer bytes = set_of({"short", std::string(5000, 'x'), "tiny"});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    expect_corrupt(bytes.span().first(size));
  }
  Buffer longer = Buffer::copy_of(bytes);
  longer.append(as_bytes("x"));
  expect_corrupt(longer);
  expect_corrupt(bytes, 5008);
  EXPECT_EQ(StreamSet(bytes, 5009, "test").size(), 3U);
}

TEST(StreamSet, TakesNoMemoryOnTheBytesWord) {
  Buffer bytes;
  ByteWriter out(bytes);
  out.put_varint(1);
  out.put_varint(std::uint64_t{1} << 39);
  out.put_varint(4);
  out.put_bytes(as_bytes("abcd"));
  expect_corrupt(bytes);
  bytes.clear();
  out.put_varint(std::uint64_t{1} << 60);
  expect_corrupt(bytes);
}

}  // namespace
}  // namespace cnf::compress
