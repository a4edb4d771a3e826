// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "cnf/core/index/btree.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/chunk_rows_internal.h"
#include "cnf/core/storage/keys.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::query {
namespace {

std::uint64_t number_of(const index::BTree::Row& row) {
  if (row.key.size() == sizeof(std::uint64_t)) return index::number_of_key(row.key);
  throw Error(Errc::corrupt_data, "find", "chunk", "its key is no number");
}

}  // namespace

index::BTree open_chunk_index(const std::shared_ptr<storage::Storage>& root,
                              const metadata::Metadata& manifest, const Context& context) {
  const metadata::ObjectInfo& listed = manifest.object(metadata::kChunkIndex);
  return listed.root.empty() ? index::BTree::open(root, listed.path, context)
                             : index::BTree(index::object_pages(root, listed.path), listed.root);
}

std::string path_of(const index::BTree::Row& row, const metadata::Metadata& manifest) {
  if (!manifest.chunks.named_by_format()) return manifest.chunks.path(number_of(row));
  try {
    storage::check_key("find", row.key, manifest.format);
  } catch (const Error& error) {
    throw Error(Errc::corrupt_data, "find", "chunk", error.what());
  }
  if (row.key == metadata::kGroupKey || row.key == metadata::kManifestKey) {
    throw Error(Errc::corrupt_data, "find", row.key, "the manifest is no chunk");
  }
  return row.key;
}

std::string name_of(const index::BTree::Row& row, const metadata::Metadata& manifest) {
  return manifest.chunks.named_by_format() ? row.key : std::to_string(number_of(row));
}

void check_columns(const index::BTree::Row& row, std::string_view subject) {
  if (row.columns.size() != 2 || row.columns[1] > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(Errc::corrupt_data, "read", subject, "its columns are not length and crc32c");
  }
}

ListedChunk chunk_of(const index::BTree::Row& row, const metadata::Metadata& manifest,
                     std::string_view subject) {
  check_columns(row, subject);
  return {path_of(row, manifest), row.columns[0], static_cast<std::uint32_t>(row.columns[1])};
}

}  // namespace cnf::query
