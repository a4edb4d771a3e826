// SPDX-License-Identifier: Apache-2.0
#include <complex>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/input_file.h"
#include "cnf/em/mrc.h"
#include "cnf/em/mrc_testing_internal.h"
#include "cnf/em/source.h"

namespace cnf::em {
namespace {

std::unique_ptr<Source> open_bytes(const MrcBytes& file, const std::string& name = "x.mrc",
                                   const SourceOptions& options = {}) {
  return open_mrc(InputFile(file.copy(), name), options);
}

template <typename T>
std::vector<T> read(const Source& source, const Box& box) {
  std::vector<T> values(box.shape().elements());
  source.read(box, std::as_writable_bytes(std::span(values)), {});
  return values;
}
template <typename T>
std::vector<T> read_all(const Source& source) {
  return read<T>(source, Box::of(source.info().shape));
}

// Values 0, 1, 2, … in the file's order.
template <typename T>
MrcBytes counting(std::int32_t nx, std::int32_t ny, std::int32_t nz, std::int32_t mode,
                  MrcBytes::Order order) {
  MrcBytes file(nx, ny, nz, mode, order);
  for (int i = 0; i < nx * ny * nz; ++i) file.append(static_cast<T>(i));
  return file;
}

TEST(MrcSource, ReadsBothByteOrdersAnywhere) {
  for (const auto order : {MrcBytes::Order::little, MrcBytes::Order::big}) {
    const auto source = open_bytes(counting<std::int16_t>(5, 4, 3, 1, order));
    EXPECT_EQ(source->info().shape, (Shape{3, 4, 5}));
    EXPECT_EQ(source->info().type, DataType::int16);
    EXPECT_EQ(source->info().axes, (std::vector<std::string>{"z", "y", "x"}));
    EXPECT_EQ(read<std::int16_t>(*source, {{1, 1, 2}, {3, 3, 4}}),
              (std::vector<std::int16_t>{27, 28, 32, 33, 47, 48, 52, 53}));
  }
}

TEST(MrcSource, UndoesTheOrderOfAxes) {
  auto file = counting<float>(2, 3, 4, 2, MrcBytes::Order::big);
  // Columns are z, rows x, sections y, as in EMD-3001.
  file.set(64, std::int32_t{3}).set(68, std::int32_t{1}).set(72, std::int32_t{2});
  const auto source = open_bytes(file);
  ASSERT_EQ(source->info().shape, (Shape{2, 4, 3}));
  const auto values = read_all<float>(*source);
  for (std::size_t z = 0; z < 2; ++z) {
    for (std::size_t y = 0; y < 4; ++y) {
      for (std::size_t x = 0; x < 3; ++x) {
        EXPECT_EQ(values[(z * 4 + y) * 3 + x], static_cast<float>(y * 6 + x * 2 + z));
      }
    }
  }
  EXPECT_EQ(read<float>(*source, {{1, 2, 1}, {2, 4, 3}}), (std::vector<float>{15, 17, 21, 23}));
}

// Axes longer than the tiles in which they are turned, and no multiple of them.
TEST(MrcSource, TurnsLongAxes) {
  for (const bool rows_are_x : {true, false}) {
    auto file = counting<std::int16_t>(70, 35, 33, 1, MrcBytes::Order::big);
    file.set(64, 3).set(68, rows_are_x ? 1 : 2).set(72, rows_are_x ? 2 : 1);
    const auto source = open_bytes(file);
    const Shape want = rows_are_x ? Shape{70, 33, 35} : Shape{70, 35, 33};
    ASSERT_EQ(source->info().shape, want);
    const Box box{{1, 2, 0}, {68, 33, 33}};
    const auto values = read<std::int16_t>(*source, box);
    std::size_t i = 0;
    std::size_t wrong = 0;
    for (std::uint64_t z = 1; z < 68; ++z) {
      for (std::uint64_t y = 2; y < 33; ++y) {
        for (std::uint64_t x = 0; x < 33; ++x, ++i) {
          const std::uint64_t place = rows_are_x ? (y * 35 + x) * 70 + z : (x * 35 + y) * 70 + z;
          wrong += values[i] == static_cast<std::int16_t>(place) ? 0U : 1U;
        }
      }
    }
    EXPECT_EQ(wrong, 0U);
  }
}

TEST(MrcSource, ReadsFourBitValuesLowHalfFirst) {
  MrcBytes file(3, 2, 1, 101);
  file.append("\x21\xf3\x65\x07");
  const auto source = open_bytes(file);
  EXPECT_EQ(source->info().type, DataType::uint8);
  EXPECT_EQ(read_all<std::uint8_t>(*source), (std::vector<std::uint8_t>{1, 2, 3, 5, 6, 7}));
  const auto attachments = source->attachments();
  ASSERT_EQ(attachments.size(), 2U);
  EXPECT_EQ(attachments[1].name, "mrc-pad");
  EXPECT_EQ(as_text(attachments[1].bytes), std::string_view("\x0f\x00", 2));
}

TEST(MrcSource, MakesPlanesOfValuesThatAreSeveralNumbers) {
  MrcBytes complex_file(2, 1, 1, 3, MrcBytes::Order::big);
  for (const auto word : std::vector<std::int16_t>{1, -2, 3, -4}) complex_file.append(word);
  const auto pairs = open_bytes(complex_file);
  EXPECT_EQ(pairs->info().shape, (Shape{2, 1, 1, 2}));
  EXPECT_EQ(pairs->info().axes.front(), "c");
  EXPECT_EQ(read_all<std::int16_t>(*pairs), (std::vector<std::int16_t>{1, 3, -2, -4}));

  MrcBytes rgb_file(2, 1, 1, 16);
  rgb_file.append("rgbRGB");
  const auto rgb = open_bytes(rgb_file);
  EXPECT_EQ(read_all<char>(*rgb), (std::vector<char>{'r', 'R', 'g', 'G', 'b', 'B'}));
  EXPECT_EQ(read<char>(*rgb, {{1, 0, 0, 1}, {3, 1, 1, 2}}), (std::vector<char>{'G', 'B'}));
}

TEST(MrcSource, ReadsComplexNumbersOfBothOrders) {
  for (const auto order : {MrcBytes::Order::little, MrcBytes::Order::big}) {
    MrcBytes file(1, 2, 1, 4, order);
    for (const float word : {1.5F, -2.0F, 3.0F, 0.25F}) file.append(word);
    const auto source = open_bytes(file);
    EXPECT_EQ(source->info().type, DataType::complex64);
    EXPECT_EQ(read_all<std::complex<float>>(*source),
              (std::vector<std::complex<float>>{{1.5F, -2.0F}, {3.0F, 0.25F}}));
  }
}

TEST(MrcSource, TellsSignedFromUnsignedBytes) {
  const std::int32_t imod = 1146047817;
  MrcBytes file(1, 1, 1, 0);
  file.append(std::uint8_t{200});
  EXPECT_EQ(open_bytes(file)->info().type, DataType::int8);
  EXPECT_EQ(open_bytes(MrcBytes(file).set(80, 255.0F))->info().type, DataType::uint8);
  EXPECT_EQ(open_bytes(MrcBytes(file).set(152, imod))->info().type, DataType::uint8);
  file.set(152, imod).set(156, std::int32_t{1}).set(80, 255.0F);
  EXPECT_EQ(open_bytes(file)->info().type, DataType::int8);
}

struct KindCase {
  const char* name;
  std::string file;
  std::int32_t ispg;
  std::int32_t mz;
  Kind want;
};

TEST(MrcSource, TellsKinds) {
  const std::vector<KindCase> cases{
      {"volume", "x.mrc", 1, 4, Kind::volume},
      {"crystal", "x.ccp4", 4, 4, Kind::volume},
      {"images", "x.mrc", 0, 1, Kind::stack},
      {"tomogram of IMOD", "x.rec", 0, 1, Kind::volume},
      {"particles that say they are a volume", "x.mrcs", 1, 4, Kind::stack},
      {"tilts", "X.ST.gz", 1, 4, Kind::tilt_series},
      {"subtomograms", "x.mrc", 401, 2, Kind::volume_stack},
      {"no whole volumes", "x.mrc", 401, 3, Kind::volume},
  };
  for (const KindCase& row : cases) {
    MrcBytes file(1, 1, 4, 0);
    file.append("abcd").set(88, row.ispg).set(36, row.mz);
    EXPECT_EQ(open_bytes(file, row.file)->info().kind, row.want) << row.name;
  }
}

TEST(MrcSource, GivesVolumesOfAStack) {
  MrcBytes file(1, 1, 6, 0);
  file.append("abcdef").set(88, std::int32_t{401}).set(36, std::int32_t{2});
  const auto source = open_bytes(file);
  EXPECT_EQ(source->info().shape, (Shape{3, 2, 1, 1}));
  EXPECT_EQ(read<char>(*source, {{1, 1, 0, 0}, {3, 2, 1, 1}}), (std::vector<char>{'d', 'f'}));
  const auto as_images = open_bytes(file, "x.mrc", {.kind = Kind::stack});
  EXPECT_EQ(as_images->info().shape, (Shape{6, 1, 1}));
}

TEST(MrcSource, KnowsVoxelAndOrigin) {
  MrcBytes file(2, 2, 2, 0);
  file.append("abcdefgh");
  // Axes 3, 1, 2: NXSTART belongs to z.
  file.set(64, std::int32_t{3}).set(68, std::int32_t{1}).set(72, std::int32_t{2});
  file.set(40, 5.0F).set(44, 7.0F).set(48, 9.0F);
  file.set(16, std::int32_t{10}).set(20, std::int32_t{20}).set(24, std::int32_t{-30});
  const auto by_start = open_bytes(file);
  EXPECT_EQ(by_start->info().voxel, (std::vector<double>{4.5, 3.5, 2.5}));
  EXPECT_EQ(by_start->info().origin, (std::vector<double>{45, -105, 50}));
  file.set(196, 1.0F).set(200, 2.0F).set(204, 3.0F);
  EXPECT_EQ(open_bytes(file)->info().origin, (std::vector<double>{3, 2, 1}));
  file.set(28, std::int32_t{0}).set(44, -1.0F);
  EXPECT_EQ(open_bytes(file)->info().voxel, (std::vector<double>{4.5, 0, 0}));
}

TEST(MrcSource, ReadsWhatHasABrokenStamp) {
  for (const auto order : {MrcBytes::Order::little, MrcBytes::Order::big}) {
    auto file = counting<std::int16_t>(3, 2, 2, 1, order);
    for (const std::string_view stamp :
         {std::string_view("\0\0\0\0", 4), std::string_view("\x44\0\0\0", 4),
          std::string_view("\x11\x11\0\0", 4)}) {
      const auto source = open_bytes(file.text(212, stamp));
      EXPECT_EQ(read_all<std::int16_t>(*source)[11], 11);
    }
  }
}

TEST(MrcSource, KeepsWhatLiesAroundTheData) {
  MrcBytes file(1, 1, 2, 0);
  file.set(92, std::int32_t{5}).append("extrdab").append("behind");
  const auto source = open_bytes(file);
  EXPECT_EQ(read_all<char>(*source), (std::vector<char>{'a', 'b'}));
  EXPECT_EQ(source->info().fields.at("bytes_behind_data"), 6);
  const auto attachments = source->attachments();
  ASSERT_EQ(attachments.size(), 2U);
  EXPECT_EQ(attachments[0].name, "mrc-header");
  EXPECT_EQ(as_text(attachments[0].bytes), as_text(file.bytes().first(1029)));
  EXPECT_EQ(attachments[1].name, "mrc-tail");
  EXPECT_EQ(as_text(attachments[1].bytes), "behind");
}

struct BadCase {
  const char* name;
  MrcBytes file;
  std::string says;
};

TEST(MrcSource, SaysWhatIsWrong) {
  MrcBytes good(2, 2, 2, 1);
  good.append("0123456789abcdef");
  const std::vector<BadCase> cases{
      {"mode", MrcBytes(good).set(12, std::int32_t{5}), "MODE is 5"},
      {"none", MrcBytes(good).set(4, std::int32_t{0}), "NX, NY, NZ are 2 x 0 x 2"},
      {"negative", MrcBytes(good).set(8, std::int32_t{-1}), "2 x 2 x -1"},
      {"cut off", MrcBytes(good).set(8, std::int32_t{3}), "take 1048 bytes, but the file has 1040"},
      {"huge",
       MrcBytes(good)
           .set(0, std::int32_t{0x7fffffff})
           .set(4, std::int32_t{0x7fffffff})
           .set(8, std::int32_t{0x7fffffff}),
       "but the file has 1040"},
      {"extended", MrcBytes(good).set(92, std::int32_t{17}), "NSYMBT 17"},
      {"negative extended", MrcBytes(good).set(92, std::int32_t{-1}), "NSYMBT -1"},
  };
  for (const BadCase& row : cases) {
    try {
      (void)open_bytes(row.file);
      ADD_FAILURE() << row.name << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::corrupt_data) << row.name;
      EXPECT_NE(std::string_view(error.what()).find(row.says), std::string_view::npos)
          << error.what();
    }
  }
  EXPECT_THROW((void)open_mrc(InputFile(Buffer::copy_of(as_bytes("MAP ")), "x")), Error);
}

TEST(MrcSource, RefusesABoxBeyondTheVolume) {
  const auto source = open_bytes(counting<float>(2, 2, 2, 2, MrcBytes::Order::little));
  Buffer into(4);
  EXPECT_THROW(source->read({{0, 0, 2}, {1, 1, 3}}, into.span(), {}), Error);
  EXPECT_THROW(source->read({{0, 0, 0}, {1, 1, 2}}, into.span(), {}), Error);
}

}  // namespace
}  // namespace cnf::em
