// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>

#include "cnf/core/storage/options.h"
#include "cnf/core/storage/prices.h"
#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// How ranges of a remote store are best joined.
///
/// latency: gaps that come in the time to a first byte, at 50 MiB/s; cost: gaps whose transfer
/// costs no more than a GET, or 1 MiB where transfer is free; automatic: 64 KiB. But for gaps of up
/// to 64 KiB, half of what is read must be wanted. \param first_byte  as measured; nullopt: 30 ms,
/// as within a region.
[[nodiscard]] ReadProfile remote_read_profile(Options::Objective objective,
                                              const PriceTable& prices,
                                              std::optional<std::chrono::microseconds> first_byte);

}  // namespace cnf::storage
