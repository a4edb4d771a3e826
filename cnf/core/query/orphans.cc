// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/index/btree.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/chunk_rows_internal.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::query {
namespace {

// The first segment of a key, which is taken off with its '/'.
std::string_view take_segment(std::string_view& key) {
  const std::string_view segment = key.substr(0, key.find('/'));
  key.remove_prefix(std::min(segment.size() + 1, key.size()));
  return segment;
}

bool has_only(std::string_view text, std::string_view characters) {
  return text.find_first_not_of(characters) == std::string_view::npos;
}

// What NewDataset::id() looks like: arrays lie below one where another dataset lay before.
bool is_id(std::string_view segment) {
  return segment.size() == 16 && has_only(segment, "0123456789abcdef");
}

/// A key as this library's writers name objects in groups, taken apart.
struct OurKey {
  bool ours = false;
  std::string_view label;  // of "labels/<label>/…"; else empty
};

// "__cnf/…", "0/zarr.json", "0/c/1/2/3", "<id>/0/…", and arrays below "labels/<label>/".
OurKey parse_key(std::string_view key) {
  if (key.starts_with("__cnf/")) return {.ours = true, .label = {}};
  OurKey result;
  std::string_view segment = take_segment(key);
  if (segment == "labels") {
    result.label = take_segment(key);
    segment = take_segment(key);
  }
  if (is_id(segment)) {
    result.ours = key == "zarr.json";
    segment = take_segment(key);
  }
  const bool level = !segment.empty() && segment.size() <= 2 && has_only(segment, "0123456789");
  result.ours |= level && (key == "zarr.json" || key.starts_with("c/"));
  return result;
}

class GroupOrphans {
 public:
  GroupOrphans(const Dataset& dataset, const Context& context)
      : dataset_(dataset), context_(context), listing_(dataset.root->list({}, context)) {
    for (const metadata::ObjectInfo& object : dataset.manifest().objects) {
      objects_.insert(object.path);
      note_label(object.path);
    }
  }

  // Both the listing and the chunk index ascend, so that one walk over both tells them apart.
  std::vector<storage::FileInfo> find() {
    next_ = listing_.next();
    if (dataset_.manifest().chunks.named_by_format()) {
      open_chunk_index(dataset_.root, dataset_.manifest(), context_)
          .for_each([this](const index::BTree::Row& row) { pass(row); }, context_);
    }
    for (; next_; next_ = listing_.next()) consider();
    std::erase_if(found_, [this](const storage::FileInfo& info) {
      const std::string_view label = parse_key(info.key).label;
      return !label.empty() && !labels_.contains(label);
    });
    return std::move(found_);
  }

 private:
  void pass(const index::BTree::Row& row) {
    const std::string path = path_of(row, dataset_.manifest());
    if (path <= last_) {
      throw Error(Errc::corrupt_data, "list orphans of", dataset_.root->uri(),
                  "its chunk index does not ascend");
    }
    last_ = path;
    note_label(path);
    for (; next_ && next_->key < path; next_ = listing_.next()) consider();
    if (next_ && next_->key == path) next_ = listing_.next();
  }

  void consider() {
    if (parse_key(next_->key).ours && !objects_.contains(next_->key)) found_.push_back(*next_);
  }

  void note_label(std::string_view path) {
    const std::string_view label = parse_key(path).label;
    if (!label.empty()) labels_.emplace(label);
  }

  const Dataset& dataset_;
  const Context& context_;
  storage::Listing listing_;
  std::optional<storage::FileInfo> next_;
  std::string last_;
  std::set<std::string, std::less<>> objects_;
  std::set<std::string, std::less<>> labels_;  // of this dataset; others' are left alone
  std::vector<storage::FileInfo> found_;
};

}  // namespace

std::vector<storage::FileInfo> find_orphans(const Dataset& dataset, const Context& context) {
  if (dataset.committed.place() == metadata::Place::group) {
    return GroupOrphans(dataset, context).find();
  }
  return metadata::Manager(dataset.root).orphans(dataset.manifest(), context);
}

}  // namespace cnf::query
