// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// What a fetch will send.
struct Forecast {
  std::uint64_t requests = 0;
  std::uint64_t bytes = 0;  ///< Gaps between joined ranges included.
};

/// What one call of Storage::fetch with these requests sends to a store of this profile, if none
/// fails. It is planned as fetch() plans, without I/O; of the buffers only the sizes are looked at,
/// so they may be null. Requests that fetch() would refuse count for nothing.
[[nodiscard]] Forecast forecast_fetch(std::span<const FetchRequest> requests,
                                      const ReadProfile& profile);

}  // namespace cnf::storage
