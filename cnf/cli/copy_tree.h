// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cnf/cli/place.h"
#include "cnf/cli/session.h"
#include "cnf/cli/transfer.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"

namespace cnf::cli {

struct CopyTotals {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
  std::uint64_t kept = 0;  ///< Those of the objects that were at the target already.
};

/// From the store of one place to that of another, as `how` says; the same store copies by itself.
[[nodiscard]] Route route_between(const Place& source, const Place& target, Route how);

/// What copying one object of `bytes` costs on the stores that bill.
[[nodiscard]] Usage usage_to_copy(const Route& route, std::uint64_t bytes, std::string_view source,
                                  std::string_view target, const Session& session);

/// All that lies below one place, to be copied below a key of another's store.
class Tree {
 public:
  /// Keeps references to both places.
  Tree(const Place& source, const Place& target, std::string target_key, const Route& how);

  [[nodiscard]] std::string target_uri() const { return route_.to->uri(target_key_); }
  /// Throws Error invalid_argument if the target is the source, or lies in it.
  void refuse_itself() const;
  /// Throws Error already_exists if anything lies below the target.
  void refuse_existing(const Context& context) const;

  /// Lists the source; and the target, if what is there may stay.
  [[nodiscard]] Usage estimate(std::string_view source, std::string_view target, CopyTotals& totals,
                               Session& session) const;
  /// Copies while it lists. Throws the first failure; what was copied by then stays, but no
  /// manifest, for manifests come last.
  CopyTotals copy(Session& session) const;

  /// An object of the source, its key below the place, and what is at the target under that.
  struct Pair {
    storage::FileInfo source;
    std::optional<storage::FileInfo> existing;
  };

 private:
  void for_each(const Context& context, const std::function<void(Pair)>& visit) const;

  const Place& source_;
  Route route_;
  std::string target_key_;
};

}  // namespace cnf::cli
