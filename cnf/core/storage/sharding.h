// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// Spreads keys over 2^bits prefixes by the leading bits of their SHA-256, so that stores which
/// scale per prefix serve more requests. Total and stable: a key's prefix never changes.
class HashSharding {
 public:
  /// \param bits  4 to 8; anything else throws invalid_argument, for a typo would scatter data.
  explicit HashSharding(int bits);

  [[nodiscard]] int bits() const noexcept { return bits_; }
  [[nodiscard]] int prefixes() const noexcept { return 1 << bits_; }
  /// Lower-case hex: one digit for 4 bits, two for 5 to 8.
  [[nodiscard]] std::string prefix(std::string_view key) const;
  /// The `index`-th of all prefixes, as prefix() spells it.
  [[nodiscard]] std::string prefix_at(int index) const;

 private:
  int bits_;
};

/// Stores every key of `inner` as "<prefix>/<key>"; lists without the prefix, in key order.
[[nodiscard]] std::shared_ptr<Storage> sharded(std::shared_ptr<Storage> inner,
                                               HashSharding sharding);

}  // namespace cnf::storage
