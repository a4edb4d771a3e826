// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <fmt/core.h>

#include "cnf/core/compress/integers.h"
#include "cnf/core/index/page_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"

namespace cnf::index {

/// What a parent tells of one of its children.
template <typename Traits>
struct Child {
  typename Traits::Bounds bounds;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::uint32_t crc32c = 0;
  std::uint64_t rows = 0;
  std::vector<std::uint64_t> sums;

  [[nodiscard]] std::uint64_t end() const noexcept { return offset + length; }
};

template <typename Traits>
struct LeafPage {
  std::vector<typename Traits::Key> keys;
  std::vector<std::vector<std::uint64_t>> columns;  // each as long as keys
};

template <typename Traits>
struct InnerPage {
  unsigned level = 1;  // of its children plus one
  std::vector<Child<Traits>> children;
};

template <typename Traits>
using TreePage = std::variant<LeafPage<Traits>, InnerPage<Traits>>;

/// What a page amounts to, for its parent.
template <typename Traits>
struct Summary {
  unsigned level = 0;
  std::uint64_t rows = 0;
  typename Traits::Bounds bounds;
  std::vector<std::uint64_t> sums;
};

template <typename Traits>
[[nodiscard]] Summary<Traits> summarize(const LeafPage<Traits>& page, std::size_t summed) {
  Summary<Traits> summary{.level = 0, .rows = page.keys.size(), .bounds = {}, .sums = {}};
  for (std::size_t i = 0; i < page.keys.size(); ++i) {
    const auto bounds = Traits::Codec::bounds_of(page.keys[i]);
    if (i == 0) {
      summary.bounds = bounds;
    } else {
      Traits::Codec::extend(summary.bounds, bounds);
    }
  }
  summary.sums.resize(summed);
  for (std::size_t c = 0; c < summed; ++c) {
    for (const std::uint64_t value : page.columns[c]) summary.sums[c] += value;
  }
  return summary;
}

template <typename Traits>
[[nodiscard]] Summary<Traits> summarize(const InnerPage<Traits>& page, std::size_t summed) {
  Summary<Traits> summary{.level = page.level, .rows = 0, .bounds = {}, .sums = {}};
  summary.sums.resize(summed);
  bool first = true;
  for (const Child<Traits>& child : page.children) {
    if (first) {
      summary.bounds = child.bounds;
    } else {
      Traits::Codec::extend(summary.bounds, child.bounds);
    }
    first = false;
    summary.rows += child.rows;
    for (std::size_t c = 0; c < summed; ++c) summary.sums[c] += child.sums[c];
  }
  return summary;
}

template <typename Traits>
[[nodiscard]] Buffer encode_page(const LeafPage<Traits>& page) {
  Buffer raw;
  ByteWriter out(raw);
  out.put(std::uint8_t{0});
  out.put_varint(page.keys.size());
  Traits::Codec::put_keys(page.keys, out);
  for (const auto& column : page.columns) compress::put_column(column, out);
  return raw;
}

template <typename Traits>
[[nodiscard]] Buffer encode_page(const InnerPage<Traits>& page, std::size_t summed) {
  const std::size_t count = page.children.size();
  std::vector<typename Traits::Bounds> bounds;
  std::vector<std::uint64_t> gaps;  // from one child's end to the next one's beginning
  std::vector<std::uint64_t> lengths;
  std::vector<std::uint64_t> rows;
  std::uint64_t end = 0;
  for (const Child<Traits>& child : page.children) {
    bounds.push_back(child.bounds);
    gaps.push_back(child.offset - end);
    lengths.push_back(child.length);
    rows.push_back(child.rows);
    end = child.end();
  }

  Buffer raw;
  ByteWriter out(raw);
  out.put(static_cast<std::uint8_t>(page.level));
  out.put_varint(count);
  Traits::Codec::put_bounds(bounds, out);
  compress::put_varints(gaps, out);
  compress::put_column(lengths, out);
  for (const Child<Traits>& child : page.children) out.put(child.crc32c);
  compress::put_column(rows, out);
  std::vector<std::uint64_t> sums(count);
  for (std::size_t c = 0; c < summed; ++c) {
    for (std::size_t i = 0; i < count; ++i) sums[i] = page.children[i].sums[c];
    compress::put_column(sums, out);
  }
  return raw;
}

template <typename Traits>
[[nodiscard]] LeafPage<Traits> decode_leaf(ByteReader& in, const TreeShape& shape) {
  const std::uint64_t count = in.get_count(Traits::Codec::kMinKeyBytes + shape.columns);
  if (count > kMaxPageEntries) in.fail(fmt::format("a page of {} rows", count));
  LeafPage<Traits> page;
  page.keys = Traits::Codec::get_keys(in, count);
  page.columns.resize(shape.columns);
  for (auto& column : page.columns) {
    column.resize(count);
    compress::get_column(in, column);
  }
  return page;
}

/// \param own_offset  of the page in the saved tree: its children lie before it, apart and in
/// order,
///                    so that no page is its own ancestor.
template <typename Traits>
[[nodiscard]] InnerPage<Traits> decode_inner(ByteReader& in, const TreeShape& shape, unsigned level,
                                             std::uint64_t own_offset) {
  constexpr std::size_t kPlaceBytes = 1 + 1 + 4 + 1;  // gap, length, crc32c, rows
  const std::uint64_t count =
      in.get_count(Traits::Codec::kMinBoundsBytes + kPlaceBytes + shape.summed);
  if (count == 0 || count > kMaxPageEntries) in.fail(fmt::format("a page of {} children", count));
  const auto bounds = Traits::Codec::get_bounds(in, count);
  std::vector<std::uint64_t> gaps(count);
  std::vector<std::uint64_t> lengths(count);
  std::vector<std::uint64_t> rows(count);
  compress::get_varints(in, gaps);
  compress::get_column(in, lengths);
  InnerPage<Traits> page;
  page.level = level;
  page.children.resize(count);
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Child<Traits>& child = page.children[i];
    if (lengths[i] == 0 || lengths[i] > kMaxStoredBytes) {
      in.fail(fmt::format("a child page of {} bytes", lengths[i]));
    }
    if (gaps[i] > own_offset - end || lengths[i] > own_offset - end - gaps[i]) {
      in.fail("a child page that does not lie before its parent");
    }
    child.bounds = bounds[i];
    child.offset = end + gaps[i];
    child.length = lengths[i];
    child.crc32c = in.get<std::uint32_t>();
    end = child.end();
  }
  compress::get_column(in, rows);
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    page.children[i].rows = rows[i];
    page.children[i].sums.resize(shape.summed);
    total += rows[i];
    if (rows[i] == 0 || total < rows[i]) in.fail("a child page with an impossible number of rows");
  }
  std::vector<std::uint64_t> sums(count);
  for (std::size_t c = 0; c < shape.summed; ++c) {
    compress::get_column(in, sums);
    for (std::size_t i = 0; i < count; ++i) page.children[i].sums[c] = sums[i];
  }
  return page;
}

/// Decodes a page as stored. Throws Error corrupt_data, naming `subject`.
template <typename Traits>
[[nodiscard]] TreePage<Traits> decode_page(ByteSpan stored, const TreeShape& shape,
                                           std::uint64_t own_offset, std::string_view subject) {
  const Buffer raw = unpack_page(stored, subject);
  const std::string place =
      fmt::format("{}, page", subject);  // offsets from here on are in the page
  ByteReader in(raw, place);
  const auto level = in.get<std::uint8_t>();
  if (level >= kMaxLevels) in.fail(fmt::format("a page of level {}", level));
  TreePage<Traits> page;
  if (level == 0) {
    page = decode_leaf<Traits>(in, shape);
  } else {
    page = decode_inner<Traits>(in, shape, level, own_offset);
  }
  if (!in.at_end()) in.fail("bytes behind the end of the page");
  return page;
}

}  // namespace cnf::index
