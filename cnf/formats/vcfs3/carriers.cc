// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/columns.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/integer_column.h"
#include "cnf/formats/vcfs3/layout.h"
#include "cnf/formats/vcfs3/site_page.h"
#include "cnf/formats/vcfs3/site_page_internal.h"

namespace cnf::vcfs3 {
namespace {

// A record's number of carriers, or this where there are more than kRareCarriers.
constexpr std::int64_t kCommon = kRareCarriers + 1;

// The section's columns.
constexpr std::size_t kCounts = 0;
constexpr std::size_t kSamples = 1;

/// Samples are stored by their ordinals, or by the distance from the sample before of the record.
enum class SampleKind : std::uint8_t { ordinals = 0, gaps = 1 };

/// True if a genotype has an allele that is not the reference: any number but 0.
bool carries_alternate(std::string_view genotype) {
  return genotype.find_first_of("123456789") != std::string_view::npos;
}

/// Finds carriers in the codes of a record, most of whose samples have one code.
class CarrierScan {
 public:
  explicit CarrierScan(const Genotypes& genotypes) : genotypes_(genotypes) {
    const std::size_t coded = std::min<std::size_t>(genotypes.texts.size(), Genotypes::kEscape);
    for (std::size_t i = 0; i < coded; ++i) carries_[i] = carries_alternate(genotypes.texts[i]);
    carries_[Genotypes::kEscape] = true;  // to be looked at
  }

  /// Appends the carriers' ordinals; stops, false, when there are too many.
  bool find(std::size_t record, std::vector<std::int64_t>& ordinals) const {
    const std::size_t samples = genotypes_.samples;
    const std::uint8_t* const codes = genotypes_.codes.data() + record * samples;
    const std::size_t before = ordinals.size();
    std::uint64_t usual = 0;  // eight times the last code that is no carrier's
    for (std::size_t sample = 0; sample < samples;) {
      std::uint64_t eight = 0;
      if (sample + 8 <= samples) {
        std::memcpy(&eight, codes + sample, 8);
        if (eight == usual && !carries_[usual & 0xffU]) {
          sample += 8;
          continue;
        }
      }
      const std::size_t end = std::min(sample + 8, samples);
      for (; sample < end; ++sample) {
        const std::uint8_t code = codes[sample];
        if (!carries_[code]) {
          usual = code * std::uint64_t{0x0101010101010101};
        } else if (code != Genotypes::kEscape ||
                   carries_alternate(genotypes_.text(record, sample))) {
          ordinals.push_back(static_cast<std::int64_t>(sample));
          if (ordinals.size() - before > kRareCarriers) return false;
        }
      }
    }
    return true;
  }

 private:
  const Genotypes& genotypes_;
  std::array<bool, 256> carries_{};
};

EncodedColumn encode_samples(std::span<const std::int64_t> ordinals,
                             std::span<const std::int64_t> counts, const Sizer& sizer) {
  std::vector<std::int64_t> gaps;
  gaps.reserve(ordinals.size());
  for (const std::int64_t count : counts) {
    if (count == kCommon) continue;
    std::int64_t last = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t ordinal = ordinals[gaps.size()];
      gaps.push_back(ordinal - last);
      last = ordinal;
    }
  }
  Smallest smallest(sizer);
  for (const SampleKind kind : {SampleKind::ordinals, SampleKind::gaps}) {
    EncodedColumn column;
    column.writer().put(static_cast<std::uint8_t>(kind));
    column.append(encode_integers(kind == SampleKind::ordinals ? ordinals : gaps, sizer));
    smallest.offer(std::move(column));
  }
  return std::move(smallest).take();
}

}  // namespace

Buffer encode_carriers(const Genotypes& genotypes, std::size_t first, std::size_t count,
                       const Sizer& sizer, int level) {
  if (genotypes.samples == 0 || genotypes.present.empty()) return {};
  const std::span<const std::uint8_t> present = std::span(genotypes.present).subspan(first, count);
  if (std::ranges::none_of(present, [](std::uint8_t has) { return has != 0; })) return {};
  const CarrierScan scan(genotypes);
  std::vector<std::int64_t> counts;
  std::vector<std::int64_t> ordinals;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t before = ordinals.size();
    if (present[i] != 0 && !scan.find(first + i, ordinals)) {
      ordinals.resize(before);
      counts.push_back(kCommon);
    } else {
      counts.push_back(static_cast<std::int64_t>(ordinals.size() - before));
    }
  }
  std::vector<EncodedColumn> columns;
  columns.emplace_back();
  columns.back().writer().put_varint(count);
  columns.back().append(encode_integers(counts, sizer));
  columns.push_back(encode_samples(ordinals, counts, sizer));
  return encode_section(columns, level);
}

Carriers decode_carriers(ByteSpan bytes, std::size_t records, std::size_t samples,
                         std::string_view subject) {
  Carriers carriers;
  if (records > kPageRecords) {
    throw Error(Errc::corrupt_data, "read carriers", subject, "a page has fewer records");
  }
  if (bytes.empty()) {
    carriers.known.assign(records, 1);
    carriers.ends.assign(records, 0);
    return carriers;
  }
  Section section(bytes, std::string(subject));
  ColumnReader counts = section.column(kCounts);
  if (counts.head.get_varint() != records) counts.head.fail("there are other records");
  for (const std::int64_t count : decode_integers(counts, records)) {
    if (count < 0 || count > kCommon) counts.head.fail("a record has too many carriers");
    carriers.known.push_back(count == kCommon ? 0 : 1);
    const std::uint32_t before = carriers.ends.empty() ? 0 : carriers.ends.back();
    carriers.ends.push_back(before + (count == kCommon ? 0 : static_cast<std::uint32_t>(count)));
  }
  ColumnReader in = section.column(kSamples);
  const auto kind = in.head.get<std::uint8_t>();
  if (kind > static_cast<std::uint8_t>(SampleKind::gaps)) in.head.fail("unknown kind of samples");
  const std::vector<std::int64_t> values =
      decode_integers(in, carriers.ends.empty() ? 0 : carriers.ends.back());
  carriers.samples.reserve(values.size());
  std::size_t next = 0;
  for (const std::uint32_t end : carriers.ends) {
    std::int64_t last = -1;
    for (; next < end; ++next) {
      const bool is_gap = kind == static_cast<std::uint8_t>(SampleKind::gaps);
      const auto limit = static_cast<std::int64_t>(samples);
      const std::int64_t value = values[next];
      if (value < 0 || value >= limit) in.head.fail("a carrier is no sample");
      const std::int64_t ordinal = is_gap ? value + std::max<std::int64_t>(last, 0) : value;
      if (ordinal <= last || ordinal >= limit) in.head.fail("a carrier is no sample");
      carriers.samples.push_back(static_cast<std::uint32_t>(ordinal));
      last = ordinal;
    }
  }
  return carriers;
}

}  // namespace cnf::vcfs3
