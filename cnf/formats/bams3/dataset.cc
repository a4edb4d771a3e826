// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/dataset.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/index/interval.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/query/table.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/flagstat.h"
#include "cnf/formats/bams3/group_row.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/layout.h"
#include "cnf/formats/bams3/record.h"

namespace cnf::bams3 {
namespace {

// An index this small is fetched together with a header that the manifest could not carry, so that
// a query still takes three round trips.
constexpr std::uint64_t kMaxPrefetchedIndex = std::uint64_t{4} << 20;

struct HeaderAndIndex {
  Buffer header;
  std::shared_ptr<const index::PageSource> pages;
};

HeaderAndIndex fetch_header_and_index(const std::shared_ptr<storage::Storage>& root,
                                      const metadata::Metadata& metadata, const Context& context) {
  const metadata::ObjectInfo& header = metadata.object(kHeaderObject);
  const metadata::ObjectInfo& groups = metadata.object(kGroupIndex);
  if (!header.inlined.empty()) {
    return {Buffer::copy_of(header.inlined), index::object_pages(root, groups.path)};
  }
  constexpr std::uint64_t kMaxHeader = std::uint64_t{1} << 30;
  if (header.length > kMaxHeader) {
    throw Error(Errc::corrupt_data, "open", root->uri(header.path),
                "a header of impossible length");
  }
  const bool with_index = groups.length <= kMaxPrefetchedIndex;
  Buffer header_bytes(header.length);
  Buffer index_bytes(with_index ? groups.length : 0);
  std::vector<storage::FetchRequest> requests;
  requests.push_back({.key = header.path, .into = header_bytes.span()});
  if (with_index) requests.push_back({.key = groups.path, .into = index_bytes.span()});
  root->fetch(requests, context);
  verify_crc32c(header_bytes, header.crc32c, root->uri(header.path));
  return {std::move(header_bytes),
          with_index ? index::memory_pages(std::move(index_bytes), root->uri(groups.path))
                     : index::object_pages(root, groups.path)};
}

}  // namespace

const std::string& custom_schema() {
  static const std::string schema = R"({
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "required": ["sort_order", "references", "records", "raw_bytes", "row_groups", "digests"],
    "properties": {
      "sort_order": {"enum": ["coordinate", "unsorted", "queryname"]},
      "references": {"type": "integer", "minimum": 0},
      "records": {"type": "integer", "minimum": 0},
      "raw_bytes": {"type": "integer", "minimum": 0},
      "row_groups": {"type": "integer", "minimum": 0},
      "digests": {
        "type": "object",
        "required": ["header_sha256", "records_sha256"],
        "properties": {
          "header_sha256": {"type": "string", "minLength": 64, "maxLength": 64},
          "records_sha256": {"type": "string", "minLength": 64, "maxLength": 64}
        }
      }
    }
  })";
  return schema;
}

Dataset::Dataset(std::shared_ptr<storage::Storage> root, metadata::Committed committed,
                 Header header, index::IntervalTree groups)
    : root_(std::move(root)),
      committed_(std::move(committed)),
      header_(std::move(header)),
      names_(bams3::reference_names(header_)),
      chunks_(metadata::Manager::chunk_storage(root_, committed_.metadata)),
      groups_(std::move(groups)),
      in_order_(committed_.metadata.custom.at("sort_order") == "coordinate") {}

Dataset Dataset::open(const std::shared_ptr<storage::Storage>& root, const Context& context) {
  metadata::Committed committed = metadata::Manager(root).load(context);
  const metadata::Metadata& metadata = committed.metadata;
  const std::string subject = root->uri(metadata::kManifestKey);
  metadata::require_format(metadata, kFormat, kMajorVersion, subject);
  metadata::validate_json(metadata.custom, nlohmann::json::parse(custom_schema()), subject);
  HeaderAndIndex parts = fetch_header_and_index(root, metadata, context);
  const metadata::ObjectInfo& info = metadata.object(kGroupIndex);
  index::IntervalTree groups = info.root.empty()
                                   ? index::IntervalTree::open(root, info.path, context)
                                   : index::IntervalTree(std::move(parts.pages), info.root);
  Header header = Header::decode(parts.header, root->uri(metadata.object(kHeaderObject).path));
  Dataset dataset(root, std::move(committed), std::move(header), std::move(groups));
  if (dataset.groups_.sums().size() < GroupRow::kSummedColumns ||
      dataset.records() != dataset.metadata().custom.at("records").get<std::uint64_t>()) {
    throw Error(Errc::corrupt_data, "open", subject,
                "manifest and index disagree on the number of records");
  }
  return dataset;
}

std::uint64_t Dataset::records() const noexcept { return groups_.sums()[0] + groups_.sums()[1]; }

Flagstat Dataset::flagstat() const { return GroupRow::total_flagstat(groups_.sums()); }

void Dataset::for_each_row(const std::function<void(const GroupRow&)>& visit,
                           const Context& context) const {
  const std::string subject = root_->uri(metadata().object(kGroupIndex).path);
  groups_.for_each(
      [&](const index::IntervalTree::Row& row) {
        visit(GroupRow::from(row.key, row.columns, subject));
      },
      context);
}

std::vector<GroupRow> Dataset::all_groups(const Context& context) const {
  std::vector<GroupRow> groups;
  for_each_row(
      [&](const GroupRow& row) {
        if (groups.empty() || groups.back().group != row.group) groups.push_back(row);
      },
      context);
  return groups;
}

std::vector<GroupRow> Dataset::find_groups(const std::vector<index::Interval>& intervals,
                                           const Context& context) const {
  const std::string subject = root_->uri(metadata().object(kGroupIndex).path);
  std::vector<GroupRow> groups;
  // Rows come in the order they were added, so those of one group stand together.
  for (const index::IntervalTree::Row& row : groups_.find(intervals, context)) {
    GroupRow const group = GroupRow::from(row.key, row.columns, subject);
    if (groups.empty() || groups.back().group != group.group) groups.push_back(group);
  }
  return groups;
}

}  // namespace cnf::bams3
