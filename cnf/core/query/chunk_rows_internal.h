// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cnf/core/index/btree.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"

// What a dataset says of its chunks, for this package.
namespace cnf::query {

/// The chunk index that the manifest lists. Throws Error corrupt_data or not_found if it is not
/// there, unsupported.
[[nodiscard]] index::BTree open_chunk_index(const std::shared_ptr<storage::Storage>& root,
                                            const metadata::Metadata& manifest,
                                            const Context& context);

/// A chunk as the chunk index promises it.
struct ListedChunk {
  std::string path;  ///< In the chunk storage.
  std::uint64_t length = 0;
  std::uint32_t crc32c = 0;
};
/// check_columns() and path_of(). \param manifest  whose chunk index has that row.
[[nodiscard]] ListedChunk chunk_of(const index::BTree::Row& row, const metadata::Metadata& manifest,
                                   std::string_view subject);

/// Where the chunk lies; throws Error corrupt_data if no run has its number, or its path is none.
[[nodiscard]] std::string path_of(const index::BTree::Row& row, const metadata::Metadata& manifest);
/// What messages call the chunk: its number, or its path.
[[nodiscard]] std::string name_of(const index::BTree::Row& row, const metadata::Metadata& manifest);
/// Throws Error corrupt_data, naming `subject`, unless the columns are a length and a CRC32C.
void check_columns(const index::BTree::Row& row, std::string_view subject);

}  // namespace cnf::query
