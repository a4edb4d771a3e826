// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cnf/core/chunk/chunk.h"

namespace cnf::chunk {

/// The grid of data that has a position and a sample: *bins* along the positions of a sequence,
/// *groups* of neighbouring samples across.
///
/// Along the positions it is a Strategy, asked record by record; Fill::bytes are those of the
/// samples' values as text. A bin ends at whichever comes first:
///  - the next record lies on another sequence;
///  - adaptive: the bin spans 1 Mbp and has 4,096 records; or with a fixed span: the next record
///    lies behind a multiple of it;
///  - 16,384 records; 64 Mi values (records × samples); 8 MiB of text per 100 samples, at most 128
///    MiB. A bin is what has to be in memory at once, so these hold for every span.
/// Positions that go back end no adaptive bin: where data is not sorted, bins overlap.
class PositionSampleStrategy final : public Strategy {
 public:
  static constexpr std::uint64_t kAdaptiveSpan = 1'000'000;
  static constexpr std::uint64_t kAdaptiveRecords = 4'096;
  static constexpr std::uint64_t kMaxRecords = 16'384;
  static constexpr std::uint64_t kMaxValues = std::uint64_t{64} << 20;
  static constexpr std::uint64_t kTextPer100Samples = std::uint64_t{8} << 20;
  static constexpr std::uint64_t kMaxText = std::uint64_t{128} << 20;
  /// So many samples or fewer are one group, unless told otherwise.
  static constexpr std::uint64_t kOneGroup = 16;

  /// \param span   in bp; none: adaptive.
  /// \param group  samples per group; none: 4·⌊samples / 400⌋, at least 16 and at most 1,000.
  /// Throws Error invalid_argument if either is 0 or over 2^63 - 1.
  explicit PositionSampleStrategy(std::uint64_t samples, std::optional<std::uint64_t> span = {},
                                  std::optional<std::uint64_t> group = {});

  [[nodiscard]] std::string name() const override { return "position_sample"; }
  /// The span in bp; where it is adaptive, the least that ends a bin.
  [[nodiscard]] std::uint64_t chunk_size() const noexcept override {
    return span_.value_or(kAdaptiveSpan);
  }
  [[nodiscard]] bool ends_before(const Fill& current, const Key& next) const override;
  /// Throws Error unsupported: how many records there are decides, too.
  [[nodiscard]] std::vector<ChunkInfo> plan(const Key& begin, const Key& end) const override;

  [[nodiscard]] std::uint64_t samples() const noexcept { return samples_; }
  /// Samples of every group; the last one may have fewer.
  [[nodiscard]] std::uint64_t group_samples() const noexcept { return group_; }
  /// 0 without samples.
  [[nodiscard]] std::uint64_t groups() const noexcept {
    return samples_ / group_ + (samples_ % group_ != 0 ? 1 : 0);
  }

 private:
  std::uint64_t samples_;
  std::optional<std::uint64_t> span_;
  std::uint64_t group_;
};

}  // namespace cnf::chunk
