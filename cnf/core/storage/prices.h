// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cnf/core/storage/options.h"
#include "cnf/core/util/context.h"

namespace cnf::storage {

/// Whose price list holds. none: requests to it cost nothing (a disk, memory, a web server).
enum class Provider : std::uint8_t { none, s3, gcs, azure };

/// A provider's list price in US dollars, of the first tier, without free allowances.
///
/// A table is a value of its day; as_of says which. What storing costs is not in it.
struct PriceTable {
  std::string_view service;  ///< "S3 Standard, us-east-1"; empty if nothing costs anything.
  std::string_view as_of;    ///< Year and month in which the source said so.
  std::string_view source;   ///< The URL of the provider's list.
  std::array<double, kRequestKinds> usd_per_request{};  ///< By RequestKind.
  double usd_per_gib_out = 0;  ///< 2^30 bytes from the store to its reader; the other way is free.

  [[nodiscard]] constexpr double request_usd(RequestKind kind) const noexcept {
    return usd_per_request[static_cast<std::size_t>(kind)];
  }
  [[nodiscard]] constexpr double byte_usd() const noexcept {
    return usd_per_gib_out / (1024.0 * 1024 * 1024);
  }
  /// Of its requests and of the bytes that were fetched.
  [[nodiscard]] double price_usd(const Usage& usage) const noexcept;
};

/// The list of a provider for a reader that is so far away. `automatic` is taken for `region`.
[[nodiscard]] const PriceTable& price_table(Provider provider, Options::Network network) noexcept;

}  // namespace cnf::storage
