// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/storage/http/http_engine_internal.h"

/// The multipart documents of Blob Batch, as pure functions.
/// Source: "Blob Batch", Azure Storage services REST API reference.
namespace cnf::storage {

inline constexpr std::size_t kMostInAzureBatch = 256;

/// A body of requests that have no bodies, each with its number from 0 as Content-ID.
[[nodiscard]] std::string spell_azure_batch(std::span<const HttpRequest> requests,
                                            std::string_view boundary);

/// What became of one request of a batch.
struct AzureBatchPart {
  int status = 0;    ///< HTTP's; 0 if the answer says nothing about it that can be read.
  std::string code;  ///< x-ms-error-code; empty if there is none.
};
/// What became of each of `count` requests, by Content-ID.
/// \param content_type  of the answer; it names the boundary.
[[nodiscard]] std::vector<AzureBatchPart> parse_azure_batch(std::string_view body,
                                                            std::string_view content_type,
                                                            std::size_t count);

}  // namespace cnf::storage
