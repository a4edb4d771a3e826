// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_retry_internal.h"

namespace cnf::storage {

/// Signs nothing and takes HTTP at its word.
class PlainDialect final : public HttpDialect {
 public:
  void sign(HttpRequest& /*request*/) override {}
  [[nodiscard]] std::optional<HttpFailure> judge(const HttpRequest& /*request*/,
                                                 const HttpResponse& response) override {
    return failure_of_status(response.status);
  }
};

}  // namespace cnf::storage
