// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/util/context.h"

namespace cnf::storage {

/// When a second request for a late answer may be sent.
///
/// Late is what takes longer than nearly all do; what is late now and then is asked for again, but
/// not what is late as a rule: then the store is slow, and more requests would make it slower.
class HedgePolicy {
 public:
  using TimePoint = Context::Clock::time_point;
  using Duration = Context::Clock::duration;

  explicit HedgePolicy(const HttpHedging& options) noexcept;

  /// A request was sent that is no hedge: it earns a part of one.
  void sent() noexcept;
  /// An answer's first byte came so long after its request.
  void first_byte_after(Duration time) noexcept;
  /// The store failed, or asked to slow down: for some seconds there is nothing to gain.
  void failed(TimePoint now) noexcept { calm_from_ = now + kCalm; }

  /// How long an answer is waited for: the floor, or the 95th percentile of the latest answers once
  /// there are 32.
  [[nodiscard]] Duration delay() const noexcept { return delay_; }
  /// The median of the latest answers; nullopt before there are 32.
  [[nodiscard]] std::optional<Duration> median() const noexcept;
  /// Whether a hedge may be sent now; if so it is counted as sent.
  /// \param late    answers that are late, this one included.
  /// \param active  requests that are under way.
  [[nodiscard]] bool take(TimePoint now, std::size_t late, std::size_t active) noexcept;

 private:
  static constexpr std::chrono::seconds kCalm{5};
  static constexpr std::size_t kSamples = 128;
  static constexpr std::size_t kEnough = 32;

  [[nodiscard]] Duration percentile(std::size_t percent) const noexcept;

  Duration floor_;
  Duration delay_;
  std::uint64_t earned_ = 0;  // thousandths of a hedge
  std::uint64_t earns_;       // by each request
  std::array<Duration, kSamples> samples_{};
  std::size_t count_ = 0;  // of all samples so far
  TimePoint calm_from_ = TimePoint::min();
};

}  // namespace cnf::storage
