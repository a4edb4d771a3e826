// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Many requests in one, as Google's batch endpoints have it: multipart/mixed of application/http.
/// Source: "Batch requests", Cloud Storage documentation; RFC 2046, 5.1.
namespace cnf::storage {

/// The body of a batch of DELETE requests.
/// \param targets  path and query of each, percent-encoded.
[[nodiscard]] std::string batch_of_deletes(std::span<const std::string> targets,
                                           std::string_view boundary);

/// One answer of a batch.
struct BatchAnswer {
  std::size_t index = 0;  ///< Of its request, from 0.
  int status = 0;
  std::string_view body;  ///< In the text that was parsed.
};
/// Takes an answer apart; answers may come in any order, and some may be missing.
/// \param content_type  the answer's header, which has the boundary.
/// Throws Error corrupt_data, naming `subject`, for what is no such answer.
[[nodiscard]] std::vector<BatchAnswer> parse_batch_answer(std::string_view content_type,
                                                          std::string_view body,
                                                          std::string_view subject);

}  // namespace cnf::storage
