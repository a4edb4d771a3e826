// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string_view>

namespace cnf::em {

using Vector = std::array<double, 3>;
using Matrix = std::array<Vector, 3>;

inline constexpr std::array<std::string_view, 3> kSubtomogramAngles{
    "rlnTomoSubtomogramRot", "rlnTomoSubtomogramTilt", "rlnTomoSubtomogramPsi"};

/// From a subtomogram's frame, in which RELION tells shifts, to its tomogram's: Euler angles Z, Y,
/// Z in degrees (J.B. Heymann et al., J Struct Biol 151 (2005) 196; RELION's
/// ParticleSet::getSubtomogramMatrix).
[[nodiscard]] inline Matrix subtomogram_matrix(const Vector& angles) {
  Vector sine{};
  Vector cosine{};
  for (std::size_t i = 0; i < 3; ++i) {
    sine[i] = std::sin(angles[i] * std::numbers::pi / 180);
    cosine[i] = std::cos(angles[i] * std::numbers::pi / 180);
  }
  const auto [s_rot, s_tilt, s_psi] = sine;
  const auto [c_rot, c_tilt, c_psi] = cosine;
  return {{{c_psi * c_tilt * c_rot - s_psi * s_rot, c_psi * c_tilt * s_rot + s_psi * c_rot,
            -c_psi * s_tilt},
           {-s_psi * c_tilt * c_rot - c_psi * s_rot, -s_psi * c_tilt * s_rot + c_psi * c_rot,
            s_psi * s_tilt},
           {s_tilt * c_rot, s_tilt * s_rot, c_tilt}}};
}

/// The way back: what turns is undone by its transpose.
[[nodiscard]] inline Matrix transposed(const Matrix& matrix) {
  Matrix result{};
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t i = 0; i < 3; ++i) result[i][row] = matrix[row][i];
  }
  return result;
}

[[nodiscard]] inline Vector turn(const Matrix& matrix, const Vector& vector) {
  Vector turned{};
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t i = 0; i < 3; ++i) turned[row] += matrix[row][i] * vector[i];
  }
  return turned;
}

}  // namespace cnf::em
