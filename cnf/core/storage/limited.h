// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "cnf/core/storage/storage.h"

namespace cnf::storage {

struct LimitOptions {
  double rate = 0;           ///< Requests a second, over any length of time; 0: no limit.
  unsigned burst = 0;        ///< Requests that may go at once after a pause; 0: those of a second.
  unsigned concurrency = 0;  ///< Requests under way at once; 0: no limit.
  /// Bytes of an upload that count as one request: Options::part_size of the store.
  std::uint64_t part_size = std::uint64_t{8} << 20;
};

/// A store that sends at most so many requests a second, and so many at once.
///
/// Each transfer of a fetch asks for its turn by itself, so a large fetch does not shut out a small
/// call: turns are given in the order in which they were asked for. Waiting ends at once when the
/// context stops, and at its deadline. A retry of the store beneath takes no turn of its own, and
/// each thousand keys of a removal take one. An object without a named ETag that is read in several
/// transfers is asked for its ETag first (one request more), so that one version is read.
///
/// Threads: none of its own; a fetch of several transfers uses up to 16 (at most `concurrency`)
/// while it lasts. Throws Error invalid_argument if rate is negative or not a number.
[[nodiscard]] std::shared_ptr<Storage> limited(std::shared_ptr<Storage> inner,
                                               const LimitOptions& options);

}  // namespace cnf::storage
