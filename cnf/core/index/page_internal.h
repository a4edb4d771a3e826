// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cnf/core/index/paged_tree.h"
#include "cnf/core/util/buffer.h"

namespace cnf::index {

// What pages of every kind of tree have in common; README.md has the byte tables.

/// Bounds on what is written, and so on what is believed.
inline constexpr std::size_t kMaxPageBytes = std::size_t{1} << 20;  // before compression
inline constexpr std::size_t kMaxStoredBytes = kMaxPageBytes + 16;  // and the page's own head
inline constexpr std::size_t kMaxPageEntries = 65'536;              // rows or children of a page
inline constexpr std::size_t kMaxColumns = 16'384;
inline constexpr unsigned kMaxLevels =
    32;  // inner pages have two children: 2^32 pages, and to spare

/// A page is closed before it grows over these, uncompressed. A leaf: what decodes in about a
/// millisecond. An inner page: 100,000 rows of 30 columns stay in two levels.
inline constexpr std::size_t kLeafTarget = std::size_t{256} << 10;
inline constexpr std::size_t kInnerTarget = std::size_t{32} << 10;

/// Which keys a tree has; stands in its trailer.
enum class TreeKind : std::uint8_t { btree = 1, interval = 2, rtree = 3 };

struct TreeShape {
  TreeKind kind = TreeKind::btree;
  std::size_t columns = 0;
  std::size_t summed = 0;
};

/// The page as it is stored: compressed if that is smaller.
[[nodiscard]] Buffer pack_page(ByteSpan raw);
/// Throws Error corrupt_data.
[[nodiscard]] Buffer unpack_page(ByteSpan stored, std::string_view subject);

/// The last bytes of a saved tree; they say where the root is.
inline constexpr std::size_t kTrailerBytes = 32;
struct Trailer {
  std::uint64_t root_offset = 0;
  std::uint32_t root_length = 0;
  std::uint32_t root_crc32c = 0;
  TreeShape shape;
};
void put_trailer(const Trailer& trailer, Buffer& out);
/// Reads the trailer at the end of `tail`. Throws Error corrupt_data; unsupported for a tree of a
/// later version.
[[nodiscard]] Trailer get_trailer(ByteSpan tail, std::string_view subject);
/// The root page that lies before the trailer, its checksum verified. Throws Error corrupt_data.
[[nodiscard]] ByteSpan root_page(const Trailer& trailer, ByteSpan tail, std::string_view subject);

/// Throws Error corrupt_data if the saved tree has keys of another kind than `wanted`.
void check_kind(const Trailer& trailer, TreeKind wanted, std::string_view subject);

/// "s3://b/k@4096": the subject of what is wrong in a page.
[[nodiscard]] std::string page_subject(const PageSource& source, std::uint64_t offset);
[[noreturn]] void throw_corrupt(std::string_view subject, std::string_view why);

/// Throws Error invalid_argument if a page cannot be built so.
void check_options(const TreeOptions& options);

/// The tail of the saved tree `key`, root included, and where its other pages come from. At most
/// two requests; a tree that the first one holds whole is not asked for again.
struct OpenedTail {
  std::shared_ptr<const PageSource> pages;
  Buffer tail;
};
[[nodiscard]] OpenedTail read_tree_tail(std::shared_ptr<const storage::Storage> storage,
                                        std::string key, const Context& context);

}  // namespace cnf::index
