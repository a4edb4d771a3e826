// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_hedging_internal.h"

namespace cnf::storage {
namespace {

constexpr std::uint64_t kOneHedge = 1000;
// After a long calm, so many may go out in a row.
constexpr std::uint64_t kMostSaved = 4 * kOneHedge;

}  // namespace

HedgePolicy::HedgePolicy(const HttpHedging& options) noexcept
    : floor_(options.floor),
      delay_(options.floor),
      earns_(static_cast<std::uint64_t>(options.most_extra * kOneHedge)) {}

void HedgePolicy::sent() noexcept { earned_ = std::min(earned_ + earns_, kMostSaved); }

void HedgePolicy::first_byte_after(Duration time) noexcept {
  constexpr std::size_t kEvery = 16;  // sorting costs more than a request does
  samples_[count_++ % kSamples] = time;
  if (count_ >= kEnough && count_ % kEvery == 0) delay_ = std::max(floor_, percentile(95));
}

std::optional<HedgePolicy::Duration> HedgePolicy::median() const noexcept {
  if (count_ < kEnough) return std::nullopt;
  return percentile(50);
}

HedgePolicy::Duration HedgePolicy::percentile(std::size_t percent) const noexcept {
  auto sorted = samples_;
  const auto size = std::min(count_, kSamples);
  const auto rank = static_cast<std::ptrdiff_t>((size - 1) * percent / 100);
  std::nth_element(sorted.begin(), sorted.begin() + rank,
                   sorted.begin() + static_cast<std::ptrdiff_t>(size));
  return sorted[static_cast<std::size_t>(rank)];
}

bool HedgePolicy::take(TimePoint now, std::size_t late, std::size_t active) noexcept {
  const bool storm = now < calm_from_ || late > std::max<std::size_t>(2, active / 4);
  if (storm || earned_ < kOneHedge) return false;
  earned_ -= kOneHedge;
  return true;
}

}  // namespace cnf::storage
