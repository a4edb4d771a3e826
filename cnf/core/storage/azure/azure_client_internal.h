// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/azure/azure_dialect_internal.h"
#include "cnf/core/storage/azure/azure_settings_internal.h"
#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/prices.h"
#include "cnf/core/storage/read_profile_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/retry.h"

namespace cnf::storage {

/// One container: where it is, how requests for it are spelled, and the engine that sends them.
///
/// Threads: every member may be called concurrently.
class AzureClient {
 public:
  /// \param container  as resolve_azure_settings() takes it; throws what that throws.
  AzureClient(std::string_view container, const Options& options, const Environment& environment,
              const RetryPolicy& retry);

  /// "az://container/key".
  [[nodiscard]] std::string uri(std::string_view key) const;
  /// As Storage::identity(): the container of its account, at its endpoint.
  [[nodiscard]] std::string identity() const { return "az " + copy_source({}); }
  /// A request about a blob, or about the container for "", with nothing in it yet.
  [[nodiscard]] HttpCall call(RequestKind kind, std::string_view doing, std::string_view method,
                              std::string_view key, const Context& context) const;
  /// Gives a call its body. Over plain http its MD5 goes along; over https TLS protects it.
  void set_body(HttpCall& call, ByteSpan body) const;

  [[nodiscard]] HttpOutcome run(HttpCall call) const { return engine_.run(std::move(call)); }
  void submit(HttpCall call, HttpEngine::Done done) const {
    engine_.submit(std::move(call), std::move(done));
  }

  /// The blob's URL, without a secret, as x-ms-copy-source wants it.
  [[nodiscard]] std::string copy_source(std::string_view key) const;
  /// A request for a batch, complete with what authorises it. On the engine's thread.
  [[nodiscard]] HttpRequest removal(std::string_view key) const;

  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] const PriceTable& prices() const noexcept { return prices_; }
  [[nodiscard]] ReadProfile read_profile() const {
    return remote_read_profile(options_.objective, prices_, engine_.first_byte());
  }

 private:
  AzureClient(AzureSettings settings, const Options& options, const Environment& environment,
              const RetryPolicy& retry);
  [[nodiscard]] HttpRequest request(std::string_view method, std::string_view key) const;

  const std::string container_;
  const std::string root_;
  const Endpoint endpoint_;
  const Options options_;
  const PriceTable& prices_;
  const std::shared_ptr<AzureDialect> dialect_;
  mutable HttpEngine engine_;
};

}  // namespace cnf::storage
