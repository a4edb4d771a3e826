// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "cnf/cli/transfer.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"

namespace cnf::cli {

/// The MD5 that an ETag is, as S3 and those who follow it give it: of the bytes, or of the MD5s of
/// an upload's parts, followed by their number.
struct HashEtag {
  std::string_view text;
  std::uint64_t parts = 0;  ///< 0: of the bytes themselves.
};
/// Nullopt for an ETag that has another form, and so says nothing about the bytes.
[[nodiscard]] std::optional<HashEtag> parse_hash_etag(std::string_view etag);

/// What listings alone tell of whether `copy`, at the target, is what `source` is. Nullopt:
/// nothing.
[[nodiscard]] std::optional<bool> is_copy_by_lists(const Route& route,
                                                   const storage::FileInfo& source,
                                                   const storage::FileInfo& copy);

/// True if there is evidence that `copy` holds the bytes of `source`; size alone is none, unless
/// the route says so. In this order, whichever decides first: sizes; ETags that are MD5s; such an
/// ETag and the bytes of the side that is a local file; the bytes of both, if both are local files
/// or they are few; and that the copy was written after the source was changed last.
///
/// Cost: reads what it compares, in bounded memory. `part_size` is that of this program's uploads.
[[nodiscard]] bool is_copy(const Route& route, const storage::FileInfo& source,
                           const storage::FileInfo& copy, std::uint64_t part_size,
                           std::uint64_t window, const Context& context);

/// CRC32C of an object, read in pieces of `window` bytes.
[[nodiscard]] std::uint32_t content_crc(const storage::Storage& store,
                                        const storage::FileInfo& info, std::uint64_t window,
                                        const Context& context);

}  // namespace cnf::cli
