// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/writer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/chunk/coordinator.h"
#include "cnf/core/index/btree.h"
#include "cnf/core/index/interval.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/new_dataset.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/chunk_footer.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/id_hash.h"
#include "cnf/formats/vcfs3/id_sorter.h"
#include "cnf/formats/vcfs3/layout.h"
#include "cnf/formats/vcfs3/sample_table.h"

namespace cnf::vcfs3 {
namespace {

// A leaf of the position index: what one query of a region reads. Of rows of thousands of columns
// it takes a few only.
constexpr std::size_t kLeafColumns = std::size_t{32} << 10;
constexpr std::size_t kMinLeafRows = 8;
constexpr std::size_t kMaxLeafRows = 512;
// Of the variant index: larger ones save nothing, smaller ones compress worse.
constexpr std::size_t kIdLeafRows = 4'096;

}  // namespace

std::uint64_t EncodedBin::bytes() const noexcept {
  std::uint64_t sum = 0;
  for (const Page& page : pages)
    sum += page.sections.core.size() + page.sections.info.size() + page.sections.carriers.size();
  for (const Tile& tile : tiles) sum += tile.genotypes.size() + tile.format.size();
  return sum;
}

DatasetWriter::DatasetWriter(std::shared_ptr<storage::Storage> root,
                             std::shared_ptr<storage::Storage> chunks, Options options,
                             const Context& context)
    : options_(std::move(options)),
      context_(context),
      layout_(options_.zone_keys, options_.strategy->groups()),
      dataset_(std::move(root), std::move(chunks), context, options_.first_chunk),
      ids_(options_.id_memory, options_.temporary) {}

void DatasetWriter::write(EncodedBin bin) {
  const std::uint64_t bytes = bin.bytes();
  if (!window_.empty() && window_bytes_ + bytes > options_.chunk_bytes) close_chunk();
  BinRow row{.bin = bins_, .chunk = dataset_.chunks().number()};
  row.key = {bin.contig, bin.pages.front().min_start, bin.pages.front().max_end};
  for (EncodedBin::Page& page : bin.pages) {
    row.key.start = std::min(row.key.start, page.min_start);
    row.key.end = std::max(row.key.end, page.max_end);
    row.pages.push_back({.records = page.records,
                         .min_start = page.min_start,
                         .max_end = page.max_end,
                         .core_length = page.sections.core.size(),
                         .info_length = page.sections.info.size(),
                         .carriers_length = page.sections.carriers.size(),
                         .zones = cover(page.zones)});
    stored_.core += page.sections.core.size();
    stored_.info += page.sections.info.size();
    stored_.carriers += page.sections.carriers.size();
    for (const std::uint64_t hash : page.ids)
      ids_.add({.hash = hash, .page = bins_ * kBinPages + row.pages.size() - 1});
    page.ids = {};
  }
  for (const EncodedBin::Tile& tile : bin.tiles) {
    row.tiles.push_back(
        {.genotypes_length = tile.genotypes.size(), .format_length = tile.format.size()});
    stored_.genotypes += tile.genotypes.size();
    stored_.format += tile.format.size();
  }
  ++bins_;
  records_ += row.records();
  window_rows_.push_back(std::move(row));
  window_.push_back(std::move(bin));
  window_bytes_ += bytes;
}

void DatasetWriter::adopt(const BinRow& row) {
  ++bins_;
  records_ += row.records();
  save(row);
}

void DatasetWriter::close_chunk() {
  if (window_.empty()) return;
  place_parts(window_rows_);
  chunk::Coordinator& chunk = dataset_.chunks();
  chunk.write(as_bytes(kChunkMagic));
  for (const EncodedBin& bin : window_) {
    for (const EncodedBin::Page& page : bin.pages) {
      for (const Buffer* section :
           {&page.sections.core, &page.sections.info, &page.sections.carriers}) {
        chunk.write(*section);
      }
    }
  }
  for (std::size_t group = 0; group < options_.strategy->groups(); ++group) {
    for (const EncodedBin& bin : window_) chunk.write(bin.tiles[group].genotypes);
    for (const EncodedBin& bin : window_) chunk.write(bin.tiles[group].format);
  }
  chunk.write(ChunkFooter::of(window_rows_).encode());
  chunk.finish_chunk();
  for (const BinRow& row : window_rows_) save(row);
  window_.clear();
  window_rows_.clear();
  window_bytes_ = 0;
}

void DatasetWriter::save(const BinRow& row) {
  rows_.push_back({.key = row.key, .offset = row_bytes_.size()});
  ByteWriter out(row_bytes_);
  for (const std::uint64_t value : layout_.encode(row)) out.put_varint(value);
}

void DatasetWriter::put_header(const Header& header) {
  using Carry = query::NewDataset::Carry;
  const std::string& id = dataset_.id();
  if (dataset_.put(kHeaderObject, fmt::format("_header-{}.vcf.zst", id), header.encode(),
                   Carry::small)) {
    return;
  }
  // Whoever opens it for one sample reads neither the names of all nor a second object.
  const Buffer definitions = Header::parse(header.text_with_samples({}), "header").encode();
  if (definitions.size() > query::NewDataset::kMaxCarried) return;
  dataset_.put(kDefinitionsObject, fmt::format("_header-definitions-{}.vcf.zst", id), definitions,
               Carry::small);
  std::vector<std::uint64_t> order(header.samples.size());
  std::iota(order.begin(), order.end(), std::uint64_t{0});
  const auto name = [&](std::uint64_t sample) {
    return std::string_view(header.samples[sample]).substr(0, index::kMaxKeyBytes);
  };
  std::ranges::stable_sort(order, {}, name);
  dataset_.put_tree(kSampleIndex, fmt::format("_index/sample-{}.idx", id),
                    [&](const query::NewDataset::Sink& sink) {
                      index::BTreeBuilder builder({.columns = 1, .summed = 0}, sink);
                      for (const std::uint64_t sample : order) {
                        builder.add(std::string(name(sample)),
                                    std::array<std::uint64_t, 1>{sample});
                      }
                      return builder.finish();
                    });
}

void DatasetWriter::put_positions() {
  std::vector<std::uint64_t> order(rows_.size());
  std::iota(order.begin(), order.end(), std::uint64_t{0});
  std::ranges::stable_sort(order, {}, [this](std::uint64_t bin) {
    return std::pair(rows_[bin].key.sequence, rows_[bin].key.start);
  });
  places_.resize(rows_.size());
  for (std::size_t place = 0; place < order.size(); ++place) places_[order[place]] = place;
  const std::size_t columns = layout_.columns();
  const index::TreeOptions options{
      .page_rows = std::clamp(kLeafColumns / columns, kMinLeafRows, kMaxLeafRows),
      .columns = columns,
      .summed = BinRowLayout::kSummed};
  dataset_.put_tree(kPositionIndex, fmt::format("_index/position-{}.idx", dataset_.id()),
                    [&](const query::NewDataset::Sink& sink) {
                      index::IntervalTreeBuilder builder(options, sink);
                      std::vector<std::uint64_t> values(columns);
                      for (const std::uint64_t bin : order) {
                        ByteReader in(row_bytes_.span().subspan(rows_[bin].offset), "rows");
                        for (std::uint64_t& value : values) value = in.get_varint();
                        builder.add(rows_[bin].key, values);
                      }
                      return builder.finish();
                    });
}

IdBits DatasetWriter::bits() const noexcept {
  constexpr unsigned kAll = 64;
  return options_.whole_hashes ? IdBits::of(kAll) : IdBits::for_count(ids_.count());
}

void DatasetWriter::put_ids() {
  const IdBits bits = this->bits();
  dataset_.put_tree(
      kVariantIndex, fmt::format("_index/variant-{}.idx", dataset_.id()),
      [&](const query::NewDataset::Sink& sink) {
        index::BTreeBuilder builder({.page_rows = kIdLeafRows, .columns = 2, .summed = 0}, sink);
        ids_.finish(
            [&](const IdEntry& entry) {
              const std::uint64_t row = places_[entry.page / kBinPages];
              builder.add(index::big_endian_key(bits.key_of(entry.hash)),
                          std::array<std::uint64_t, 2>{bits.kept_of(entry.hash),
                                                       row * kBinPages + entry.page % kBinPages});
            },
            context_);
        return builder.finish();
      });
}

metadata::Metadata DatasetWriter::finish(const Header& header, const SampleTable& samples) {
  close_chunk();
  put_header(header);
  dataset_.put(kSamplesObject, fmt::format("_samples-{}.json.zst", dataset_.id()), samples.encode(),
               query::NewDataset::Carry::nothing);
  put_positions();
  put_ids();
  metadata::Metadata manifest = dataset_.finish(*options_.strategy);
  manifest.format = kFormat;
  manifest.version = kVersion;
  return manifest;
}

}  // namespace cnf::vcfs3
