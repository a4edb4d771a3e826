// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// What a web server offers below "http://HOST" or "https://HOST", to be read.
///
/// Keys are paths. Redirections are followed. A server that ignores ranges is borne for objects of
/// up to 16 MiB, which are then read whole; larger ones are Error unsupported. Listing, writing and
/// removing are unsupported: HTTP itself has no such thing.
/// \param base   scheme, host and port.
/// \param query  sent with every request ("X-Amz-Signature=…", a token); may be a secret, so no
///               error and no URI shows it.
/// Throws Error invalid_argument if `base` or `query` is none.
[[nodiscard]] std::shared_ptr<Storage> open_http(std::string_view base, std::string_view query,
                                                 const Options& options);

}  // namespace cnf::storage
