// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace cnf::bams3 {

/// What samtools flagstat counts, for reads that passed quality control and for those that failed
/// it.
class Flagstat {
 public:
  /// In the order of samtools' lines.
  enum Counter : std::uint8_t {
    total,
    primary,
    secondary,
    supplementary,
    duplicates,
    primary_duplicates,
    mapped,
    primary_mapped,
    paired,
    read1,
    read2,
    properly_paired,
    both_mapped,
    singletons,
    mate_elsewhere,
    mate_elsewhere_mapq5,
  };
  static constexpr std::size_t kCounters = 16;

  void add(std::uint16_t flag, std::int32_t ref, std::int32_t next_ref, std::uint8_t mapq) noexcept;

  /// \param failed  0: passed quality control, 1: failed it.
  [[nodiscard]] std::uint64_t& at(std::size_t failed, std::size_t counter) noexcept {
    return counts_[failed * kCounters + counter];
  }
  [[nodiscard]] std::uint64_t at(std::size_t failed, std::size_t counter) const noexcept {
    return counts_[failed * kCounters + counter];
  }
  bool operator==(const Flagstat&) const = default;

  /// The text that samtools 1.16 flagstat prints.
  [[nodiscard]] std::string text() const;
  /// The same as one JSON object, as `samtools flagstat -O json` names the fields.
  [[nodiscard]] std::string json() const;

 private:
  std::array<std::uint64_t, 2 * kCounters> counts_{};
};

}  // namespace cnf::bams3
