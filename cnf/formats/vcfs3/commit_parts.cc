// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/commit_parts.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/chunk/coordinator.h"
#include "cnf/core/chunk/position_sample.h"
#include "cnf/core/index/btree.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/new_dataset.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/contig_name.h"
#include "cnf/formats/vcfs3/convert.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/layout.h"
#include "cnf/formats/vcfs3/sample_table.h"
#include "cnf/formats/vcfs3/waiting_parts.h"
#include "cnf/formats/vcfs3/writer.h"

namespace cnf::vcfs3 {
namespace {

/// Tells whether records of all parts are in order, by what each says of its own.
class OrderCheck {
 public:
  void add(const nlohmann::json& custom, const std::vector<BinRow>& bins) {
    if (bins.empty()) return;
    in_order_ = in_order_ && custom.at("in_order").get<bool>();
    const nlohmann::json& part = custom.at("part");
    const bool goes_on = last_ == bins.front().key.sequence;
    if (goes_on && part.at("first_pos").get<std::int64_t>() < last_pos_) in_order_ = false;
    for (const BinRow& bin : bins) {
      if (last_ == bin.key.sequence) continue;
      last_ = bin.key.sequence;
      if (!seen_.insert(*last_).second) in_order_ = false;
    }
    last_pos_ = part.at("last_pos");
  }
  [[nodiscard]] bool in_order() const noexcept { return in_order_; }

 private:
  bool in_order_ = true;
  std::optional<std::uint32_t> last_;  // contig
  std::int64_t last_pos_ = 0;
  std::set<std::uint32_t> seen_;
};

std::optional<std::uint64_t> chunk_span_of(const metadata::Metadata& manifest) {
  const nlohmann::json& span = manifest.custom.at("part").at("same").at("chunk span");
  return span.is_null() ? std::nullopt : std::optional(span.get<std::uint64_t>());
}

/// Parts become one.
class Joining {
 public:
  Joining(std::shared_ptr<storage::Storage> target, std::vector<WaitingPart> parts,
          const ConvertOptions& options, const Context& context)
      : target_(std::move(target)), parts_(std::move(parts)), options_(options), context_(context) {
    const metadata::Metadata& first = parts_.front().manifest;
    writer_ = std::make_unique<DatasetWriter>(
        target_, metadata::Manager::chunk_storage(target_, first),
        DatasetWriter::Options{
            .strategy = std::make_shared<chunk::PositionSampleStrategy>(
                first.custom.at("samples").get<std::uint64_t>(), chunk_span_of(first),
                first.custom.at("group_samples").get<std::uint64_t>()),
            .zone_keys = first.custom.at("zone_keys").size(),
            .id_memory = options_.memory / 16,
            .temporary = options_.temporary},
        context_);
    custom_ = first.custom;
    custom_.erase("part");
    custom_["contigs"] = nlohmann::json::array();
  }

  metadata::Metadata run() {
    try {
      for (WaitingPart& part : parts_) {
        Dataset dataset = Dataset::open(target_, std::move(part.manifest), context_);
        add(dataset, !first_);
        if (!first_) first_ = std::move(dataset);
      }
      metadata::Metadata manifest =
          writer_->finish(first_->header(context_), first_->read_samples(context_));
      describe(manifest);
      return manifest;
    } catch (...) {
      writer_->discard();
      throw;
    }
  }
  [[nodiscard]] DatasetWriter& writer() noexcept { return *writer_; }
  /// Best effort: the dataset is there already, and what is left are orphans, which gc removes.
  void remove_parts() {
    try {
      target_->remove(waiting_keys(target_, context_), context_);
      target_->remove(indices_, context_);
    } catch (const Error&) {
      return;
    }
  }

 private:
  void add(const Dataset& part, bool is_first);
  void add_bins(const Dataset& part);
  void add_ids(const Dataset& part, const std::vector<BinRow>& bins, std::uint64_t first_bin);
  void add_chunks(const metadata::Metadata& manifest);
  [[nodiscard]] std::vector<std::uint32_t> number_contigs(const Dataset& part);
  void describe(metadata::Metadata& manifest);

  std::shared_ptr<storage::Storage> target_;
  std::vector<WaitingPart> parts_;
  const ConvertOptions& options_;
  Context context_;
  std::unique_ptr<DatasetWriter> writer_;
  std::optional<Dataset> first_;
  std::vector<std::string> indices_;  // of the parts
  std::vector<std::string> more_contigs_;
  OrderCheck order_;
  nlohmann::json custom_;
  nlohmann::json numbers_ = nlohmann::json::array();   // `parts`
  nlohmann::json segments_ = nlohmann::json::array();  // of `text`
};

/// Adds the numbers of a part to those of the ones before.
void Joining::add(const Dataset& part, bool is_first) {
  add_bins(part);
  add_chunks(part.metadata());
  for (const metadata::ObjectInfo& object : part.metadata().objects)
    indices_.push_back(object.path);
  const nlohmann::json& custom = part.metadata().custom;
  const nlohmann::json& text = custom.at("text");
  segments_.push_back({{"bytes", text.at("bytes")}, {"sha256", text.at("sha256")}});
  numbers_.push_back({{"bins", custom.at("bins")}, {"contigs", custom.at("contigs")}});
  if (is_first) return;
  const auto sum = [](nlohmann::json& to, const nlohmann::json& from) {
    to = to.get<std::uint64_t>() + from.get<std::uint64_t>();
  };
  for (const char* name : {"records", "raw_records", "bins"}) sum(custom_[name], custom.at(name));
  for (const char* group : {"types", "stored"}) {
    for (auto& [name, value] : custom_[group].items()) sum(value, custom.at(group).at(name));
  }
  sum(custom_["text"]["bytes"], text.at("bytes"));
  if (!text.at("final_newline").get<bool>()) custom_["text"]["final_newline"] = false;
}

/// From the part's numbers of contigs to the dataset's.
std::vector<std::uint32_t> Joining::number_contigs(const Dataset& part) {
  const std::vector<std::string>& names = part.contigs();
  const std::size_t in_header = names.size() - part.metadata().custom.at("contigs").size();
  std::vector<std::uint32_t> numbers(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    numbers[i] = static_cast<std::uint32_t>(i);
    if (i < in_header) continue;
    const auto found = std::ranges::find(more_contigs_, names[i]);
    const auto place = static_cast<std::size_t>(found - more_contigs_.begin());
    numbers[i] = static_cast<std::uint32_t>(in_header + place);
    if (found != more_contigs_.end()) continue;
    more_contigs_.push_back(names[i]);
    custom_["contigs"].push_back(escape_name(names[i]));
  }
  return numbers;
}

void Joining::add_bins(const Dataset& part) {
  const std::uint64_t first_bin = writer_->bins();
  std::vector<BinRow> bins = part.all_bins(context_);
  add_ids(part, bins, first_bin);
  const std::vector<std::uint32_t> contigs = number_contigs(part);
  for (BinRow& row : bins) {
    row.bin += first_bin;
    row.key.sequence = contigs[row.key.sequence];
    writer_->adopt(row);
  }
  order_.add(part.metadata().custom, bins);
}

void Joining::add_ids(const Dataset& part, const std::vector<BinRow>& bins,
                      std::uint64_t first_bin) {
  // Which bin has which place in the part's position index.
  std::vector<std::uint64_t> order(bins.size());
  std::iota(order.begin(), order.end(), std::uint64_t{0});
  std::ranges::stable_sort(order, {}, [&](std::uint64_t bin) {
    return std::pair(bins[bin].key.sequence, bins[bin].key.start);
  });
  const metadata::ObjectInfo& info = part.metadata().object(kVariantIndex);
  const auto tree = index::BTree::open(target_, info.path, context_);
  tree.for_each(
      [&](const index::BTree::Row& row) {
        if (row.columns.size() != 2 || row.columns[1] / kBinPages >= order.size()) {
          throw Error(Errc::corrupt_data, "commit", target_->uri(info.path),
                      "it names a page that is not there");
        }
        const std::uint64_t bin = first_bin + order[row.columns[1] / kBinPages];
        writer_->adopt(
            {.hash = row.columns[0], .page = bin * kBinPages + row.columns[1] % kBinPages});
      },
      context_);
}

void Joining::add_chunks(const metadata::Metadata& manifest) {
  if (manifest.chunks.num_chunks == 0) return;
  const metadata::ObjectInfo& info = manifest.object(metadata::kChunkIndex);
  std::vector<chunk::WrittenChunk> chunks;
  const auto tree = index::BTree::open(target_, info.path, context_);
  tree.for_each(
      [&](const index::BTree::Row& row) {
        chunks.push_back({.number = index::number_of_key(row.key),
                          .length = row.columns.at(0),
                          .crc32c = static_cast<std::uint32_t>(row.columns.at(1))});
      },
      context_);
  if (manifest.chunks.runs.size() != 1 || chunks.size() != manifest.chunks.num_chunks) {
    throw Error(Errc::corrupt_data, "commit", target_->uri(info.path),
                "it has another number of chunks than the part's manifest");
  }
  writer_->adopt(manifest.chunks.runs.front(), chunks);
}

void Joining::describe(metadata::Metadata& manifest) {
  const metadata::Metadata& first = first_->metadata();
  manifest.created_by = "cnf " CNF_VERSION;
  manifest.storage.sharding_bits = first.storage.sharding_bits;
  manifest.compression = first.compression;
  const auto stored = static_cast<double>(manifest.storage.total_size);
  const auto text = custom_["text"]["bytes"].get<double>();
  manifest.compression.ratio = stored > 0 ? text / stored : 0;
  custom_["in_order"] = order_.in_order();
  custom_["id_bits"] = writer_->id_bits();
  if (parts_.size() > 1) {
    custom_["text"].erase("sha256");
    custom_["text"]["segments"] = std::move(segments_);
    custom_["parts"] = std::move(numbers_);
  }
  nlohmann::json names = nlohmann::json::object();
  for (const metadata::ObjectInfo& object : manifest.objects) names[object.name] = object.name;
  nlohmann::json& batch = custom_["batches"].front();
  batch["records"] = custom_["records"];
  batch["bins"] = custom_["bins"];
  batch["objects"] = std::move(names);
  manifest.custom = std::move(custom_);
}

}  // namespace

ConvertReport commit_parts(const std::shared_ptr<storage::Storage>& target,
                           const ConvertOptions& options, const Context& context) {
  const std::optional<metadata::Committed> existing =
      query::load_existing(target, options.existing, context);
  Joining joining(target, load_waiting(target, context), options, context);
  const metadata::Metadata manifest = joining.run();
  joining.writer().commit(manifest, existing);
  joining.remove_parts();
  const nlohmann::json& custom = manifest.custom;
  return {.records = custom.at("records"),
          .raw_records = custom.at("raw_records"),
          .samples = custom.at("samples"),
          .bins = custom.at("bins"),
          .chunks = manifest.chunks.num_chunks,
          .text_bytes = custom.at("text").at("bytes"),
          .stored_bytes = manifest.storage.total_size};
}

}  // namespace cnf::vcfs3
