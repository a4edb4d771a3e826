// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cnf/core/storage/credentials/renewable_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"

namespace cnf::storage {

/// The path of Google's batch endpoint for Cloud Storage.
inline constexpr const char* kGcsBatchPath = "/batch/storage/v1";
/// The query parameter that says which resumable upload a request belongs to.
inline constexpr const char* kGcsUploadId = "upload_id";

/// Google Cloud Storage's JSON API: a bearer token, errors as JSON, also inside a batch, and
/// generations where HTTP has ETags.
class GcsDialect final : public HttpDialect {
 public:
  /// \param token  nullptr: send none.
  explicit GcsDialect(std::shared_ptr<Renewable<std::string>> token) : token_(std::move(token)) {}

  [[nodiscard]] bool ready(const std::function<void()>& resume) override;
  void sign(HttpRequest& request) override;
  [[nodiscard]] std::optional<HttpFailure> translate(HttpResponse& head) override;
  [[nodiscard]] std::optional<HttpFailure> judge(const HttpRequest& request,
                                                 const HttpResponse& response) override;

 private:
  const std::shared_ptr<Renewable<std::string>> token_;
};

}  // namespace cnf::storage
