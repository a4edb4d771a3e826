// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <ios>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tiff.h>
#include <tiffio.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/input_file.h"
#include "cnf/em/source.h"
#include "cnf/em/tiff_file_internal.h"
#include "cnf/em/tiff_internal.h"
#include "cnf/em/tiff_writer.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::em {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// What libtiff is asked to write: it is the oracle of the reader.
struct Written {
  const char* name = "";
  const char* mode = "wl";  // "l" or "b" is the byte order, "8" BigTIFF
  std::uint16_t compression = COMPRESSION_NONE;
  std::uint16_t bits = 16;
  std::uint16_t format = SAMPLEFORMAT_UINT;
  std::uint32_t tile = 0;  // 0: strips
  std::uint16_t predictor = PREDICTOR_NONE;
  DataType type = DataType::uint16;
};

constexpr std::uint32_t kWidth = 70, kHeight = 45, kPages = 3;

std::vector<std::byte> some_values(std::size_t bytes, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> values(bytes);
  // Small steps, so that compression and predictors have something to do.
  for (std::size_t i = 0; i != bytes; ++i) values[i] = static_cast<std::byte>(i / 5 + random() % 3);
  return values;
}

void write_tiles(TIFF* tiff, const Written& how, const std::byte* page) {
  const std::size_t element = how.bits / 8U;
  std::vector<std::byte> tile(static_cast<std::size_t>(TIFFTileSize(tiff)));
  for (std::uint32_t y = 0; y < kHeight; y += how.tile) {
    for (std::uint32_t x = 0; x < kWidth; x += how.tile) {
      const std::size_t columns = std::min(how.tile, kWidth - x);
      for (std::uint32_t row = 0; row != std::min(how.tile, kHeight - y); ++row) {
        std::memcpy(tile.data() + std::size_t{row} * how.tile * element,
                    page + (std::size_t{y + row} * kWidth + x) * element, columns * element);
      }
      ASSERT_GT(TIFFWriteTile(tiff, tile.data(), x, y, 0, 0), 0);
    }
  }
}

using TiffHandle = std::unique_ptr<TIFF, decltype(&TIFFClose)>;

void set_layout(TIFF* tiff, const Written& how, std::uint32_t width, std::uint32_t height) {
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, width);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, height);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, int{how.bits});
  TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, int{how.format});
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, int{how.compression});
  if (how.predictor != PREDICTOR_NONE) TIFFSetField(tiff, TIFFTAG_PREDICTOR, int{how.predictor});
}

/// Three pages; returns their values.
std::vector<std::byte> write_pages(const std::string& path, const Written& how,
                                   const std::function<void(TIFF*)>& more_tags = {}) {
  const std::size_t page_bytes = std::size_t{kWidth} * kHeight * how.bits / 8;
  const auto values = some_values(page_bytes * kPages, how.compression + how.bits);
  const TiffHandle tiff(TIFFOpen(path.c_str(), how.mode), &TIFFClose);
  for (std::uint32_t page = 0; page != kPages; ++page) {
    set_layout(tiff.get(), how, kWidth, kHeight);
    if (more_tags) more_tags(tiff.get());
    const std::byte* from = values.data() + page * page_bytes;
    if (how.tile != 0) {
      TIFFSetField(tiff.get(), TIFFTAG_TILEWIDTH, how.tile);
      TIFFSetField(tiff.get(), TIFFTAG_TILELENGTH, how.tile);
      write_tiles(tiff.get(), how, from);
    } else {
      TIFFSetField(tiff.get(), TIFFTAG_ROWSPERSTRIP, 8);
      for (std::uint32_t row = 0; row != kHeight; ++row) {
        auto line = std::vector<std::byte>(from + std::size_t{row} * (page_bytes / kHeight),
                                           from + std::size_t{row + 1} * (page_bytes / kHeight));
        EXPECT_EQ(TIFFWriteScanline(tiff.get(), line.data(), row), 1);
      }
    }
    EXPECT_EQ(TIFFWriteDirectory(tiff.get()), 1);
  }
  return values;
}

std::vector<std::byte> read(const Source& source, const Box& box) {
  std::vector<std::byte> values(box.shape().elements() * size_of(source.info().type));
  source.read(box, values, {});
  return values;
}

/// The box of values, element by element.
std::vector<std::byte> expected(const std::vector<std::byte>& values, const Shape& shape,
                                const Box& box, std::size_t element) {
  std::vector<std::byte> out;
  for (std::uint64_t page = box.begin[0]; page != box.end[0]; ++page) {
    for (std::uint64_t y = box.begin[1]; y != box.end[1]; ++y) {
      for (std::uint64_t x = box.begin[2]; x != box.end[2]; ++x) {
        const auto at =
            static_cast<std::ptrdiff_t>(((page * shape[1] + y) * shape[2] + x) * element);
        std::copy_n(values.begin() + at, element, std::back_inserter(out));
      }
    }
  }
  return out;
}

constexpr Written kWritten[] = {
    {.name = "plain"},
    {.name = "big_endian", .mode = "wb"},
    {.name = "big_endian_float",
     .mode = "wb",
     .bits = 32,
     .format = SAMPLEFORMAT_IEEEFP,
     .type = DataType::float32},
    {.name = "big_tiff", .mode = "w8", .bits = 8, .type = DataType::uint8},
    {.name = "int8", .bits = 8, .format = SAMPLEFORMAT_INT, .type = DataType::int8},
    {.name = "float16", .format = SAMPLEFORMAT_IEEEFP, .type = DataType::float16},
    {.name = "float64", .bits = 64, .format = SAMPLEFORMAT_IEEEFP, .type = DataType::float64},
    {.name = "lzw",
     .compression = COMPRESSION_LZW,
     .format = SAMPLEFORMAT_INT,
     .predictor = PREDICTOR_HORIZONTAL,
     .type = DataType::int16},
    {.name = "lzw_big_endian",
     .mode = "wb",
     .compression = COMPRESSION_LZW,
     .bits = 32,
     .type = DataType::uint32},
    {.name = "deflate",
     .compression = COMPRESSION_ADOBE_DEFLATE,
     .bits = 32,
     .format = SAMPLEFORMAT_IEEEFP,
     .predictor = PREDICTOR_FLOATINGPOINT,
     .type = DataType::float32},
    {.name = "packbits", .compression = COMPRESSION_PACKBITS, .bits = 8, .type = DataType::uint8},
    {.name = "tiled", .tile = 32},
    {.name = "tiled_deflate", .mode = "w8b", .compression = COMPRESSION_ADOBE_DEFLATE, .tile = 16},
};

TEST(TiffSource, ReadsWhatLibtiffWrites) {
  const testing::TempDir folder;
  std::mt19937 random(7);
  for (const Written& how : kWritten) {
    const std::string path = folder.path() / (std::string(how.name) + ".tif");
    const auto values = write_pages(path, how);
    const auto source = open_source(path);
    const Shape shape{kPages, kHeight, kWidth};
    ASSERT_EQ(source->info().shape, shape) << how.name;
    EXPECT_EQ(source->info().type, how.type) << how.name;
    EXPECT_EQ(source->info().kind, Kind::stack) << how.name;
    EXPECT_EQ(read(*source, Box::of(shape)), values) << how.name;
    for (int i = 0; i != 20; ++i) {
      Box box = Box::of(shape);
      for (std::size_t axis = 0; axis != 3; ++axis) {
        box.begin[axis] = random() % shape[axis];
        box.end[axis] = box.begin[axis] + 1 + random() % (shape[axis] - box.begin[axis]);
      }
      EXPECT_EQ(read(*source, box), expected(values, shape, box, size_of(how.type))) << how.name;
    }
  }
}

TEST(TiffSource, GivesTheSameToManyThreads) {
  const testing::TempDir folder;
  const std::string path = folder.path() / "a.tif";
  const auto values = write_pages(path, {.compression = COMPRESSION_LZW});
  const auto source = open_source(path);
  std::vector<std::vector<std::byte>> read_back(4);
  {
    std::vector<std::jthread> threads;
    for (auto& into : read_back) {
      threads.emplace_back([&] { into = read(*source, Box::of(source->info().shape)); });
    }
  }
  for (const auto& got : read_back) EXPECT_EQ(got, values);
}

TEST(TiffSource, PassesOverReducedPages) {
  const testing::TempDir folder;
  const std::string path = folder.path() / "a.tif";
  write_pages(path, {});
  {
    const TiffHandle tiff(TIFFOpen(path.c_str(), "a"), &TIFFClose);
    set_layout(tiff.get(), {}, 10, 10);
    TIFFSetField(tiff.get(), TIFFTAG_SUBFILETYPE, FILETYPE_REDUCEDIMAGE);
    std::array<std::uint16_t, 100> pixels{};
    TIFFWriteEncodedStrip(tiff.get(), 0, pixels.data(), sizeof(pixels));
  }
  EXPECT_EQ(open_source(path)->info().shape[0], kPages);
}

Error error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return {Errc::internal, "expect", "an error", "none came"};
}

TEST(TiffSource, RefusesWhatItCannotTell) {
  const testing::TempDir folder;
  const std::string path = folder.path() / "a.tif";
  const auto opened = [&] { static_cast<void>(open_source(path)); };

  write_pages(path, {});
  {
    const TiffHandle tiff(TIFFOpen(path.c_str(), "a"), &TIFFClose);
    set_layout(tiff.get(), {}, 10, 10);
    std::array<std::uint16_t, 100> pixels{};
    TIFFWriteEncodedStrip(tiff.get(), 0, pixels.data(), sizeof(pixels));
  }
  EXPECT_THAT(error_of(opened).what(),
              HasSubstr("page 4 is 10 x 10 uint16, those before it are 70 x 45 uint16"));

  {
    const TiffHandle tiff(TIFFOpen(path.c_str(), "w"), &TIFFClose);
    set_layout(tiff.get(), {.bits = 8}, 10, 10);
    TIFFSetField(tiff.get(), TIFFTAG_SAMPLESPERPIXEL, 3);
    TIFFSetField(tiff.get(), TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
    std::array<std::uint8_t, 300> pixels{};
    TIFFWriteEncodedStrip(tiff.get(), 0, pixels.data(), sizeof(pixels));
  }
  EXPECT_THAT(error_of(opened).what(), HasSubstr("its pixels are 3 values each"));
  EXPECT_EQ(error_of(opened).code(), Errc::unsupported);

  {
    const TiffHandle tiff(TIFFOpen(path.c_str(), "w"), &TIFFClose);
    set_layout(tiff.get(), {.bits = 4}, 10, 10);
    std::array<std::uint8_t, 50> pixels{};
    TIFFWriteEncodedStrip(tiff.get(), 0, pixels.data(), sizeof(pixels));
  }
  EXPECT_THAT(error_of(opened).what(), HasSubstr("its values have 4 bits"));
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::unique_ptr<Source> open_bytes(std::string_view bytes) {
  return open_tiff(InputFile(Buffer::copy_of(as_bytes(bytes)), "a.tif"), {});
}

TEST(TiffSource, SaysInOneLineThatAFileIsCut) {
  const testing::TempDir folder;
  const std::string path = folder.path() / "a.tif";
  ::testing::internal::CaptureStderr();
  for (const std::uint16_t compression :
       {std::uint16_t{COMPRESSION_NONE}, std::uint16_t{COMPRESSION_LZW}}) {
    write_pages(path, {.compression = compression});
    const std::string whole = bytes_of(path);
    for (std::size_t size = 0; size < whole.size(); size += 97) {
      const Error error = error_of([&] {
        const auto source = open_bytes(std::string_view(whole).substr(0, size));
        static_cast<void>(read(*source, Box::of(source->info().shape)));
      });
      EXPECT_EQ(error.code(), Errc::corrupt_data) << size << ": " << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    }
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "") << "libtiff has spoken";
}

TEST(TiffSource, BelievesResolutionsOfMicroscopes) {
  const testing::TempDir folder;
  const std::string path = folder.path() / "a.tif";
  const auto voxel = [&](double resolution, int unit, const char* description) {
    write_pages(path, {}, [&](TIFF* tiff) {
      TIFFSetField(tiff, TIFFTAG_XRESOLUTION, resolution);
      TIFFSetField(tiff, TIFFTAG_YRESOLUTION, resolution);
      TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, unit);
      if (description != nullptr) TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, description);
    });
    return open_source(path)->info().voxel;
  };
  EXPECT_THAT(voxel(1e8 / 1.0635, RESUNIT_CENTIMETER, nullptr),
              ElementsAre(0, DoubleEq(1.0635), DoubleEq(1.0635)));
  EXPECT_THAT(voxel(72, RESUNIT_INCH, nullptr), ElementsAre(0, 0, 0));
  EXPECT_THAT(
      voxel(1 / 0.784, RESUNIT_NONE, "ImageJ=1.53t\nimages=3\nslices=3\nunit=nm\nspacing=1.5\n"),
      ElementsAre(DoubleEq(15), DoubleEq(7.84), DoubleEq(7.84)));
  EXPECT_EQ(open_source(path)->info().kind, Kind::volume);
  EXPECT_THAT(voxel(1, RESUNIT_NONE,
                    "<OME><Image><Pixels SizeT='3' PhysicalSizeX='0.5' PhysicalSizeXUnit='nm' "
                    "PhysicalSizeY='0.00025'/></Image></OME>"),
              ElementsAre(0, DoubleEq(2.5), DoubleEq(5)));
  EXPECT_EQ(open_source(path)->info().kind, Kind::movie);
}

TEST(TiffSource, FindsTheImagesBehindImageJsOneDirectory) {
  const testing::TempDir folder;
  const std::string path = folder.path() / "a.tif";
  const auto values = some_values(std::size_t{kPages} * 20 * 10 * 2, 1);
  {
    const TiffHandle tiff(TIFFOpen(path.c_str(), "wb"), &TIFFClose);
    set_layout(tiff.get(), {}, 20, 10);
    TIFFSetField(tiff.get(), TIFFTAG_ROWSPERSTRIP, 10);
    TIFFSetField(tiff.get(), TIFFTAG_IMAGEDESCRIPTION, "ImageJ=1.53t\nimages=3\n");
    // libtiff turns the bytes around in place, and writes the directory before the data: one strip
    // that is longer than the image, as the others follow it.
    auto first = std::vector<std::byte>(values.begin(), values.begin() + 400);
    TIFFWriteRawStrip(tiff.get(), 0, first.data(), 400);
  }
  std::string bytes = bytes_of(path);
  EXPECT_THROW(open_bytes(bytes), Error);  // the data of two images are missing
  // The strip lies behind the header; the directory behind it. Move the data to the end.
  const std::string data(reinterpret_cast<const char*>(values.data()), values.size());
  const std::size_t strip = bytes.find(data.substr(0, 400));
  ASSERT_NE(strip, std::string::npos);
  const std::string pointer = {0, 0, static_cast<char>(strip >> 8U), static_cast<char>(strip)};
  const std::size_t field =
      bytes.find(std::string("\x01\x11\x00\x04\x00\x00\x00\x01", 8) + pointer);
  ASSERT_NE(field, std::string::npos);
  const std::size_t end = bytes.size();
  bytes[field + 10] = static_cast<char>(end >> 8U);
  bytes[field + 11] = static_cast<char>(end);
  bytes += data;
  const auto source = open_bytes(bytes);
  EXPECT_EQ(source->info().shape, (Shape{3, 10, 20}));
  auto turned = values;
  for (std::size_t i = 0; i != turned.size(); i += 2) std::swap(turned[i], turned[i + 1]);
  EXPECT_EQ(read(*source, Box::of(source->info().shape)), turned);
}

TEST(TiffWriter, WritesWhatLibtiffReads) {
  std::mt19937 random(11);
  for (const DataType type : {DataType::uint8, DataType::int16, DataType::uint32, DataType::float16,
                              DataType::float32, DataType::float64}) {
    for (const auto packing : {TiffOptions::Packing::none, TiffOptions::Packing::deflate}) {
      const Shape shape{3, 700, 701};  // two strips a page and more
      const auto values = some_values(shape.elements() * size_of(type), 5);
      std::string bytes;
      TiffWriter writer([&](ByteSpan piece) { bytes += as_text(piece); }, type, shape,
                        {.packing = packing, .voxel = {15, 1.35, 1.35}, .volume = true});
      for (std::size_t at = 0; at != values.size();) {
        const std::size_t size = std::min<std::size_t>(values.size() - at, random() % 100000);
        writer.write(ByteSpan(values).subspan(at, size));
        at += size;
      }
      writer.finish();
      EXPECT_THROW(writer.write(ByteSpan(values).first(1)), Error);
      const auto source = open_bytes(bytes);
      EXPECT_EQ(source->info().type, type);
      EXPECT_EQ(source->info().kind, Kind::volume);
      EXPECT_THAT(source->info().voxel, ElementsAre(DoubleEq(15), DoubleEq(1.35), DoubleEq(1.35)));
      EXPECT_EQ(read(*source, Box::of(shape)), values) << to_string(type);
      const bool smaller = bytes.size() < values.size();
      EXPECT_EQ(smaller, packing == TiffOptions::Packing::deflate);
    }
  }
}

TEST(TiffWriter, IsBigWhereTheFileCouldPassFourGibibytes) {
  std::string begin;
  const auto open = [&](const Shape& shape) {
    begin.clear();
    const TiffWriter writer([&](ByteSpan piece) { begin += as_text(piece); }, DataType::float32,
                            shape, {});
    return begin;
  };
  EXPECT_EQ(open({1, 30000, 30000}).substr(0, 3), "II*");
  EXPECT_EQ(open({2, 30000, 30000}).substr(0, 3), "II+");
  EXPECT_THROW(open({0, 3, 3}), Error);
}

TEST(TiffWriter, WritesBigFilesToo) {
  // Big by what its directories could take. Its front is enough.
  const Shape shape{2000000, 1, 3};
  std::string bytes;
  const auto values = some_values(300, 3);
  TiffWriter writer([&](ByteSpan piece) { bytes += as_text(piece); }, DataType::uint8, shape, {});
  ASSERT_EQ(bytes.substr(0, 3), "II+");
  writer.write(values);
  EXPECT_THROW(writer.finish(), Error);
  TiffFile file(as_bytes(bytes), "a.tif");
  for (std::size_t page = 0; page != 99; ++page) {
    std::array<std::byte, 3> row{};
    ASSERT_EQ(TIFFReadEncodedStrip(file.get(), 0, row.data(), 3), 3);
    EXPECT_TRUE(
        std::equal(row.begin(), row.end(), values.begin() + static_cast<std::ptrdiff_t>(3 * page)));
    ASSERT_TRUE(file.advance());
  }
}

}  // namespace
}  // namespace cnf::em
