// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/prices.h"

namespace cnf::storage {

/// What a store's requests cost. `automatic` is decided by evidence that needs no request:
/// - a host that is not the provider's own (an appliance, a test server): region, its net is ours;
/// - this machine is the provider's, as its firmware or the variables of its container say: region,
///   for data is read where it lies, as the providers advise;
/// - else internet.
/// \param host  of the endpoint, with or without a port.
[[nodiscard]] const PriceTable& find_prices(Provider provider, Options::Network network,
                                            std::string_view host, const Environment& environment);

}  // namespace cnf::storage
