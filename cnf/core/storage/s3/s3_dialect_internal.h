// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/credentials/renewable_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/s3/s3_location_internal.h"
#include "cnf/core/storage/s3/s3_xml_internal.h"
#include "cnf/core/storage/s3/sigv4_internal.h"
#include "cnf/core/util/context.h"

namespace cnf::storage {

/// Signs requests for S3 and reads its errors: XML bodies, also inside a 200, and what they say
/// about where the bucket is, which later requests follow.
class S3Dialect final : public HttpDialect {
 public:
  /// Asks for the bucket's region where an answer says that it is another, but not which; empty if
  /// that cannot be found out. Runs on a thread of its own.
  using FindRegion = std::function<std::string(const Context&)>;

  /// \param credentials  null: sign nothing.
  S3Dialect(std::shared_ptr<S3Location> location,
            std::shared_ptr<Renewable<Credentials>> credentials, FindRegion find_region)
      : location_(std::move(location)),
        credentials_(std::move(credentials)),
        find_region_(std::move(find_region)) {}

  [[nodiscard]] bool ready(const std::function<void()>& resume) override;
  void sign(HttpRequest& request) override;
  [[nodiscard]] std::optional<HttpFailure> judge(const HttpRequest& request,
                                                 const HttpResponse& response) override;

  /// The request's URL, signed by its query: whoever has it may send the request for `ttl`. Waits
  /// for credentials that have to be asked for, and throws what Renewable::wait throws.
  [[nodiscard]] std::string presign(HttpRequest request, std::chrono::seconds ttl) const;

 private:
  [[nodiscard]] SigningScope scope() const;
  void relocate(const HttpRequest& request, const HttpResponse& response,
                const std::optional<S3Error>& error, HttpFailure& failure);

  const std::shared_ptr<S3Location> location_;
  const std::shared_ptr<Renewable<Credentials>> credentials_;

  // On the engine's thread alone.
  FindRegion find_region_;                          // empty once it is asked
  std::unique_ptr<Renewable<std::string>> search_;  // while it is under way
  HttpRequest searching_;                           // the request whose answer began it
  SigningKey signing_key_;
};

}  // namespace cnf::storage
