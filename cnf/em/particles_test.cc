// SPDX-License-Identifier: Apache-2.0
#include "cnf/em/particles.h"

#include <array>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::em {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Particles parse(std::string_view text, const Geometry& geometry = {}) {
  return parse_particles(as_bytes(text), geometry, "p.star");
}

Error error_of(std::string_view text, const Geometry& geometry = {}) {
  try {
    static_cast<void>(parse(text, geometry));
  } catch (const Error& error) {
    return error;
  }
  return {Errc::internal, "expect", "an error", "none was thrown"};
}

// As RELION 4 writes it: blanks behind names, columns aligned, an empty line at the end.
constexpr std::string_view kRelion4 = R"(
# version 30001

data_optics

loop_ 
_rlnOpticsGroup #1 
_rlnOpticsGroupName #2 
_rlnTomoTiltSeriesPixelSize #3 
           1 opticsGroup1     1.350000 
 

# version 30001

data_particles

loop_ 
_rlnTomoName #1 
_rlnCoordinateX #2 
_rlnCoordinateY #3 
_rlnCoordinateZ #4 
_rlnOriginXAngst #5 
_rlnOriginYAngst #6 
_rlnOriginZAngst #7 
       TS_01   100.500000   200.250000    50.000000     2.700000    -1.350000     0.000000 
       TS_02     4.000000     8.000000    12.000000     0.000000     0.000000    13.500000 
 
)";

TEST(Particles, OfRelion4) {
  const Particles particles = parse(kRelion4, {.voxel = 1.35, .dims = {960, 928, 500}});
  EXPECT_EQ(particles.format, Particles::Format::star);
  EXPECT_EQ(particles.block, "particles");
  ASSERT_EQ(particles.columns.size(), 7U);
  EXPECT_EQ(particles.columns.front(), "rlnTomoName");
  EXPECT_EQ(particles.columns.back(), "rlnOriginZAngst");
  ASSERT_EQ(particles.rows.size(), 2U);
  EXPECT_THAT(particles.rows[0].at,
              ElementsAre(DoubleNear(98.5, 1e-9), DoubleNear(201.25, 1e-9), 50));
  EXPECT_THAT(particles.rows[1].at, ElementsAre(4, 8, DoubleNear(2, 1e-9)));
  EXPECT_EQ(particles.rows[1].tomogram, "TS_02");
  EXPECT_EQ(particles.rows[1].line,
            "       TS_02     4.000000     8.000000    12.000000     0.000000     0.000000    "
            "13.500000 ");
  EXPECT_EQ(to_text(particles), kRelion4);
}

TEST(Particles, OfRelion5CountFromTheCentre) {
  constexpr std::string_view kText =
      "data_particles\n\nloop_\n_rlnTomoName\n_rlnCenteredCoordinateXAngst\n"
      "_rlnCenteredCoordinateYAngst\n_rlnCenteredCoordinateZAngst\n_rlnOriginXAngst\n"
      "TS_1 0 -100 27.5 10\n";
  const Particles particles = parse(kText, {.voxel = 10, .dims = {100, 61, 30}});
  ASSERT_EQ(particles.rows.size(), 1U);
  EXPECT_THAT(particles.rows[0].at, ElementsAre(49, 20.5, 17.75));
  EXPECT_THAT(error_of(kText, {.dims = {100, 61, 30}}).what(),
              HasSubstr("voxel size is not known"));
  EXPECT_THAT(error_of(kText, {.voxel = 10}).what(), HasSubstr("no volume is given"));
}

// RELION turns a shift into the tomogram's frame first: by 90 degrees about z, x becomes -y.
TEST(Particles, ShiftsOfATurnedSubtomogram) {
  const Particles particles = parse(
      "data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnCoordinateZ\n_rlnOriginX\n_rlnOriginY\n"
      "_rlnOriginZ\n_rlnTomoSubtomogramRot\n_rlnTomoSubtomogramTilt\n_rlnTomoSubtomogramPsi\n"
      "10 20 30 1 2 3 90 0 0\n"
      "10 20 30 1 2 3 0 90 0\n"
      "10 20 30 1 2 3 0 0 0\n");
  constexpr double kNear = 1e-12;
  ASSERT_EQ(particles.rows.size(), 3U);
  EXPECT_THAT(particles.rows[0].at,
              ElementsAre(DoubleNear(8, kNear), DoubleNear(21, kNear), DoubleNear(27, kNear)));
  EXPECT_THAT(particles.rows[1].at,
              ElementsAre(DoubleNear(13, kNear), DoubleNear(18, kNear), DoubleNear(29, kNear)));
  EXPECT_THAT(particles.rows[2].at, ElementsAre(9, 18, 27));
}

TEST(Particles, PixelsOfAnotherSizeBecomeVoxels) {
  constexpr std::string_view kText =
      "data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnCoordinateZ\n_rlnOriginX\n400 40 4 8\n";
  const Particles particles = parse(kText, {.voxel = 10, .dims = {9, 9, 9}, .pixel = 2.5});
  EXPECT_THAT(particles.rows.at(0).at, ElementsAre(98, 10, 1));
  EXPECT_EQ(error_of(kText, {.pixel = 2.5}).code(), Errc::invalid_argument);
}

TEST(Particles, OfThePortal) {
  constexpr std::string_view kText =
      "{\"type\": \"orientedPoint\", \"location\": {\"x\": 1.5, \"y\": 2, \"z\": 3e2}, "
      "\"xyz_rotation_matrix\": [[1,0,0],[0,1,0],[0,0,1]]}\n"
      "\n"
      "{\"type\":\"point\",\"location\":{\"x\":0,\"y\":-4,\"z\":0}}";
  const Particles particles = parse(kText);
  EXPECT_EQ(particles.format, Particles::Format::ndjson);
  ASSERT_EQ(particles.rows.size(), 2U);
  EXPECT_THAT(particles.rows[0].at, ElementsAre(1.5, 2, 300));
  EXPECT_THAT(particles.rows[1].at, ElementsAre(0, -4, 0));
  EXPECT_EQ(particles.rows[1].line, "{\"type\":\"point\",\"location\":{\"x\":0,\"y\":-4,\"z\":0}}");
  EXPECT_EQ(parse(to_text(particles)).rows.size(), 2U);
}

struct CornerCase {
  std::string_view name;
  std::string_view text;
  std::vector<double> x;
};
TEST(Particles, CornersOfStar) {
  const CornerCase cases[] = {
      {"all_names_on_one_line", "data_p\nloop_ _rlnCoordinateX _rlnCoordinateY\n1 2\n", {1}},
      {"no_end_of_line", "data_p\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n1 2", {1}},
      {"windows_lines", "data_p\r\nloop_\r\n_rlnCoordinateX\r\n_rlnCoordinateY\r\n1 2\r\n", {1}},
      {"tabs", "data_p\nloop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n\t1\t2\t\n", {1}},
      {"comments_between_rows",
       "data_p\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n# one\n1 2 # first\n\n  # two\n3 4\n",
       {1, 3}},
      {"quoted_values",
       "data_p\nloop_\n_rlnMicrographName\n_rlnCoordinateX\n_rlnCoordinateY\n"
       "'a b' 1 2\n\"it's\" 3 4\n'it's 5' 6 7\n\"\" \"8\" '9'\n",
       {1, 3, 6, 8}},
      {"a_value_like_a_block",
       "data_p\nloop_\n_rlnMicrographName\n_rlnCoordinateX\n_rlnCoordinateY\n"
       "data_1/a.mrc 1 2\nloop_ 3 4\n\"_x\" 5 6\n",
       {1, 3, 5}},
      {"an_item_ends_the_loop",
       "data_p\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n1 2\n_rlnOther 7\n",
       {1}},
      {"no_rows", "data_p\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n", {}},
      {"numbers",
       "data_p\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n+1.5 2\n-3e2 2\n.5 2\n7. 2\n",
       {1.5, -300, 0.5, 7}},
      {"the_block_of_particles_of_several",
       "data_a\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n1 1\n\ndata_particles\nloop_\n"
       "_rlnCoordinateX\n_rlnCoordinateY\n2 2\n\ndata_b\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n"
       "3 3\n",
       {2}},
  };
  for (const auto& row : cases) {
    const Particles particles = parse(row.text);
    std::vector<double> x;
    for (const Particle& particle : particles.rows) x.push_back(particle.at[0]);
    EXPECT_EQ(x, row.x) << row.name;
    const Particles again = parse(to_text(particles));
    ASSERT_EQ(again.rows.size(), particles.rows.size()) << row.name;
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_EQ(again.rows[i].line, particles.rows[i].line) << row.name;
      EXPECT_EQ(again.rows[i].at, particles.rows[i].at) << row.name;
    }
  }
}

TEST(Particles, WhatSurroundsThemIsKept) {
  constexpr std::string_view kText =
      "# made by hand\ndata_optics\n_rlnVoltage 300\n\ndata_particles\nloop_\n_rlnCoordinateX\n"
      "_rlnCoordinateY\n1 2\n3 4\n\ndata_after\n_rlnOther 'x'\n";
  Particles particles = parse(kText);
  EXPECT_EQ(to_text(particles), kText);
  particles.rows.erase(particles.rows.begin());
  EXPECT_THAT(to_text(particles), HasSubstr("_rlnCoordinateY\n3 4\n\ndata_after"));
}

struct WrongCase {
  std::string_view name;
  std::string_view text;
  Errc code;
  std::string_view message;
};
TEST(Particles, WhatIsWrongIsSaid) {
  const WrongCase cases[] = {
      {"nothing", "", Errc::invalid_argument, "it has no loop"},
      {"not_a_star_file", "hello\n", Errc::invalid_argument, "it has no loop"},
      {"no_coordinates", "data_optics\nloop_\n_rlnVoltage\n300\n", Errc::invalid_argument,
       "no loop has coordinates (data_optics)"},
      {"no_y", "data_\nloop_\n_rlnCoordinateX #1\n", Errc::invalid_argument,
       "no column rlnCoordinateY"},
      {"no_z_of_the_centre",
       "data_\nloop_\n_rlnCenteredCoordinateXAngst\n_rlnCenteredCoordinateYAngst\n",
       Errc::invalid_argument, "no column rlnCenteredCoordinateZAngst"},
      {"too_few_values", "data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n1 2\n3\n",
       Errc::corrupt_data, "p.star, line 6: 1 values, where the loop has 2 columns"},
      {"too_many_values", "data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n1 2 3\n",
       Errc::corrupt_data, "line 5: 3 values"},
      {"no_number", "data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n1 two\n", Errc::corrupt_data,
       "line 5: rlnCoordinateY is 'two', no number"},
      {"nan", "data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\nnan 2\n", Errc::corrupt_data,
       "rlnCoordinateX is 'nan'"},
      {"half_a_number", "data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n1 2px\n",
       Errc::corrupt_data, "'2px'"},
      {"not_json", "{\"location\": {\"x\":1,\"y\":2,\"z\":3}}\n{oops\n", Errc::corrupt_data,
       "line 2: it is no JSON object"},
      {"no_location", "{\"type\":\"point\"}\n", Errc::corrupt_data, "line 1: it has no location"},
      {"no_z_json", "{\"location\":{\"x\":1,\"y\":2}}\n", Errc::corrupt_data, "no number z"},
      {"text_for_x", "{\"location\":{\"x\":\"1\",\"y\":2,\"z\":1}}\n", Errc::corrupt_data,
       "no number x"},
  };
  for (const auto& row : cases) {
    const Error error = error_of(row.text);
    EXPECT_EQ(error.code(), row.code) << row.name;
    EXPECT_THAT(error.what(), HasSubstr(std::string(row.message))) << row.name;
  }
  EXPECT_THAT(
      error_of("data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n1 2\n", {.dims = {9, 9, 9}}).what(),
      HasSubstr("no column rlnCoordinateZ"));
}

// Whatever is done to a file's bytes, reading it ends in particles or in an Error.
TEST(Particles, DamagedFilesDoNoHarm) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 3'000; ++round) {
    std::string text(kRelion4);
    for (std::uint64_t edits = 1 + random() % 5; edits > 0; --edits) {
      constexpr std::string_view kBytes = "\n _#'\"10.e{}";
      text[random() % text.size()] = kBytes[random() % kBytes.size()];
    }
    if (random() % 3 == 0) text.resize(random() % text.size());
    try {
      const Particles particles = parse(text, {.voxel = 2, .dims = {9, 9, 9}});
      EXPECT_EQ(parse(to_text(particles), {.voxel = 2, .dims = {9, 9, 9}}).rows.size(),
                particles.rows.size())
          << text;
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == Errc::corrupt_data || error.code() == Errc::invalid_argument)
          << error.what();
    }
  }
}

}  // namespace
}  // namespace cnf::em
