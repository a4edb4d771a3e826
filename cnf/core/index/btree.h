// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cnf/core/index/paged_tree.h"

namespace cnf::index {

/// Which byte-string keys are wanted: first <= key, and key < last if there is a last.
struct KeyRange {
  std::string first;
  std::optional<std::string> last = {};

  [[nodiscard]] static KeyRange all() { return {}; }
  [[nodiscard]] static KeyRange exactly(std::string key);
  [[nodiscard]] static KeyRange with_prefix(std::string prefix);
};

/// No key of a tree is longer: names and ids are not, and a page holds two of them at least.
inline constexpr std::size_t kMaxKeyBytes = 4096;

/// Keys are byte strings in ascending order (as unsigned bytes); equal ones may repeat. A query
/// finds the rows of all keys that lie in any of its ranges. Numbers become keys by
/// big_endian_key(), whose byte order is their order.
struct BTreeTraits {
  using Key = std::string;
  using Query = std::vector<KeyRange>;
  struct Bounds;
  struct Codec;
};
[[nodiscard]] std::string big_endian_key(std::uint64_t number);
/// Throws Error invalid_argument unless the key has eight bytes.
[[nodiscard]] std::uint64_t number_of_key(const std::string& key);

using BTreeBuilder = TreeBuilder<BTreeTraits>;
using BTree = Tree<BTreeTraits>;

extern template class TreeBuilder<BTreeTraits>;
extern template class Tree<BTreeTraits>;

}  // namespace cnf::index
