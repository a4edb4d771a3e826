// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "cnf/core/storage/http_engine_internal.h"

namespace cnf::storage {

/// Signs requests for S3 and reads its errors: XML bodies, also inside a 200, and the bucket's
/// region.
class S3Dialect final : public HttpDialect {
 public:
  /// \param credentials  nullopt: sign nothing.
  S3Dialect(std::string region, std::optional<Credentials> credentials)
      : region_(std::move(region)), credentials_(std::move(credentials)) {}

  void sign(HttpRequest& request) override;
  [[nodiscard]] std::optional<HttpFailure> judge(const HttpRequest& request,
                                                 const HttpResponse& response) override;

  /// The request's URL, signed by its query: whoever has it may send the request for `ttl`.
  [[nodiscard]] std::string presign(HttpRequest request, std::chrono::seconds ttl) const;

 private:
  [[nodiscard]] SigningScope scope() const;

  std::string region_;
  std::optional<Credentials> credentials_;
};

}  // namespace cnf::storage
