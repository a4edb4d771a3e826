// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cnf/core/compress/range_coder.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/genotype_model_internal.h"
#include "cnf/formats/vcfs3/genotype_shapes_internal.h"
#include "cnf/formats/vcfs3/genotype_tile.h"

namespace cnf::vcfs3 {
namespace {

/// Numbers texts in the order in which they appear.
class TextNumbers {
 public:
  TextNumbers(std::span<const GenotypeShape> shapes, std::vector<std::string>& texts)
      : shapes_(shapes), texts_(texts), known_(shapes.size() * kAlleles * kAlleles, kUnknown) {}

  /// \param alleles  of the cell, as many as the shape has, at least.
  std::uint32_t number(std::uint32_t shape, const std::uint8_t* alleles) {
    const std::size_t ploidy = shapes_[shape].ploidy;
    const std::size_t first = ploidy > 0 ? alleles[0] : 0;
    const std::size_t second = ploidy > 1 ? alleles[1] : 0;
    if (ploidy > 2 || first >= kAlleles || second >= kAlleles) return look_up(shape, alleles);
    std::uint32_t& known = known_[(shape * kAlleles + first) * kAlleles + second];
    if (known == kUnknown) known = look_up(shape, alleles);
    return known;
  }

 private:
  static constexpr std::uint32_t kUnknown = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::size_t kAlleles = 4;  // those below are found without a hash

  std::uint32_t look_up(std::uint32_t shape, const std::uint8_t* alleles) {
    std::string text = join_genotype(shapes_[shape], {alleles, shapes_[shape].ploidy});
    const auto [at, is_new] =
        numbers_.try_emplace(std::move(text), static_cast<std::uint32_t>(texts_.size()));
    if (is_new) texts_.push_back(at->first);
    return at->second;
  }

  std::span<const GenotypeShape> shapes_;
  std::vector<std::string>& texts_;
  std::vector<std::uint32_t> known_;
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

ByteSpan checked(ByteSpan tile, std::string_view subject) {
  constexpr std::size_t kSum = sizeof(std::uint32_t);
  if (tile.size() < kSum) {
    throw Error(Errc::corrupt_data, "decode", subject, "a genotype tile is cut off");
  }
  const ByteSpan body = tile.first(tile.size() - kSum);
  verify_crc32c(body, ByteReader(tile.last(kSum), subject).get<std::uint32_t>(), subject);
  return body;
}

/// Writes a record's cells behind those before it.
void put_cells(const GenotypeRow& row, std::size_t ploidy, TextNumbers& numbers, std::size_t cell,
               Genotypes& out) {
  const std::uint8_t* alleles = row.alleles.data();
  for (const std::uint32_t shape : row.shapes) {
    const std::uint32_t text = numbers.number(shape, alleles);
    if (text >= Genotypes::kEscape) out.escapes.push_back({.cell = cell, .text = text});
    out.codes[cell++] =
        static_cast<std::uint8_t>(std::min<std::uint32_t>(text, Genotypes::kEscape));
    alleles += ploidy;
  }
}

/// The same for a record whose cells are all alike, as those of most records are in a group of some
/// samples. False, and nothing is done, if the text is one for an escape.
bool put_equal_cells(std::uint32_t text, std::size_t cell, Genotypes& out) {
  if (text >= Genotypes::kEscape) return false;
  const auto first = out.codes.begin() + static_cast<std::ptrdiff_t>(cell);
  std::fill_n(first, out.samples, static_cast<std::uint8_t>(text));
  return true;
}

}  // namespace

Genotypes decode_genotypes(ByteSpan tile, std::span<const std::uint8_t> present,
                           std::size_t samples, std::string_view subject, RecordRange wanted) {
  const std::size_t first = std::min(wanted.first, present.size());
  const std::size_t end = first + std::min(wanted.count, present.size() - first);
  Genotypes out{.records = end - first, .samples = samples};
  out.present.assign(present.begin() + static_cast<std::ptrdiff_t>(first),
                     present.begin() + static_cast<std::ptrdiff_t>(end));
  const bool empty = samples == 0 || std::ranges::all_of(present, [](auto p) { return p == 0; });
  if (empty != tile.empty()) {
    throw Error(Errc::corrupt_data, "decode", subject,
                empty ? "a genotype tile where no record has any" : "the genotype tile is missing");
  }
  out.codes.resize(out.records * samples);
  if (empty) return out;
  ByteReader head(checked(tile, subject), subject);
  const std::vector<GenotypeShape> shapes = get_shapes(head);
  compress::RangeDecoder coder(head.get_bytes(head.remaining()));
  GenotypeModel<compress::RangeDecoder> model(coder, shapes, samples);
  const std::size_t ploidy = model.slots() / samples;
  GenotypeRow row{.shapes = std::vector<std::uint32_t>(samples),
                  .alleles = std::vector<std::uint8_t>(model.slots())};
  TextNumbers numbers(shapes, out.texts);
  for (std::size_t record = 0; record < end; ++record) {
    if (present[record] == 0) continue;
    if (row.max_allele != 0) std::ranges::fill(row.alleles, std::uint8_t{0});
    model.code(row);
    if (coder.overrun()) head.fail("genotypes are missing at the end of the tile");
    if (record < first) continue;
    const std::size_t cell = (record - first) * samples;
    if (row.max_allele != 0 || shapes.size() != 1 ||
        !put_equal_cells(numbers.number(0, row.alleles.data()), cell, out)) {
      put_cells(row, ploidy, numbers, cell, out);
    }
  }
  if (end == present.size() && !coder.at_end()) head.fail("bytes are left behind the genotypes");
  return out;
}

}  // namespace cnf::vcfs3
