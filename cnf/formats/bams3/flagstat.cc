// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/flagstat.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "cnf/formats/bams3/record.h"

namespace cnf::bams3 {
namespace {

using flag::kDuplicate, flag::kMateUnmapped, flag::kPaired, flag::kProperPair, flag::kQcFail,
    flag::kRead1, flag::kRead2, flag::kSecondary, flag::kSupplementary, flag::kUnmapped;

constexpr std::array<std::string_view, Flagstat::kCounters> kLines = {
    "in total (QC-passed reads + QC-failed reads)",
    "primary",
    "secondary",
    "supplementary",
    "duplicates",
    "primary duplicates",
    "mapped",
    "primary mapped",
    "paired in sequencing",
    "read1",
    "read2",
    "properly paired",
    "with itself and mate mapped",
    "singletons",
    "with mate mapped to a different chr",
    "with mate mapped to a different chr (mapQ>=5)"};

constexpr std::array<std::string_view, Flagstat::kCounters> kJsonNames = {
    "total",
    "primary",
    "secondary",
    "supplementary",
    "duplicates",
    "primary duplicates",
    "mapped",
    "primary mapped",
    "paired in sequencing",
    "read1",
    "read2",
    "properly paired",
    "with itself and mate mapped",
    "singletons",
    "with mate mapped to a different chr",
    "with mate mapped to a different chr (mapQ >= 5)"};

// The counter whose share a line's percentage is; `total` itself means: no percentage.
constexpr Flagstat::Counter base_of(std::size_t counter) {
  switch (counter) {
    case Flagstat::mapped:
      return Flagstat::total;
    case Flagstat::primary_mapped:
      return Flagstat::primary;
    default:
      return Flagstat::paired;
  }
}
constexpr bool has_percentage(std::size_t counter) {
  return counter == Flagstat::mapped || counter == Flagstat::primary_mapped ||
         counter == Flagstat::properly_paired || counter == Flagstat::singletons;
}

std::string percentage(std::uint64_t part, std::uint64_t whole, std::string_view none) {
  if (whole == 0) return std::string(none);
  // As samtools has it: divided as floats, multiplied as doubles.
  return fmt::format(
      "{:.2f}", static_cast<double>(static_cast<float>(part) / static_cast<float>(whole)) * 100.0);
}

}  // namespace

void Flagstat::add(std::uint16_t bits, std::int32_t ref, std::int32_t next_ref,
                   std::uint8_t mapq) noexcept {
  std::uint64_t* counts = counts_.data() + ((bits & kQcFail) ? kCounters : 0);
  const bool is_mapped = (bits & kUnmapped) == 0;
  ++counts[total];
  if (is_mapped) ++counts[mapped];
  if (bits & kDuplicate) ++counts[duplicates];
  if (bits & kSecondary) {
    ++counts[secondary];
    return;
  }
  if (bits & kSupplementary) {
    ++counts[supplementary];
    return;
  }
  ++counts[primary];
  if (is_mapped) ++counts[primary_mapped];
  if (bits & kDuplicate) ++counts[primary_duplicates];
  if (!(bits & kPaired)) return;
  ++counts[paired];
  if (bits & kRead1) ++counts[read1];
  if (bits & kRead2) ++counts[read2];
  if (!is_mapped) return;
  if (bits & kProperPair) ++counts[properly_paired];
  if (bits & kMateUnmapped) {
    ++counts[singletons];
    return;
  }
  ++counts[both_mapped];
  if (next_ref == ref) return;
  ++counts[mate_elsewhere];
  if (mapq >= 5) ++counts[mate_elsewhere_mapq5];
}

std::string Flagstat::text() const {
  std::string out;
  for (std::size_t i = 0; i < kCounters; ++i) {
    out += fmt::format("{} + {} {}", at(0, i), at(1, i), kLines[i]);
    if (has_percentage(i)) {
      const Counter base = base_of(i);
      const auto share = [&](std::size_t failed) {
        const std::string text = percentage(at(failed, i), at(failed, base), "N/A");
        return text == "N/A" ? text : text + "%";
      };
      out += fmt::format(" ({} : {})", share(0), share(1));
    }
    out += '\n';
  }
  return out;
}

std::string Flagstat::json() const {
  std::string out = "{\n";
  for (std::size_t failed = 0; failed < 2; ++failed) {
    out += fmt::format(" \"QC-{} reads\": {{ \n", failed ? "failed" : "passed");
    for (std::size_t i = 0; i < kCounters; ++i) {
      out += fmt::format("  \"{}\": {}", kJsonNames[i], at(failed, i));
      if (has_percentage(i)) {
        out += fmt::format(", \n  \"{} %\": {}", kJsonNames[i],
                           percentage(at(failed, i), at(failed, base_of(i)), "null"));
      }
      out += i + 1 < kCounters ? ", \n" : "\n";
    }
    out += failed ? " }\n" : " },\n";
  }
  return out + "}\n";
}

}  // namespace cnf::bams3
