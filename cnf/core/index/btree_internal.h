// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "cnf/core/index/btree.h"
#include "cnf/core/index/page_internal.h"
#include "cnf/core/util/bytes.h"

namespace cnf::index {

struct BTreeTraits::Bounds {
  std::string first;
  std::string last;
  bool operator==(const Bounds&) const = default;
};

struct BTreeTraits::Codec {
  static constexpr TreeKind kKind = TreeKind::btree;
  static constexpr std::size_t kMinKeyBytes = 2;
  static constexpr std::size_t kMinBoundsBytes = 4;
  using Prepared = std::vector<KeyRange>;  // in order, apart, none empty

  static void check(const std::string& key, const std::string* previous);
  static std::size_t size(const std::string& key) noexcept;
  static std::size_t size(const Bounds& bounds) noexcept;

  static void put_keys(std::span<const std::string> keys, ByteWriter& out);
  static std::vector<std::string> get_keys(ByteReader& in, std::size_t count);
  static void put_bounds(std::span<const Bounds> all, ByteWriter& out);
  static std::vector<Bounds> get_bounds(ByteReader& in, std::size_t count);

  static Bounds bounds_of(const std::string& key) { return {key, key}; }
  static void extend(Bounds& bounds, const Bounds& next) { bounds.last = next.last; }

  static Prepared prepare(std::vector<KeyRange> query);
  static bool matches(const Prepared& wanted, const std::string& key) noexcept;
  static bool may_match(const Prepared& wanted, const Bounds& bounds) noexcept;
};

}  // namespace cnf::index
