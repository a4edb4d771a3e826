// SPDX-License-Identifier: Apache-2.0
#pragma once

// How TreeBuilder and Tree work; included where they are instantiated (btree.cc, interval.cc,
// rtree.cc).
//
// A Traits has, besides Key and Query: Bounds, a value with ==, and Codec with
//   kKind, kMinKeyBytes, kMinBoundsBytes      what stands in the trailer; the least a key or bounds
//   take check(key, previous or nullptr)           throws Error invalid_argument size(key),
//   size(bounds)                   upper bounds of their encoded bytes put_keys, get_keys,
//   put_bounds, get_bounds  a page's worth; get_ check order and ranges bounds_of(key),
//   extend(bounds, next) Prepared prepare(query), matches(prepared, key), may_match(prepared,
//   bounds)

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/core.h>

#include "cnf/core/compress/integers.h"
#include "cnf/core/index/page_content_internal.h"
#include "cnf/core/index/page_internal.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::index {

/// One leaf and one inner page per level are being filled. A full page is written when the next
/// entry comes, never before: so no page is empty, and the topmost has two children or is the only
/// one.
template <typename Traits>
struct TreeBuilder<Traits>::Impl {
  using Codec = typename Traits::Codec;

  struct OpenInner {
    InnerPage<Traits> page;
    std::size_t bytes = 0;
  };

  Impl(TreeOptions given, Sink given_sink) : options(given), sink(std::move(given_sink)) {
    check_options(options);
    shape = {.kind = Codec::kKind,
             .columns = options.columns,
             .summed = std::min(options.summed, options.columns)};
    leaf.columns.resize(options.columns);
  }

  void add(const Key& key, std::span<const std::uint64_t> columns) {
    if (columns.size() != shape.columns) {
      throw Error(Errc::invalid_argument, "build index", "row",
                  fmt::format("it has {} columns, the tree {}", columns.size(), shape.columns));
    }
    Codec::check(key, last ? &*last : nullptr);
    std::size_t bytes = Codec::size(key);
    for (const std::uint64_t value : columns) bytes += compress::varint_size(value);
    if (leaf.keys.size() >= options.page_rows ||
        (!leaf.keys.empty() && leaf_bytes + bytes > kLeafTarget)) {
      flush_leaf();
    }
    leaf.keys.push_back(key);
    for (std::size_t c = 0; c < columns.size(); ++c) leaf.columns[c].push_back(columns[c]);
    leaf_bytes += bytes;
    last = key;
    ++rows;
  }

  TreeInfo finish() {
    std::size_t below_root = 0;
    if (!inner.empty()) flush_leaf();
    for (; below_root + 1 < inner.size(); ++below_root) flush_inner(below_root);

    Trailer trailer;
    trailer.shape = shape;
    trailer.root_offset = offset;
    TreeInfo info;
    info.rows = rows;
    info.root =
        pack_page(inner.empty() ? encode_page(leaf) : encode_page(inner.back().page, shape.summed));
    trailer.root_length = static_cast<std::uint32_t>(info.root.size());
    trailer.root_crc32c = cnf::crc32c(info.root);
    put_trailer(trailer, info.root);
    write(info.root);
    info.bytes = offset;
    info.crc32c = crc;
    return info;
  }

  void flush_leaf() {
    push(0, write_page(encode_page(leaf), summarize(leaf, shape.summed)));
    leaf.keys.clear();
    for (auto& column : leaf.columns) column.clear();
    leaf_bytes = 0;
  }

  void flush_inner(std::size_t at) {
    const InnerPage<Traits> full = std::exchange(inner[at].page, {});
    inner[at].bytes = 0;
    push(at + 1, write_page(encode_page(full, shape.summed), summarize(full, shape.summed)));
  }

  // Adds a finished page to the inner page at `at`, which holds pages of level `at`.
  void push(std::size_t at, Child<Traits> child) {
    constexpr std::size_t kPlaceBytes = 10 + 3 + 4 + 10;  // gap, length, crc32c, rows; at most
    std::size_t bytes = Codec::size(child.bounds) + kPlaceBytes;
    for (const std::uint64_t sum : child.sums) bytes += compress::varint_size(sum);
    if (at == inner.size()) inner.emplace_back();
    // Two at least, whatever their size: each level is at most half as long as the one below.
    if (inner[at].page.children.size() >= 2 &&
        (inner[at].page.children.size() >= options.page_children ||
         inner[at].bytes + bytes > kInnerTarget)) {
      flush_inner(at);
    }
    inner[at].page.level = static_cast<unsigned>(at) + 1;
    inner[at].page.children.push_back(std::move(child));
    inner[at].bytes += bytes;
  }

  Child<Traits> write_page(const Buffer& raw, Summary<Traits> summary) {
    const Buffer stored = pack_page(raw);
    Child<Traits> child{.bounds = std::move(summary.bounds),
                        .offset = offset,
                        .length = stored.size(),
                        .crc32c = cnf::crc32c(stored),
                        .rows = summary.rows,
                        .sums = std::move(summary.sums)};
    write(stored);
    return child;
  }

  void write(ByteSpan bytes) {
    sink(bytes);
    crc = cnf::crc32c(bytes, crc);
    offset += bytes.size();
  }

  TreeOptions options;
  Sink sink;
  TreeShape shape;
  LeafPage<Traits> leaf;
  std::size_t leaf_bytes = 0;
  std::vector<OpenInner> inner;
  std::optional<Key> last;
  std::uint64_t rows = 0;
  std::uint64_t offset = 0;
  std::uint32_t crc = 0;
};

template <typename Traits>
TreeBuilder<Traits>::TreeBuilder(TreeOptions options, Sink sink)
    : impl_(std::make_unique<Impl>(options, std::move(sink))) {}

template <typename Traits>
TreeBuilder<Traits>::~TreeBuilder() = default;

template <typename Traits>
void TreeBuilder<Traits>::add(const Key& key, std::span<const std::uint64_t> columns) {
  impl_->add(key, columns);
}

template <typename Traits>
TreeInfo TreeBuilder<Traits>::finish() {
  return impl_->finish();
}

template <typename Traits>
struct Tree<Traits>::Impl {
  using Codec = typename Traits::Codec;
  using Children = std::vector<Child<Traits>>;

  // Pages held at once: for a query's one round trip per level, and while a scan walks on.
  static constexpr std::uint64_t kQuerySlice = std::uint64_t{64} << 20;
  static constexpr std::uint64_t kScanSlice = std::uint64_t{4} << 20;

  Impl(std::shared_ptr<const PageSource> source, ByteSpan tail) : pages(std::move(source)) {
    const Trailer trailer = get_trailer(tail, pages->subject());
    check_kind(trailer, Codec::kKind, pages->subject());
    shape = trailer.shape;
    root = decode_page<Traits>(root_page(trailer, tail, pages->subject()), shape,
                               trailer.root_offset, page_subject(*pages, trailer.root_offset));
    total = std::visit([&](const auto& page) { return summarize(page, shape.summed); }, root);
  }

  // Reads a level's pages, `slice` bytes at a time, and gives each to `use` when it is verified.
  // `behind` is where the last page of this level ended: pages that lie in order are read once.
  template <typename Use>
  void read_level(std::span<const Child<Traits>> children, unsigned level, std::uint64_t slice,
                  std::uint64_t& behind, const Context& context, const Use& use) const {
    while (!children.empty()) {
      std::size_t count = 0;
      std::uint64_t bytes = 0;
      while (count < children.size() && (count == 0 || bytes + children[count].length <= slice)) {
        bytes += children[count++].length;
      }
      context.check("read index", pages->subject());
      Buffer buffer(bytes);
      std::vector<PageSource::Page> wanted;
      wanted.reserve(count);
      std::uint64_t at = 0;
      for (const Child<Traits>& child : children.first(count)) {
        if (child.offset < behind) {
          throw_corrupt(page_subject(*pages, child.offset), "the page is named twice");
        }
        behind = child.end();
        wanted.push_back({child.offset, buffer.span().subspan(at, child.length)});
        at += child.length;
      }
      pages->read(wanted, context);
      for (std::size_t i = 0; i < count; ++i) use(verified(children[i], level, wanted[i].into));
      children = children.subspan(count);
    }
  }

  TreePage<Traits> verified(const Child<Traits>& child, unsigned level, ByteSpan stored) const {
    const std::string subject = page_subject(*pages, child.offset);
    verify_crc32c(stored, child.crc32c, subject);
    TreePage<Traits> page = decode_page<Traits>(stored, shape, child.offset, subject);
    const Summary<Traits> summary =
        std::visit([&](const auto& it) { return summarize(it, shape.summed); }, page);
    if (summary.level != level || summary.rows != child.rows || summary.sums != child.sums ||
        !(summary.bounds == child.bounds)) {
      throw_corrupt(subject, "the page is not what its parent says");
    }
    return page;
  }

  static Row row_of(const LeafPage<Traits>& leaf, std::size_t at) {
    Row row;
    row.key = leaf.keys[at];
    row.columns.reserve(leaf.columns.size());
    for (const auto& column : leaf.columns) row.columns.push_back(column[at]);
    return row;
  }

  std::vector<Row> find(const Query& query, const Context& context) const {
    const auto wanted = Codec::prepare(query);
    std::vector<Row> rows;
    Children next;
    const auto take = [&](const TreePage<Traits>& page) {
      if (const auto* leaf = std::get_if<LeafPage<Traits>>(&page)) {
        for (std::size_t i = 0; i < leaf->keys.size(); ++i) {
          if (Codec::matches(wanted, leaf->keys[i])) rows.push_back(row_of(*leaf, i));
        }
        return;
      }
      for (const Child<Traits>& child : std::get<InnerPage<Traits>>(page).children) {
        if (Codec::may_match(wanted, child.bounds)) next.push_back(child);
      }
    };
    take(root);
    for (unsigned level = total.level; level > 0; --level) {
      const Children children = std::exchange(next, {});
      std::uint64_t behind = 0;
      read_level(std::span(children), level - 1, kQuerySlice, behind, context, take);
    }
    return rows;
  }

  // As find(), where a page's rows match by their place; `firsts` tells it of the level's pages.
  std::vector<Row> at(std::span<const std::uint64_t> ordinals, const Context& context) const {
    const bool ascend =
        std::ranges::adjacent_find(ordinals, std::ranges::greater_equal()) == ordinals.end();
    if (!ascend || (!ordinals.empty() && ordinals.back() >= total.rows)) {
      throw Error(Errc::invalid_argument, "read index", pages->subject(),
                  fmt::format("{} rows do not have the places asked for", total.rows));
    }
    std::vector<Row> rows;
    Children next;
    std::vector<std::uint64_t> firsts = {0};
    std::vector<std::uint64_t> next_firsts;
    std::size_t page_number = 0;
    const auto take = [&](const TreePage<Traits>& page) {
      std::uint64_t first = firsts[page_number++];
      const auto wanted_from = [&] { return std::ranges::lower_bound(ordinals, first); };
      if (const auto* leaf = std::get_if<LeafPage<Traits>>(&page)) {
        for (auto it = wanted_from(); it != ordinals.end() && *it - first < leaf->keys.size(); ++it)
          rows.push_back(row_of(*leaf, *it - first));
        return;
      }
      for (const Child<Traits>& child : std::get<InnerPage<Traits>>(page).children) {
        if (const auto it = wanted_from(); it != ordinals.end() && *it - first < child.rows) {
          next.push_back(child);
          next_firsts.push_back(first);
        }
        first += child.rows;
      }
    };
    if (!ordinals.empty()) take(root);
    for (unsigned level = total.level; level > 0; --level) {
      const Children children = std::exchange(next, {});
      firsts = std::exchange(next_firsts, {});
      page_number = 0;
      std::uint64_t behind = 0;
      read_level(std::span(children), level - 1, kQuerySlice, behind, context, take);
    }
    return rows;
  }

  struct Scan {
    const std::function<void(const Row&)>& visit;
    const Context& context;
    std::vector<std::uint64_t> behind;  // by level
  };

  // Depth first; the root's level bounds the depth, for each page is verified to lie one below.
  void walk(const TreePage<Traits>& page, Scan& scan) const {
    if (const auto* leaf = std::get_if<LeafPage<Traits>>(&page)) {
      Row row;
      row.columns.resize(leaf->columns.size());
      for (std::size_t i = 0; i < leaf->keys.size(); ++i) {
        row.key = leaf->keys[i];
        for (std::size_t c = 0; c < row.columns.size(); ++c) row.columns[c] = leaf->columns[c][i];
        scan.visit(row);
      }
      return;
    }
    const auto& inner = std::get<InnerPage<Traits>>(page);
    const unsigned level = inner.level - 1;
    read_level(std::span(inner.children), level, kScanSlice, scan.behind[level], scan.context,
               [&](const TreePage<Traits>& child) { walk(child, scan); });
  }

  std::shared_ptr<const PageSource> pages;
  TreeShape shape;
  TreePage<Traits> root;
  Summary<Traits> total;
};

template <typename Traits>
Tree<Traits>::Tree(std::shared_ptr<const PageSource> pages, ByteSpan root)
    : impl_(std::make_shared<const Impl>(std::move(pages), root)) {}

template <typename Traits>
Tree<Traits> Tree<Traits>::open(std::shared_ptr<const storage::Storage> storage, std::string key,
                                const Context& context) {
  OpenedTail opened = read_tree_tail(std::move(storage), std::move(key), context);
  return Tree(std::move(opened.pages), opened.tail);
}

template <typename Traits>
std::vector<typename Tree<Traits>::Row> Tree<Traits>::find(const Query& query,
                                                           const Context& context) const {
  return impl_->find(query, context);
}

template <typename Traits>
std::vector<typename Tree<Traits>::Row> Tree<Traits>::at(std::span<const std::uint64_t> ordinals,
                                                         const Context& context) const {
  return impl_->at(ordinals, context);
}

template <typename Traits>
void Tree<Traits>::for_each(const std::function<void(const Row&)>& visit,
                            const Context& context) const {
  typename Impl::Scan scan{visit, context, std::vector<std::uint64_t>(kMaxLevels)};
  impl_->walk(impl_->root, scan);
}

template <typename Traits>
std::uint64_t Tree<Traits>::rows() const noexcept {
  return impl_->total.rows;
}

template <typename Traits>
std::size_t Tree<Traits>::columns() const noexcept {
  return impl_->shape.columns;
}

template <typename Traits>
const std::vector<std::uint64_t>& Tree<Traits>::sums() const noexcept {
  return impl_->total.sums;
}

template <typename Traits>
unsigned Tree<Traits>::levels() const noexcept {
  return impl_->total.level + 1;
}

}  // namespace cnf::index
