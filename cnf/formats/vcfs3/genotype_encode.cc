// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "cnf/core/compress/range_coder.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/formats/vcfs3/genotype_model_internal.h"
#include "cnf/formats/vcfs3/genotype_shapes_internal.h"
#include "cnf/formats/vcfs3/genotype_tile.h"

namespace cnf::vcfs3 {
namespace {

/// The cells of a group of samples, a record at a time, as indices of texts.
class TextRows {
 public:
  TextRows(const Genotypes& bin, SampleRange samples)
      : bin_(bin), samples_(samples), texts_(samples.count) {}

  /// The records must come in their order.
  std::span<const std::uint32_t> row(std::size_t record) {
    const std::size_t first = record * bin_.samples + samples_.first;
    for (std::size_t i = 0; i < samples_.count; ++i) {
      texts_[i] = bin_.codes[first + i];
      if (texts_[i] == Genotypes::kEscape) texts_[i] = escaped(first + i);
    }
    return texts_;
  }

  /// The text of all cells of a record, if it is the same and none of the escapes: most records
  /// have none but the reference allele in most groups.
  [[nodiscard]] std::optional<std::uint32_t> text_of_all(std::size_t record) const noexcept {
    const std::uint8_t* const first = &bin_.codes[record * bin_.samples + samples_.first];
    if (*first == Genotypes::kEscape) return std::nullopt;
    if (std::memcmp(first, first + 1, samples_.count - 1) != 0) return std::nullopt;
    return *first;
  }

 private:
  std::uint32_t escaped(std::size_t cell) {
    while (bin_.escapes[next_].cell < cell) ++next_;
    return bin_.escapes[next_].text;
  }

  const Genotypes& bin_;
  const SampleRange samples_;
  std::vector<std::uint32_t> texts_;
  std::size_t next_ = 0;  // of the escapes
};

/// Texts that are in a tile, taken apart, and their shapes, the most frequent first.
struct TileTexts {
  std::vector<GenotypeShape> shapes = {};
  std::vector<std::uint32_t> shape_of = {};                           // by text
  std::vector<std::array<std::uint8_t, kMaxPloidy>> alleles_of = {};  // by text
  std::vector<std::uint8_t> max_allele_of = {};                       // by text
};

std::vector<std::uint64_t> count_texts(const Genotypes& bin, SampleRange samples) {
  std::vector<std::uint64_t> counts(bin.texts.size());
  TextRows rows(bin, samples);
  for (std::size_t record = 0; record < bin.records; ++record) {
    if (bin.present[record] == 0) continue;
    if (const auto text = rows.text_of_all(record)) {
      counts[*text] += samples.count;
      continue;
    }
    for (const std::uint32_t text : rows.row(record)) ++counts[text];
  }
  return counts;
}

// A slot costs time in every row, though no bits where it is empty: a ploidy above two must be
// that of so many cells, or its texts are literals.
constexpr std::uint64_t kMinShareOfPloidy = 32;

TileTexts take_apart(const Genotypes& bin, std::span<const std::uint64_t> counts) {
  TileTexts tile;
  tile.shape_of.resize(counts.size());
  tile.alleles_of.resize(counts.size());
  tile.max_allele_of.resize(counts.size());
  std::vector<GenotypeParts> parts(counts.size());
  std::array<std::uint64_t, kMaxPloidy + 1> by_ploidy{};
  for (std::size_t text = 0; text < counts.size(); ++text) {
    if (counts[text] == 0) continue;
    parts[text] = split_genotype(bin.texts[text]);
    by_ploidy[parts[text].shape.ploidy] += counts[text];
  }
  const std::uint64_t cells = std::accumulate(by_ploidy.begin(), by_ploidy.end(), std::uint64_t{0});
  std::vector<std::pair<std::uint64_t, std::uint32_t>> ranks;  // cells, index in `found`
  std::vector<GenotypeShape> found;
  for (std::size_t text = 0; text < counts.size(); ++text) {
    if (counts[text] == 0) continue;
    const std::size_t ploidy = parts[text].shape.ploidy;
    if (ploidy > 2 && by_ploidy[ploidy] < cells / kMinShareOfPloidy) {
      parts[text] = {.shape = {.literal = bin.texts[text]}};
    }
    // Each literal is a shape of its own: only the others are looked for.
    const bool literal = parts[text].shape.ploidy == 0;
    std::size_t shape = literal ? found.size() : 0;
    while (shape < found.size() && found[shape] != parts[text].shape) ++shape;
    if (shape == found.size()) {
      found.push_back(parts[text].shape);
      ranks.emplace_back(0, shape);
    }
    ranks[shape].first += counts[text];
    tile.shape_of[text] = static_cast<std::uint32_t>(shape);
    tile.alleles_of[text] = parts[text].alleles;
    tile.max_allele_of[text] = *std::ranges::max_element(parts[text].alleles);
  }
  std::ranges::stable_sort(ranks, [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::uint32_t> rank_of(ranks.size());
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    rank_of[ranks[rank].second] = static_cast<std::uint32_t>(rank);
    tile.shapes.push_back(std::move(found[ranks[rank].second]));
  }
  for (std::uint32_t& shape : tile.shape_of) shape = rank_of[shape];
  return tile;
}

}  // namespace

Buffer encode_genotypes(const Genotypes& bin, SampleRange samples) {
  Buffer tile;
  if (samples.count == 0 || std::ranges::count(bin.present, 0) == std::ssize(bin.present)) {
    return tile;
  }
  const TileTexts texts = take_apart(bin, count_texts(bin, samples));
  ByteWriter head(tile);
  put_shapes(texts.shapes, head);
  compress::RangeEncoder coder(tile);
  GenotypeModel<compress::RangeEncoder> model(coder, texts.shapes, samples.count);
  const std::size_t ploidy = model.slots() / samples.count;
  GenotypeRow row{.shapes = std::vector<std::uint32_t>(samples.count),
                  .alleles = std::vector<std::uint8_t>(model.slots())};
  TextRows rows(bin, samples);
  for (std::size_t record = 0; record < bin.records; ++record) {
    if (bin.present[record] == 0) continue;
    if (const auto text = rows.text_of_all(record); text && texts.max_allele_of[*text] == 0) {
      std::ranges::fill(row.shapes, texts.shape_of[*text]);
      if (row.max_allele != 0) std::ranges::fill(row.alleles, std::uint8_t{0});
      row.max_allele = 0;
      model.code(row);
      continue;
    }
    row.max_allele = 0;
    std::uint8_t* slot = row.alleles.data();
    std::size_t sample = 0;
    for (const std::uint32_t text : rows.row(record)) {
      row.shapes[sample++] = texts.shape_of[text];
      row.max_allele = std::max(row.max_allele, texts.max_allele_of[text]);
      slot = std::copy_n(texts.alleles_of[text].begin(), ploidy, slot);
    }
    model.code(row);
  }
  coder.finish();
  const std::uint32_t sum = crc32c(tile);
  head.put(sum);
  return tile;
}

}  // namespace cnf::vcfs3
