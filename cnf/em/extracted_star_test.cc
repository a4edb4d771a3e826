// SPDX-License-Identifier: Apache-2.0
#include "cnf/em/extracted_star.h"

#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/em/particles.h"

namespace cnf::em {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kList =
    "data_optics\nloop_\n_rlnOpticsGroup #1\n_rlnVoltage #2\n_rlnImagePixelSize #3\n"
    "1 300 2.5\n2 200 2.5\n\n"
    "data_particles\nloop_\n_rlnTomoName #1\n_rlnCoordinateX #2\n_rlnCoordinateY #3\n"
    "_rlnCoordinateZ #4\n_rlnOriginXAngst #5\n_rlnOpticsGroup #6\n_rlnTomoSubtomogramRot #7\n"
    "_rlnTomoSubtomogramTilt #8\n_rlnTomoSubtomogramPsi #9\n_rlnImageName #10\n"
    "'TS 1' 10.25 20.5 30.75 2.5 1 0 0 0 old.mrc\n"
    "TS_2 100 200 300 -5 2 30 40 50 old.mrc\n";

std::vector<ExtractedBox> boxes_of(const Particles& particles) {
  std::vector<ExtractedBox> boxes;
  for (std::size_t i = 0; i < particles.rows.size(); ++i) {
    ExtractedBox box{.row = i, .centre = {}};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      box.centre[axis] = std::floor(particles.rows[i].at[axis] + 0.5);
    }
    boxes.push_back(box);
  }
  return boxes;
}

// Coordinates and shifts together say the same place, in turned frames as well.
TEST(ExtractedStar, EveryParticleStaysWhereItIs) {
  const Geometry geometries[] = {{.voxel = 2.5, .dims = {500, 500, 500}},
                                 {.voxel = 10, .dims = {500, 500, 500}, .pixel = 2.5}};
  for (const Geometry& geometry : geometries) {
    const Particles particles = parse_particles(as_bytes(kList), geometry, "list");
    const std::string text = extracted_star(particles, boxes_of(particles),
                                            {.stack = "boxes.mrcs",
                                             .box_size = 64,
                                             .dimensions = 3,
                                             .voxel = geometry.voxel,
                                             .volume_voxel = geometry.voxel});
    const Particles again = parse_particles(as_bytes(text), geometry, "boxes");
    ASSERT_EQ(again.rows.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(again.rows[i].tomogram, particles.rows[i].tomogram);
      for (std::size_t axis = 0; axis < 3; ++axis) {
        EXPECT_NEAR(again.rows[i].at[axis], particles.rows[i].at[axis], 1e-5) << text;
      }
    }
  }
}

TEST(ExtractedStar, SaysWhatRelionAsks) {
  const Geometry geometry{.voxel = 2.5, .dims = {500, 500, 500}};
  const Particles particles = parse_particles(as_bytes(kList), geometry, "list");
  const std::vector<ExtractedBox> second{{.row = 1, .centre = {102, 200, 300}}};
  const std::string text = extracted_star(
      particles, second,
      {.stack = "boxes.mrcs", .box_size = 32, .dimensions = 3, .voxel = 5, .volume_voxel = 2.5});
  EXPECT_THAT(text, HasSubstr("data_optics\n\nloop_\n_rlnOpticsGroup #1\n_rlnVoltage #2\n"
                              "_rlnImagePixelSize #3\n_rlnImageSize #4\n"
                              "_rlnImageDimensionality #5\n1\t300\t5.000000\t32\t3\n"
                              "2\t200\t5.000000\t32\t3\n"));
  EXPECT_THAT(text, HasSubstr("_rlnTomoName #1\n_rlnOpticsGroup #2\n"));
  EXPECT_THAT(text, HasSubstr("\nTS_2\t2\t30\t40\t50\t102.000000\t200.000000\t300.000000\t"));
  EXPECT_THAT(text, HasSubstr("\t000001@boxes.mrcs\n"));
  EXPECT_THAT(text, Not(HasSubstr("old.mrc")));
}

TEST(ExtractedStar, OfThePortalsPoints) {
  const Particles particles =
      parse_particles(as_bytes("{\"location\":{\"x\":1.5,\"y\":2,\"z\":3}}\n"), {}, "points");
  const std::string text = extracted_star(particles, boxes_of(particles),
                                          {.stack = "a b.mrcs", .box_size = 8, .dimensions = 2});
  EXPECT_THAT(text, HasSubstr("1\topticsGroup1\t8\t2\n"));
  EXPECT_THAT(text, HasSubstr("_rlnOriginX #4\n"));
  EXPECT_THAT(text, HasSubstr("2.000000\t2.000000\t3.000000\t0.500000\t0.000000\t0.000000\t"
                              "\"000001@a b.mrcs\"\t1\n"));
  EXPECT_EQ(parse_particles(as_bytes(text), {}, "boxes").rows.at(0).at, particles.rows[0].at);
}

}  // namespace
}  // namespace cnf::em
