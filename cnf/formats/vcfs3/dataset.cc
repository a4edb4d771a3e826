// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/dataset.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/format.h>
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
#include "cnf/core/worker/pipeline.h"
#include "cnf/core/worker/pool.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/contig_name.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/id_hash.h"
#include "cnf/formats/vcfs3/layout.h"
#include "cnf/formats/vcfs3/sample_table.h"
#include "cnf/formats/vcfs3/site_page.h"
#include "cnf/formats/vcfs3/variant.h"

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
  IdBits id_bits;
  std::vector<std::string> more_contigs, zone_keys;

  Facts(const nlohmann::json& custom, const std::string& subject)
      : samples(custom.at("samples")),
        group_samples(custom.at("group_samples")),
        records(custom.at("records")),
        bins(custom.at("bins")),
        crlf(custom.at("text").at("crlf")),
        final_newline(custom.at("text").at("final_newline")),
        in_order(custom.at("in_order")),
        id_bits(IdBits::of(custom.at("id_bits"))),
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

/// Pages of a bin that may hold looked-up IDs.
struct IdPages {
  BinRow row;
  std::vector<std::size_t> pages;  // ascending
};

/// Reads the pages: which records do have one of the IDs?
IdBin records_with(const Dataset& dataset, IdPages candidate,
                   const std::unordered_set<std::string_view>& wanted, const Context& context) {
  IdBin found{.row = std::move(candidate.row)};
  const std::string key = dataset.chunk_key(found.row.chunk);
  std::vector<Buffer> cores;
  std::vector<storage::FetchRequest> requests;
  for (const std::size_t number : candidate.pages) {
    const PageRow& page = found.row.pages[number];
    cores.emplace_back(page.core_length);
    requests.push_back({.key = key, .offset = page.offset, .into = cores.back().span()});
  }
  dataset.chunk_storage()->fetch(requests, context);
  for (std::size_t i = 0; i < candidate.pages.size(); ++i) {
    const std::size_t number = candidate.pages[i];
    std::size_t first = 0;
    for (std::size_t p = 0; p < number; ++p) first += found.row.pages[p].records;
    SitePage page(cores[i], {}, found.row.pages[number].records,
                  fmt::format("{}@{}", key, found.row.pages[number].offset));
    for (std::size_t r = 0; r < page.records(); ++r) {
      const std::vector<std::string_view> ids = split_ids(page.site(r, {.id = true}).id);
      if (std::ranges::any_of(ids, [&](std::string_view id) { return wanted.contains(id); }))
        found.records.push_back(static_cast<std::uint32_t>(first + r));
    }
  }
  return found;
}

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

  /// The pages that the variant index names for any of the IDs, in the order of the input.
  std::vector<IdPages> pages_of(const std::unordered_set<std::string_view>& ids,
                                const Context& context) const {
    const metadata::ObjectInfo& info = metadata.object(kVariantIndex);
    const auto fail = [&] {
      throw Error(Errc::corrupt_data, "find IDs", root->uri(info.path),
                  "it names a page that is not there");
    };
    std::unordered_set<std::uint64_t> kept;
    std::vector<index::KeyRange> keys;
    for (const std::string_view id : ids) {
      const std::uint64_t hash = hash_id(id);
      if (kept.insert(facts.id_bits.kept_of(hash)).second)
        keys.push_back(index::KeyRange::exactly(index::big_endian_key(facts.id_bits.key_of(hash))));
    }
    std::set<std::uint64_t> pages;  // kBinPages × place of the bin in the index + page
    for (const auto& row : open_tree<index::BTree>(root, info, context).find(keys, context)) {
      if (row.columns.size() != 2 || row.columns[1] / kBinPages >= facts.bins) fail();
      if (kept.contains(row.columns[0])) pages.insert(row.columns[1]);
    }
    std::vector<std::uint64_t> places;
    for (const std::uint64_t page : pages) {
      if (places.empty() || places.back() != page / kBinPages) places.push_back(page / kBinPages);
    }
    std::vector<IdPages> found;
    auto page = pages.begin();
    for (const auto& row : positions.at(places, context)) {
      IdPages& bin = found.emplace_back(IdPages{.row = row_of(row), .pages = {}});
      const std::uint64_t place = places[found.size() - 1];
      for (; page != pages.end() && *page / kBinPages == place; ++page)
        bin.pages.push_back(*page % kBinPages);
      if (bin.pages.back() >= bin.row.pages.size()) fail();
    }
    std::ranges::sort(found, {}, [](const IdPages& bin) { return bin.row.bin; });
    return found;
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
  return open(root, metadata::Manager(root).load(context).metadata, context);
}

Dataset Dataset::open(const std::shared_ptr<storage::Storage>& root, metadata::Metadata manifest,
                      const Context& context) {
  const std::string subject = root->uri(metadata::kManifestKey);
  metadata::require_format(manifest, kFormat, kMajorVersion, subject);
  metadata::validate_json(manifest.custom, nlohmann::json::parse(custom_schema()), subject);
  return Dataset(std::make_shared<const Impl>(root, std::move(manifest), context));
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
IdBits Dataset::id_bits() const noexcept { return impl_->facts.id_bits; }
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
  const std::unordered_set<std::string_view> wanted(ids.begin(), ids.end());
  std::vector<IdPages> candidates = impl_->pages_of(wanted, context);
  std::vector<IdBin> found;
  std::size_t next = 0;
  worker::run_pipeline<IdPages, IdBin>(
      {.threads = std::min(worker::default_threads(), std::max<std::size_t>(candidates.size(), 1))},
      context,
      [&] {
        return next < candidates.size() ? std::optional(std::move(candidates[next++]))
                                        : std::nullopt;
      },
      [&](IdPages pages) { return records_with(*this, std::move(pages), wanted, context); },
      [&](IdBin bin) {
        if (!bin.records.empty()) found.push_back(std::move(bin));
      });
  return found;
}

}  // namespace cnf::vcfs3
