// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/cryoem/statistics.h"

#include <algorithm>
#include <cmath>

namespace cnf::cryoem {

double Statistics::deviation() const noexcept {
  return count == 0 ? 0 : std::sqrt(m2 / static_cast<double>(count));
}

void Statistics::merge(const Statistics& other) noexcept {
  nan += other.nan;
  if (other.count == 0) return;
  if (count == 0) {
    const auto nans = nan;
    *this = other;
    nan = nans;
    return;
  }
  // Chan, Golub, LeVeque: the means weighed, and what their distance adds to the squares.
  const auto mine = static_cast<double>(count);
  const auto theirs = static_cast<double>(other.count);
  const double distance = other.mean - mean;
  mean += distance * theirs / (mine + theirs);
  m2 += other.m2 + distance * distance * mine * theirs / (mine + theirs);
  count += other.count;
  min = std::min(min, other.min);
  max = std::max(max, other.max);
}

}  // namespace cnf::cryoem
