// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/dataset.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/index/btree.h"
#include "cnf/core/index/interval.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/contig_name.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/id_key.h"
#include "cnf/formats/vcfs3/layout.h"
#include "cnf/formats/vcfs3/sample_table.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::uint64_t kMaxObject = std::uint64_t{1} << 30;

const metadata::ObjectInfo* find_object(const metadata::Metadata& metadata, std::string_view name) {
  const auto found = std::ranges::find(metadata.objects, name, &metadata::ObjectInfo::name);
  return found == metadata.objects.end() ? nullptr : &*found;
}

/// An object's bytes: from the manifest, if it carries them.
Buffer read_object(const storage::Storage& root, const metadata::ObjectInfo& info,
                   const Context& context) {
  if (!info.inlined.empty()) return Buffer::copy_of(info.inlined);
  const std::string subject = root.uri(info.path);
  if (info.length > kMaxObject)
    throw Error(Errc::corrupt_data, "open", subject, "an object of impossible length");
  storage::Object object = root.read_all(info.path, info.length, context);
  verify_crc32c(object.bytes, info.crc32c, subject);
  return std::move(object.bytes);
}

template <typename Tree>
Tree open_tree(const std::shared_ptr<storage::Storage>& root, const metadata::ObjectInfo& info,
               const Context& context) {
  return info.root.empty() ? Tree::open(root, info.path, context)
                           : Tree(index::object_pages(root, info.path), info.root);
}

/// What the manifest's `custom` says, checked.
struct Facts {
  std::uint64_t samples, group_samples, records, bins;
  bool crlf, final_newline, in_order;
  std::vector<std::string> more_contigs, zone_keys;

  Facts(const nlohmann::json& custom, const std::string& subject)
      : samples(custom.at("samples")),
        group_samples(custom.at("group_samples")),
        records(custom.at("records")),
        bins(custom.at("bins")),
        crlf(custom.at("text").at("crlf")),
        final_newline(custom.at("text").at("final_newline")),
        in_order(custom.at("in_order")),
        zone_keys(custom.at("zone_keys")) {
    for (const auto& name : custom.at("contigs"))
      more_contigs.push_back(unescape_name(name.get<std::string>(), subject));
    if (groups() > BinRowLayout::kMaxGroups)
      throw Error(Errc::corrupt_data, "open", subject, "too many groups of samples");
    if (custom.at("batches").size() != 1) {
      throw Error(Errc::unsupported, "open", subject, "it has several batches",
                  "use a newer version of cnf");
    }
  }
  [[nodiscard]] std::uint64_t groups() const noexcept {
    return samples / group_samples + (samples % group_samples != 0 ? 1 : 0);
  }
};

}  // namespace

struct Dataset::Impl {
  Impl(std::shared_ptr<storage::Storage> store, metadata::Metadata manifest, const Context& context)
      : root(std::move(store)),
        metadata(std::move(manifest)),
        subject(root->uri(metadata::kManifestKey)),
        chunks(metadata::Manager::chunk_storage(root, metadata)),
        facts(metadata.custom, subject),
        layout(facts.zone_keys.size(), facts.groups()),
        positions(open_tree<index::IntervalTree>(root, metadata.object(kPositionIndex), context)),
        positions_subject(root->uri(metadata.object(kPositionIndex).path)) {
    const metadata::ObjectInfo* info = find_object(metadata, kDefinitionsObject);
    if (info == nullptr) {
      info = &metadata.object(kHeaderObject);
      load_header(context);
    }
    if (!header) definitions = Header::decode(read_object(*root, *info, context), info->path);
    for (const Header::Contig& contig : either_header().contigs) contigs.push_back(contig.name);
    contigs.insert(contigs.end(), facts.more_contigs.begin(), facts.more_contigs.end());
    for (std::size_t i = 0; i < contigs.size(); ++i)
      contig_numbers.emplace(contigs[i], static_cast<std::uint32_t>(i));
    if (positions.columns() != layout.columns() ||
        positions.sums().size() != BinRowLayout::kSummed || positions.sums()[0] != facts.records ||
        positions.sums()[1] != facts.bins || positions.rows() != facts.bins) {
      throw Error(Errc::corrupt_data, "open", subject,
                  "manifest and index disagree on the number of records");
    }
  }

  const Header& either_header() const noexcept { return header ? *header : definitions; }

  // The caller holds the mutex, or is the constructor.
  void load_header(const Context& context) const {
    const metadata::ObjectInfo& info = metadata.object(kHeaderObject);
    const std::string name = root->uri(info.path);
    Header loaded = Header::decode(read_object(*root, info, context), name);
    if (loaded.samples.size() != facts.samples) {
      throw Error(Errc::corrupt_data, "open", name,
                  "manifest and header disagree on the number of samples");
    }
    names.emplace(loaded.samples);
    header.emplace(std::move(loaded));
  }
  const Header& whole_header(const Context& context) const {
    const std::lock_guard lock(mutex);
    if (!header) load_header(context);
    return *header;
  }

  BinRow row_of(const index::IntervalTree::Row& row) const {
    if (row.key.sequence >= contigs.size())
      throw Error(Errc::corrupt_data, "read index", positions_subject, "a bin of no contig");
    return layout.decode(row.key, row.columns, positions_subject);
  }

  /// By bin; throws if one is there twice.
  std::vector<BinRow> in_input_order(std::vector<BinRow> rows) const {
    std::ranges::sort(rows, {}, &BinRow::bin);
    if (std::ranges::adjacent_find(rows, {}, &BinRow::bin) != rows.end())
      throw Error(Errc::corrupt_data, "read index", positions_subject, "a bin is there twice");
    return rows;
  }

  std::shared_ptr<storage::Storage> root;
  metadata::Metadata metadata;
  std::string subject;
  std::shared_ptr<storage::Storage> chunks;
  Facts facts;
  BinRowLayout layout;
  index::IntervalTree positions;
  std::string positions_subject;
  Header definitions;  // only where the header was not read at once
  std::vector<std::string> contigs;
  std::unordered_map<std::string, std::uint32_t> contig_numbers;
  mutable std::mutex mutex;
  mutable std::optional<Header> header;      // guarded by mutex until it is there
  mutable std::optional<SampleNames> names;  // with the header
};

Dataset::Dataset(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Dataset Dataset::open(const std::shared_ptr<storage::Storage>& root, const Context& context) {
  metadata::Committed committed = metadata::Manager(root).load(context);
  const std::string subject = root->uri(metadata::kManifestKey);
  metadata::require_format(committed.metadata, kFormat, kMajorVersion, subject);
  metadata::validate_json(committed.metadata.custom, nlohmann::json::parse(custom_schema()),
                          subject);
  return Dataset(std::make_shared<const Impl>(root, std::move(committed.metadata), context));
}

const metadata::Metadata& Dataset::metadata() const noexcept { return impl_->metadata; }
const std::shared_ptr<storage::Storage>& Dataset::root() const noexcept { return impl_->root; }
const std::shared_ptr<storage::Storage>& Dataset::chunk_storage() const noexcept {
  return impl_->chunks;
}
std::string Dataset::chunk_key(std::uint64_t number) const {
  return metadata().chunks.path(number);
}

const Header& Dataset::header(const Context& context) const { return impl_->whole_header(context); }
const Header& Dataset::definitions() const noexcept {
  return find_object(metadata(), kDefinitionsObject) != nullptr ? impl_->definitions
                                                                : impl_->either_header();
}
const std::vector<std::string>& Dataset::contigs() const noexcept { return impl_->contigs; }
std::optional<std::uint32_t> Dataset::find_contig(std::string_view name) const {
  const auto found = impl_->contig_numbers.find(std::string(name));
  return found == impl_->contig_numbers.end() ? std::nullopt : std::optional(found->second);
}
const std::vector<std::string>& Dataset::zone_keys() const noexcept {
  return impl_->facts.zone_keys;
}

std::size_t Dataset::samples() const noexcept { return impl_->facts.samples; }
std::size_t Dataset::groups() const noexcept { return impl_->facts.groups(); }
std::size_t Dataset::group_samples() const noexcept { return impl_->facts.group_samples; }
SampleRange Dataset::group(std::size_t number) const noexcept {
  const std::size_t first = number * group_samples();
  return {.first = first, .count = std::min(group_samples(), samples() - first)};
}

std::optional<std::size_t> Dataset::find_sample(std::string_view name,
                                                const Context& context) const {
  const metadata::ObjectInfo* info = find_object(metadata(), kSampleIndex);
  // Longer names are cut in the index.
  if (info == nullptr || name.size() >= index::kMaxKeyBytes) {
    static_cast<void>(header(context));
    return impl_->names->find(name);
  }
  const auto rows = open_tree<index::BTree>(root(), *info, context)
                        .find({index::KeyRange::exactly(std::string(name))}, context);
  if (rows.empty()) return std::nullopt;
  if (rows.size() > 1) {
    throw Error(Errc::invalid_argument, "find sample", name, "several samples have this name");
  }
  if (rows.front().columns.empty() || rows.front().columns[0] >= samples()) {
    throw Error(Errc::corrupt_data, "find sample", root()->uri(info->path),
                "it names a sample that is not there");
  }
  return rows.front().columns[0];
}

SampleTable Dataset::read_samples(const Context& context) const {
  const metadata::ObjectInfo& info = metadata().object(kSamplesObject);
  return SampleTable::decode(read_object(*root(), info, context), root()->uri(info.path));
}

std::uint64_t Dataset::records() const noexcept { return impl_->facts.records; }
std::uint64_t Dataset::bins() const noexcept { return impl_->facts.bins; }
bool Dataset::crlf() const noexcept { return impl_->facts.crlf; }
bool Dataset::final_newline() const noexcept { return impl_->facts.final_newline; }
bool Dataset::in_order() const noexcept { return impl_->facts.in_order; }

std::vector<BinRow> Dataset::find_bins(const std::vector<index::Interval>& intervals,
                                       const Context& context) const {
  std::vector<BinRow> bins;
  for (const auto& row : impl_->positions.find(intervals, context))
    bins.push_back(impl_->row_of(row));
  return impl_->in_input_order(std::move(bins));
}

std::vector<BinRow> Dataset::all_bins(const Context& context) const {
  std::vector<BinRow> bins;
  impl_->positions.for_each(
      [&](const index::IntervalTree::Row& row) { bins.push_back(impl_->row_of(row)); }, context);
  return impl_->in_input_order(std::move(bins));
}

std::vector<IdBin> Dataset::find_ids(const std::vector<std::string>& ids,
                                     const Context& context) const {
  const metadata::ObjectInfo& info = metadata().object(kVariantIndex);
  const auto fail = [&] {
    throw Error(Errc::corrupt_data, "find IDs", root()->uri(info.path),
                "it names a record that is not there");
  };
  std::vector<index::KeyRange> wanted;
  for (const std::string& id : ids) wanted.push_back(index::KeyRange::exactly(id_key(id)));
  std::map<std::uint64_t, std::vector<std::uint32_t>> records;  // by the bin's place in the index
  for (const auto& row : open_tree<index::BTree>(root(), info, context).find(wanted, context)) {
    if (row.columns.size() != 1 || row.columns[0] / kBinRecords >= bins()) fail();
    records[row.columns[0] / kBinRecords].push_back(
        static_cast<std::uint32_t>(row.columns[0] % kBinRecords));
  }
  std::vector<std::uint64_t> places;
  for (const auto& [place, of_bin] : records) places.push_back(place);
  std::vector<IdBin> found;
  auto of_bin = records.begin();
  for (const auto& row : impl_->positions.at(places, context)) {
    IdBin& bin = found.emplace_back(
        IdBin{.row = impl_->row_of(row), .records = std::move((of_bin++)->second)});
    std::ranges::sort(bin.records);
    bin.records.erase(std::unique(bin.records.begin(), bin.records.end()), bin.records.end());
    if (bin.records.back() >= bin.row.records()) fail();
  }
  std::ranges::sort(found, {}, [](const IdBin& bin) { return bin.row.bin; });
  return found;
}

}  // namespace cnf::vcfs3
