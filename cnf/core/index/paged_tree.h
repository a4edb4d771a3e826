// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"

namespace cnf::index {

/// The one saved form of every index: a static tree, packed into pages, root last.
///
/// A leaf page holds rows: a key and a fixed number of unsigned integers (`columns`), stored by
/// column. An inner page holds, per child, the child's bounds, its place and CRC32C, its number of
/// rows and the sum of each column below it, so that totals are answered without reading a leaf.
/// The root page lies last in the object with a trailer behind it: one GET of the tail opens it.
/// Its bytes are also given to the writer's caller, who may carry them (in the manifest), and then
/// opening costs no request at all. docs: cnf/core/index/README.md (bytes).
///
/// What a key and its bounds are is told by a Traits class: see btree.h, interval.h and rtree.h.

struct TreeOptions {
  std::size_t page_rows = 512;       ///< At most; fewer where they would exceed 256 KiB.
  std::size_t page_children = 4096;  ///< At most; fewer where they would exceed 32 KiB.
  std::size_t columns = 0;           ///< Integers per row, besides the key; at most 16,384.
  /// The first so many columns are summed; fewer sums make the root, and so each opening, smaller.
  std::size_t summed = std::numeric_limits<std::size_t>::max();
};

/// What a finished tree is; enough to open it again.
struct TreeInfo {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;   ///< Length of the whole saved form.
  std::uint32_t crc32c = 0;  ///< Of the whole saved form.
  Buffer root;               ///< The root page and the trailer as saved; they check themselves.
};

/// Where the pages of a saved tree come from: an object, or memory that holds all of it.
class PageSource {
 public:
  virtual ~PageSource() = default;
  struct Page {
    std::uint64_t offset = 0;
    MutableByteSpan into;
  };
  /// Reads many pages at once: one round trip. Throws Error corrupt_data past the object's end.
  virtual void read(std::span<const Page> pages, const Context& context) const = 0;
  [[nodiscard]] virtual const std::string& subject() const noexcept = 0;
};
[[nodiscard]] std::shared_ptr<const PageSource> object_pages(
    std::shared_ptr<const storage::Storage> storage, std::string key);
[[nodiscard]] std::shared_ptr<const PageSource> memory_pages(Buffer saved, std::string subject);

/// Builds a saved tree from rows that come in packing order, in memory proportional to its height
/// times a page, and writes it as it grows.
template <typename Traits>
class TreeBuilder {
 public:
  using Key = typename Traits::Key;
  using Sink = std::function<void(ByteSpan)>;

  /// Throws Error invalid_argument if an option is out of range.
  TreeBuilder(TreeOptions options, Sink sink);
  ~TreeBuilder();
  TreeBuilder(const TreeBuilder&) = delete;
  TreeBuilder& operator=(const TreeBuilder&) = delete;

  /// Throws Error invalid_argument if the key is out of order where Traits asks for one, or not one
  /// that Traits takes, or if there is another number of columns than the options say.
  void add(const Key& key, std::span<const std::uint64_t> columns);
  /// Writes what is left, the root and the trailer. The builder is done after it.
  [[nodiscard]] TreeInfo finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A saved tree, opened. Immutable; holds the root page only. Threads: concurrent use is fine.
///
/// A page is believed only after its CRC32C, and then only if its level, rows, bounds and sums are
/// those that its parent told: an answer is whole or it is an Error.
template <typename Traits>
class Tree {
 public:
  using Key = typename Traits::Key;
  using Query = typename Traits::Query;
  struct Row {
    Key key;
    std::vector<std::uint64_t> columns;
  };

  /// Opens with the root that the manifest carries (TreeInfo::root, or more of the saved tree's
  /// tail): no request. Throws Error corrupt_data, unsupported.
  Tree(std::shared_ptr<const PageSource> pages, ByteSpan root);
  /// Opens by reading the tail of the object: one request, two if the root exceeds 32 KiB. A tree
  /// that is no longer than that is then in memory, and queries send nothing. Throws not_found.
  [[nodiscard]] static Tree open(std::shared_ptr<const storage::Storage> storage, std::string key,
                                 const Context& context);

  /// All rows that match, each once, in the order they were added. One round trip per level below
  /// the root (and one more for each further 64 MiB of pages). Throws Error corrupt_data naming the
  /// object and the offset.
  [[nodiscard]] std::vector<Row> find(const Query& query, const Context& context) const;
  /// The rows that were added as the `ordinals`-th, counted from 0, which must ascend. Cost as
  /// find(). Throws Error invalid_argument if they do not ascend or there are fewer rows.
  [[nodiscard]] std::vector<Row> at(std::span<const std::uint64_t> ordinals,
                                    const Context& context) const;
  /// Every row, in order, page by page in bounded memory, for scans.
  void for_each(const std::function<void(const Row&)>& visit, const Context& context) const;

  [[nodiscard]] std::uint64_t rows() const noexcept;
  [[nodiscard]] std::size_t columns() const noexcept;
  /// The sum over all rows of each summed column, modulo 2^64; no request.
  [[nodiscard]] const std::vector<std::uint64_t>& sums() const noexcept;
  /// Levels of pages; 1 where the root holds the rows. A query's round trips are one fewer.
  [[nodiscard]] unsigned levels() const noexcept;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace cnf::index
