// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/azure/azure_settings_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"

namespace cnf::storage {

/// What Azure says of an answer's code: nothing if there is none.
struct AzureAnswer {
  std::string code;     ///< "BlobNotFound"
  std::string message;  ///< One line, cut to what may be shown.
};
/// By x-ms-error-code, else by an <Error> document.
[[nodiscard]] AzureAnswer read_azure_error(const HttpResponse& response);

/// Signs requests for Azure Blob Storage and reads its errors.
///
/// A request with x-ms-copy-source, a URL without a secret, is given the right to read that too.
class AzureDialect final : public HttpDialect {
 public:
  AzureDialect(std::string account, AzureSecrets secrets)
      : account_{std::move(account), std::move(secrets.account_key)},
        sas_(std::move(secrets.sas)),
        token_(std::move(secrets.token)) {}

  [[nodiscard]] bool ready(const std::function<void()>& resume) override;
  void sign(HttpRequest& request) override;
  [[nodiscard]] std::optional<HttpFailure> judge(const HttpRequest& request,
                                                 const HttpResponse& response) override;

  /// What sign() does, for a request that travels in a batch and has the batch's version.
  void authorize(HttpRequest& request) const;

 private:
  void authorize_source(HttpRequest& request) const;
  [[nodiscard]] std::string_view remedy() const noexcept;

  const AzureAccount account_;  // its key is empty if there is none
  const QueryParameters sas_;
  const std::shared_ptr<Renewable<std::string>> token_;
};

}  // namespace cnf::storage
