// SPDX-License-Identifier: Apache-2.0
#include "cnf/em/png_writer.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>
#include <png.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::em {
namespace {

std::vector<std::byte> bytes_of(const std::vector<int>& values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

// The oracle is libpng's simplified reader, which shares nothing with how the writer calls it.
TEST(PngWriter, EightBitsComeBack) {
  const auto grey = bytes_of({0, 1, 2, 100, 254, 255});
  const Buffer png = to_png(grey, 3, 2, 8);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  ASSERT_NE(png_image_begin_read_from_memory(&image, png.data(), png.size()), 0);
  EXPECT_EQ(image.width, 3U);
  EXPECT_EQ(image.height, 2U);
  image.format = PNG_FORMAT_GRAY;
  std::vector<std::byte> back(PNG_IMAGE_SIZE(image));
  ASSERT_NE(png_image_finish_read(&image, nullptr, back.data(), 0, nullptr), 0);
  EXPECT_EQ(back, grey);
}

// PNG keeps 16 bits in big-endian order: the bytes of IHDR are read by the specification.
TEST(PngWriter, SixteenBitsAreSaidSo) {
  const auto grey = bytes_of({0x34, 0x12, 0xff, 0x00});
  const Buffer png = to_png(grey, 2, 1, 16);
  ASSERT_GT(png.size(), 33U);
  const ByteSpan header = png.span().subspan(16, 10);
  EXPECT_EQ(std::vector<std::byte>(header.begin(), header.end()),
            bytes_of({0, 0, 0, 2, 0, 0, 0, 1, 16, PNG_COLOR_TYPE_GRAY}));
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  ASSERT_NE(png_image_begin_read_from_memory(&image, png.data(), png.size()), 0);
  image.format = PNG_FORMAT_GRAY;
  std::vector<std::byte> back(PNG_IMAGE_SIZE(image));
  ASSERT_NE(png_image_finish_read(&image, nullptr, back.data(), 0, nullptr), 0);
  EXPECT_LT(back[1], back[0]);  // 0x00ff is darker than 0x1234
}

TEST(PngWriter, RefusesWhatIsNoImage) {
  const auto grey = bytes_of({1, 2, 3, 4});
  EXPECT_THROW((void)to_png(grey, 2, 2, 4), Error);
  EXPECT_THROW((void)to_png(grey, 3, 2, 8), Error);
  EXPECT_THROW((void)to_png({}, 0, 5, 8), Error);
}

}  // namespace
}  // namespace cnf::em
