// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cnf/em/input_file.h"
#include "cnf/em/mrc.h"
#include "cnf/em/mrc_testing_internal.h"
#include "cnf/em/source.h"

namespace cnf::em {
namespace {

std::unique_ptr<Source> open_bytes(const MrcBytes& file, const std::string& name = "x.mrc") {
  return open_mrc(InputFile(file.copy(), name));
}

// Images of one byte, ISPG 0, with an extended header of zeros.
MrcBytes stack(std::int32_t images, std::int32_t extended, std::string_view exttyp,
               MrcBytes::Order order = MrcBytes::Order::little) {
  MrcBytes file(1, 1, images, 0, order);
  file.set(88, std::int32_t{0}).set(36, std::int32_t{1}).set(92, extended).text(104, exttyp);
  file.append(std::string(static_cast<std::size_t>(extended + images), '\0'));
  return file;
}

// EPU's files have room for 1024 images, of which few are there; a block is 768 or 888 bytes.
TEST(MrcExtended, StepsByTheBlocksOwnSize) {
  for (const std::int32_t block : {768, 888}) {
    auto file = stack(3, 1024 * block, block == 768 ? "FEI1" : "FEI2");
    for (int image = 0; image < 3; ++image) {
      const std::size_t at = 1024 + static_cast<std::size_t>(image * block);
      file.set(at, block).set(at + 100, -3.0 + 3 * image);
    }
    file.text(1024 + 20, "TITAN52336320").set(1024 + 84, 300000.0).set(1024 + 156, 8.5e-11);
    file.set(40, 1.0F).set(44, 1.0F);
    const auto source = open_bytes(file);
    EXPECT_EQ(source->info().kind, Kind::tilt_series);
    EXPECT_EQ(source->info().tilts, (std::vector<double>{-3, 0, 3}));
    EXPECT_NEAR(source->info().voxel[2], 0.85, 1e-9) << "the cell says 1, which many write";
    const auto& fields = source->info().fields.at("extended");
    EXPECT_EQ(fields.at("microscope"), "TITAN52336320");
    EXPECT_EQ(fields.at("high_tension_v"), 300000.0);
    EXPECT_FALSE(fields.contains("dose_e_per_m2")) << "it is zero";
  }
}

TEST(MrcExtended, TakesThePixelOfTheMicroscopeWhereTheCellSaysNothing) {
  auto file = stack(1, 768, "FEI1");
  file.set(1024, std::int32_t{768}).set(1024 + 156, 8.5e-11);
  EXPECT_NEAR(open_bytes(file)->info().voxel[1], 0.85, 1e-9);
  EXPECT_EQ(open_bytes(file)->info().voxel[0], 0) << "images have no depth";
  file.set(40, 0.7F).set(44, 0.7F);
  EXPECT_NEAR(open_bytes(file)->info().voxel[1], 0.7, 1e-6);
}

TEST(MrcExtended, ReadsSerialEmsItems) {
  for (const auto order : {MrcBytes::Order::little, MrcBytes::Order::big}) {
    // tilt, piece, stage, magnification, intensity, dose: 2 + 6 + 4 + 2 + 2 + 4 bytes
    auto file = stack(2, 40, "SERI", order);
    file.set(128, std::int16_t{20}).set(130, std::int16_t{63});
    const std::vector<std::int16_t> words{-6000, 1, 2, 3, 50, -75, 420, 12500, 3, 258,
                                          6000,  0, 0, 0, 0,  0,   0,   0,     0, 0};
    for (std::size_t i = 0; i < words.size(); ++i) file.set(1024 + 2 * i, words[i]);
    const auto source = open_bytes(file, "ts.mrc");
    EXPECT_EQ(source->info().kind, Kind::tilt_series);
    EXPECT_EQ(source->info().tilts, (std::vector<double>{-60, 60}));
    const auto& fields = source->info().fields.at("extended");
    EXPECT_EQ(fields.at("piece"), (nlohmann::json{1, 2, 3}));
    EXPECT_EQ(fields.at("stage_um"), (nlohmann::json{2.0, -3.0}));
    EXPECT_EQ(fields.at("magnification"), 42000);
    EXPECT_EQ(fields.at("intensity"), 0.5);
    EXPECT_EQ(fields.at("dose_e_per_A2"), (3 * 256 + 2) * 2.0) << "258 is exponent 1, rest 2";
  }
}

TEST(MrcExtended, KnowsSerialEmBeforeExttyp) {
  auto file = stack(2, 4, "");
  file.set(128, std::int16_t{2}).set(130, std::int16_t{1});
  file.set(1024, std::int16_t{-300}).set(1026, std::int16_t{300});
  EXPECT_EQ(open_bytes(file)->info().tilts, (std::vector<double>{-3, 3}));
}

TEST(MrcExtended, ReadsAgardsReals) {
  auto file = stack(2, 1024 * 128, "AGAR");
  file.set(128, std::int16_t{0}).set(130, std::int16_t{32});
  file.set(1024, -1.5F).set(1024 + 128, 1.5F).set(1024 + 44, 5e-10F).set(1024 + 28, -4e-6F);
  const auto source = open_bytes(file);
  EXPECT_EQ(source->info().tilts, (std::vector<double>{-1.5, 1.5}));
  EXPECT_NEAR(source->info().voxel[2], 5, 1e-5);
  EXPECT_FLOAT_EQ(source->info().fields.at("extended").at("defocus_m").get<float>(), -4e-6F);
}

TEST(MrcExtended, ReadsSymmetry) {
  MrcBytes file(1, 1, 1, 0);
  std::string records(160, ' ');
  records.replace(0, 9, "X,  Y,  Z").replace(80, 17, "-X,  Y+1/2,  -Z  ");
  file.set(92, std::int32_t{160}).set(88, std::int32_t{4}).append(records).append("v");
  EXPECT_EQ(open_bytes(file)->info().fields.at("extended").at("symmetry"),
            (nlohmann::json{"X,  Y,  Z", "-X,  Y+1/2,  -Z"}));
}

TEST(MrcExtended, WhatIsTooShortOrSenselessSaysNothing) {
  const auto short_fei = stack(3, 888 * 2, "FEI2").set(1024, std::int32_t{888});
  EXPECT_TRUE(open_bytes(short_fei)->info().tilts.empty());
  const auto huge_step = stack(1, 888, "FEI2").set(1024, std::int32_t{-1});
  EXPECT_FALSE(open_bytes(huge_step)->info().fields.contains("extended"));
  const auto short_seri = stack(9, 4, "SERI").set(128, std::int16_t{2}).set(130, std::int16_t{1});
  EXPECT_TRUE(open_bytes(short_seri)->info().tilts.empty());
  const auto negative = stack(1, 4, "AGAR").set(128, std::int16_t{-8}).set(130, std::int16_t{9});
  EXPECT_TRUE(open_bytes(negative)->info().tilts.empty());
}

}  // namespace
}  // namespace cnf::em
