// SPDX-License-Identifier: Apache-2.0
#include "cnf/em/mdoc.h"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/em/mrc_testing_internal.h"
#include "cnf/em/source.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::em {
namespace {

constexpr std::string_view kMdoc =
    "PixelSpacing = 5.4\r\n"
    "ImageFile = TS_01.mrc\r\n"
    "\r\n"
    "[T = SerialEM: x = 1 [a]   30-Nov-15 ]\r\n"
    "# a comment\r\n"
    "[ZValue = 1]\r\n"
    "TiltAngle = 3.00113\r\n"
    "SubFramePath = D:\\DATA\\a=b 1.mrc\r\n"
    "[ZValue = 0]\r\n"
    "TiltAngle = -0.5\r\n"
    "ExposureDose = 1.5\r\n"
    "Empty =\r\n";

TEST(Mdoc, ReadsSectionsInAnyOrder) {
  const Mdoc mdoc = parse_mdoc(as_bytes(kMdoc), "a.mdoc");
  EXPECT_EQ(mdoc.global.number("PixelSpacing"), 5.4);
  EXPECT_EQ(mdoc.global.find("ImageFile"), "TS_01.mrc");
  EXPECT_EQ(mdoc.titles, (std::vector<std::string>{"SerialEM: x = 1 [a]   30-Nov-15"}));
  const auto images = mdoc.of_images(2);
  ASSERT_EQ(images.size(), 2U);
  EXPECT_EQ(images[0]->entries.number("TiltAngle"), -0.5);
  EXPECT_EQ(images[0]->entries.find("Empty"), "");
  EXPECT_EQ(images[0]->entries.find("SubFramePath"), std::nullopt);
  EXPECT_EQ(images[1]->entries.find("SubFramePath"), "D:\\DATA\\a=b 1.mrc");
  EXPECT_TRUE(mdoc.of_images(1).empty());
  EXPECT_TRUE(mdoc.of_images(3).empty());
  EXPECT_TRUE(mdoc.of_images(UINT64_MAX).empty());
  EXPECT_TRUE(parse_mdoc(as_bytes("[ZValue = 0]\n[ZValue = 0]\n"), "a").of_images(2).empty());
}

TEST(Mdoc, NamesTheLineThatIsNone) {
  for (const std::string_view bad : {"a = 1\nwhat\n", "a = 1\n= 2\n", "a = 1\n[T]\n"}) {
    try {
      static_cast<void>(parse_mdoc(as_bytes(bad), "a.mdoc"));
      ADD_FAILURE() << bad;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("line 2"), std::string::npos) << error.what();
    }
  }
}

TEST(Mdoc, ReadsOneOfSerialEm) {
  const char* const shared = std::getenv("CNF_SHARED_DATA");
  ASSERT_NE(shared, nullptr) << "CNF_SHARED_DATA is not set; run this test by ctest";
  const auto path = std::string(shared) + "/real-em/star-mdoc/mdocfile/tilt_series.mdoc";
  if (!std::filesystem::exists(path)) {
    std::cout << "no real file " << path << " (CNF_SHARED_DATA): nothing was compared\n";
    return;
  }
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const Mdoc mdoc = parse_mdoc(as_bytes(text), path);
  const auto images = mdoc.of_images(41);
  ASSERT_EQ(images.size(), 41U);
  EXPECT_EQ(images[2]->entries.number("TiltAngle"), -2.99863);
  EXPECT_EQ(images[40]->entries.find("DateTime"), "30-Nov-15  16:06:45");
  EXPECT_EQ(mdoc.titles.size(), 2U);
}

TEST(TiltList, HasAnAngleALine) {
  EXPECT_EQ(parse_tilts(as_bytes("-60.00\n  +3.5 \r\n\n60"), "a.tlt"),
            (std::vector<double>{-60, 3.5, 60}));
  EXPECT_THROW(parse_tilts(as_bytes("1\n2 3\n"), "a.tlt"), Error);
  EXPECT_THROW(parse_tilts(as_bytes("nan\n"), "a.tlt"), Error);
}

/// A stack of two images, and a list beside it.
class TiltSeries : public ::testing::Test {
 protected:
  TiltSeries() {
    MrcBytes stack(2, 1, 2, 0);
    stack.append("abcd");
    write("TS_01.mrc", as_text(stack.bytes()));
  }
  void write(const std::string& name, std::string_view text) {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }

 private:
  cnf::testing::TempDir folder_;
};

TEST_F(TiltSeries, IsOneIfItsTiltsLieBesideIt) {
  EXPECT_EQ(open_source(path("TS_01.mrc"))->info().kind, Kind::volume);
  for (const std::string name : {"TS_01.rawtlt", "TS_01.tlt", "TS_01.mdoc", "TS_01.mrc.mdoc"}) {
    const bool is_mdoc = name.ends_with(".mdoc");
    write(name, is_mdoc ? kMdoc : std::string_view(name.ends_with(".tlt") ? "1\n2\n" : "3\n4\n"));
    const auto source = open_source(path("TS_01.mrc"));
    const SourceInfo& info = source->info();
    EXPECT_EQ(info.kind, Kind::tilt_series) << name;
    EXPECT_EQ(info.axes.front(), "t");
    EXPECT_EQ(source->attachments().back().name, is_mdoc ? "mdoc" : "tilts");
    if (is_mdoc) {
      EXPECT_EQ(info.tilts, (std::vector<double>{-0.5, 3.00113}));
      EXPECT_EQ(info.voxel, (std::vector<double>{0, 5.4, 5.4}));
      EXPECT_EQ(info.fields["mdoc"]["ImageFile"], "TS_01.mrc");
      EXPECT_EQ(as_text(source->attachments().back().bytes), kMdoc);
    } else {
      EXPECT_EQ(info.tilts.front(), name.ends_with(".tlt") ? 1 : 3);
    }
  }
}

TEST_F(TiltSeries, LeavesWhatDoesNotFit) {
  write("TS_01.mdoc", "[ZValue = 0]\nTiltAngle = 1\n");
  write("TS_01.tlt", "1\n2\n3\n");
  write("TS_01.rawtlt", "what is this\n");
  EXPECT_EQ(open_source(path("TS_01.mrc"))->info().kind, Kind::volume);
  EXPECT_THROW(static_cast<void>(open_source(path("TS_01.mrc"), {.tilts = path("TS_01.mdoc")})),
               Error);
  EXPECT_THROW(static_cast<void>(open_source(path("TS_01.mrc"), {.tilts = path("none.mdoc")})),
               Error);
  write("other.tlt", "5\n6\n");
  EXPECT_EQ(open_source(path("TS_01.mrc"), {.tilts = path("other.tlt")})->info().tilts,
            (std::vector<double>{5, 6}));
}

TEST_F(TiltSeries, IsAVolumeIfThatIsAskedFor) {
  write("TS_01.tlt", "1\n2\n");
  EXPECT_EQ(open_source(path("TS_01.mrc"), {.kind = Kind::volume})->info().kind, Kind::volume);
}

}  // namespace
}  // namespace cnf::em
