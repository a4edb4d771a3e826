// SPDX-License-Identifier: Apache-2.0
// Saved trees. The first part's first byte: 0, and the second part is a tree as it is saved; else
// the other parts are pages before compression, the root last, and the first part's bytes are kind,
// columns and summed columns. Checksums are then made right, for only what they let pass is
// decoded.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include "fuzz/harness.h"

#include "cnf/core/compress/integers.h"
#include "cnf/core/index/btree.h"
#include "cnf/core/index/btree_internal.h"
#include "cnf/core/index/interval.h"
#include "cnf/core/index/interval_internal.h"
#include "cnf/core/index/page_internal.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/index/rtree.h"
#include "cnf/core/index/rtree_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"

namespace {

using cnf::Buffer;
using cnf::ByteSpan;
using cnf::Errc;
using cnf::fuzz::require;
using cnf::fuzz::returns;
namespace index = cnf::index;

/// Puts into an inner page the checksums of its children, which lie in `before`.
template <typename Traits>
void mend_checksums(cnf::MutableByteSpan page, ByteSpan before) {
  cnf::ByteReader in(page, "page");
  if (in.get<std::uint8_t>() == 0) return;
  const std::uint64_t count = in.get_count(Traits::Codec::kMinBoundsBytes);
  (void)Traits::Codec::get_bounds(in, count);
  std::vector<std::uint64_t> gaps(count);
  std::vector<std::uint64_t> lengths(count);
  cnf::compress::get_varints(in, gaps);
  cnf::compress::get_column(in, lengths);
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (gaps[i] > before.size() - at || lengths[i] > before.size() - at - gaps[i]) return;
    const std::uint32_t sum = cnf::crc32c(before.subspan(at + gaps[i], lengths[i]));
    at += gaps[i] + lengths[i];
    const std::size_t place = in.offset();
    (void)in.get<std::uint32_t>();
    std::memcpy(page.data() + place, &sum, sizeof(sum));
  }
}

template <typename Traits>
Buffer tree_of(std::span<const ByteSpan> pages, index::Trailer trailer) {
  Buffer saved;
  for (const ByteSpan page : pages) {
    trailer.root_offset = saved.size();
    Buffer stored(1);
    stored.data()[0] = std::byte{0};  // not compressed
    stored.append(page);
    returns({Errc::corrupt_data},
            [&] { mend_checksums<Traits>(stored.span().subspan(1), saved.span()); });
    trailer.root_length = static_cast<std::uint32_t>(stored.size());
    trailer.root_crc32c = cnf::crc32c(stored);
    saved.append(stored);
  }
  index::put_trailer(trailer, saved);
  return saved;
}

index::IntervalTree::Query query_for(const index::Interval& key) { return {key}; }
index::BTree::Query query_for(const std::string& key) { return {index::KeyRange::exactly(key)}; }
index::RTree::Query query_for(const index::SpatialBox& key) { return {key}; }

/// Opens and walks the tree, and asks for some of its rows by their own keys.
template <typename Traits>
void read_tree(const Buffer& saved) {
  using Row = typename index::Tree<Traits>::Row;
  constexpr std::size_t kAsked = 4;
  const index::Tree<Traits> tree(index::memory_pages(Buffer::copy_of(saved), "input"), saved);
  std::vector<Row> first;
  std::uint64_t rows = 0;
  tree.for_each(
      [&](const Row& row) {
        if (rows++ < kAsked) first.push_back(row);
      },
      {});
  require(rows == tree.rows(), "a scan gives another number of rows than the root tells");
  for (const Row& row : first) {
    const std::vector<Row> found = tree.find(query_for(row.key), {});
    const auto is_same = [&](const Row& other) {
      return other.key == row.key && other.columns == row.columns;
    };
    require(std::ranges::any_of(found, is_same), "a row is not found by its own key");
  }
}

template <typename Traits>
void read_any(const Buffer& saved) {
  returns({Errc::corrupt_data, Errc::unsupported}, [&] { read_tree<Traits>(saved); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<ByteSpan> parts = cnf::fuzz::split_parts(cnf::fuzz::bytes_of(data, size));
  if (parts.size() < 2 || parts[0].size() < 3) return 0;
  const auto byte = [&](std::size_t i) { return std::to_integer<std::uint8_t>(parts[0][i]); };
  if (byte(0) == 0) {
    const Buffer saved = Buffer::copy_of(parts[1]);
    read_any<index::BTreeTraits>(saved);
    read_any<index::IntervalTraits>(saved);
    read_any<index::RTreeTraits>(saved);
    return 0;
  }
  const auto pages = std::span(parts).subspan(1);
  index::Trailer trailer;
  trailer.shape.columns = byte(1);
  trailer.shape.summed = byte(2);
  switch (byte(0) % 3) {
    case 0:
      trailer.shape.kind = index::TreeKind::rtree;
      read_any<index::RTreeTraits>(tree_of<index::RTreeTraits>(pages, trailer));
      break;
    case 1:
      trailer.shape.kind = index::TreeKind::btree;
      read_any<index::BTreeTraits>(tree_of<index::BTreeTraits>(pages, trailer));
      break;
    default:
      trailer.shape.kind = index::TreeKind::interval;
      read_any<index::IntervalTraits>(tree_of<index::IntervalTraits>(pages, trailer));
  }
  return 0;
}
