// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the tests of trees share.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/index/paged_tree.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::index::testing {

/// A saved tree and what its builder said about it.
struct Saved {
  Buffer bytes;
  TreeInfo info;
};

template <typename Traits>
struct AddedRow {
  typename Traits::Key key;
  std::vector<std::uint64_t> columns;
};

template <typename Traits>
Saved build(const TreeOptions& options, const std::vector<AddedRow<Traits>>& rows) {
  Saved saved;
  TreeBuilder<Traits> builder(options, [&](ByteSpan bytes) { saved.bytes.append(bytes); });
  for (const auto& row : rows) builder.add(row.key, row.columns);
  saved.info = builder.finish();
  return saved;
}

/// Counts the round trips, pages and bytes that another source serves.
class CountingPages final : public PageSource {
 public:
  explicit CountingPages(std::shared_ptr<const PageSource> inner) : inner_(std::move(inner)) {}

  void read(std::span<const Page> wanted, const Context& context) const override {
    ++reads;
    pages += wanted.size();
    for (const Page& page : wanted) bytes += page.into.size();
    inner_->read(wanted, context);
  }
  [[nodiscard]] const std::string& subject() const noexcept override { return inner_->subject(); }

  mutable std::atomic<std::size_t> reads{0};
  mutable std::atomic<std::size_t> pages{0};
  mutable std::atomic<std::size_t> bytes{0};

 private:
  std::shared_ptr<const PageSource> inner_;
};

inline std::shared_ptr<const CountingPages> counting_pages(const Saved& saved) {
  return std::make_shared<const CountingPages>(
      memory_pages(Buffer::copy_of(saved.bytes), "memory:test/_index/t.idx"));
}

/// The rows as (key, columns) pairs, which gtest can compare and print.
template <typename Traits>
using Pairs = std::vector<std::pair<typename Traits::Key, std::vector<std::uint64_t>>>;

template <typename Traits, typename Rows>
Pairs<Traits> pairs_of(const Rows& rows) {
  Pairs<Traits> pairs;
  for (const auto& row : rows) pairs.emplace_back(row.key, row.columns);
  return pairs;
}

template <typename Traits>
Pairs<Traits> scan(const Tree<Traits>& tree) {
  Pairs<Traits> pairs;
  tree.for_each([&](const auto& row) { pairs.emplace_back(row.key, row.columns); }, {});
  return pairs;
}

template <typename Call>
Error error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return {Errc::internal, "expect", "an error", "none was thrown"};
}

}  // namespace cnf::index::testing
