// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/credentials/renewable_internal.h"
#include "cnf/core/storage/gcs/gcs_dialect_internal.h"
#include "cnf/core/storage/gcs/gcs_json_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/prices.h"
#include "cnf/core/storage/read_profile_internal.h"
#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// What a bucket is opened with, once options and environment have been asked.
struct GcsSettings {
  Endpoint endpoint;
  std::string ca_bundle;                          ///< A file; empty: the system's.
  std::shared_ptr<Renewable<std::string>> token;  ///< nullptr: send none.
  const PriceTable* prices = &price_table(Provider::none, Options::Network::automatic);
};

/// gcs.h says where is looked. Throws Error invalid_argument, unauthenticated.
[[nodiscard]] GcsSettings resolve_gcs_settings(const Options& options,
                                               const Environment& environment);

/// One bucket: where it is, how requests for it are spelled, and the engine that sends them.
///
/// Threads: every member may be called concurrently.
class GcsClient {
 public:
  /// Throws Error invalid_argument for what is no bucket.
  GcsClient(std::string bucket, const Options& options, const GcsSettings& settings,
            const RetryPolicy& retry);

  /// "gs://bucket/key".
  [[nodiscard]] std::string uri(std::string_view key) const;
  /// As Storage::identity(): the bucket at its endpoint.
  [[nodiscard]] std::string identity() const { return "gs " + endpoint_.url() + " " + bucket_; }
  /// A request about an object, or about all objects for "". RequestKind::get asks for its bytes
  /// as they are stored, any other kind is about its resource.
  [[nodiscard]] HttpCall call(RequestKind kind, std::string_view doing, std::string_view method,
                              std::string_view key, const Context& context) const;
  /// A request that uploads an object. \param type  uploadType: "multipart" or "resumable".
  [[nodiscard]] HttpCall upload_call(std::string_view doing, std::string_view method,
                                     std::string_view type, std::string_view key,
                                     const Context& context) const;
  /// A batch, whose body and Content-Type are still missing.
  [[nodiscard]] HttpCall batch_call(std::string_view doing, const Context& context) const;
  /// Path and query of an object, percent-encoded, for a batch.
  [[nodiscard]] std::string target(std::string_view key) const;
  /// Copies `from` to `to`: one step of it.
  [[nodiscard]] HttpCall rewrite_call(std::string_view from, std::string_view to,
                                      const Context& context) const;

  [[nodiscard]] HttpOutcome run(HttpCall call) const { return engine_.run(std::move(call)); }
  void submit(HttpCall call, HttpEngine::Done done) const {
    engine_.submit(std::move(call), std::move(done));
  }

  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] ReadProfile read_profile() const {
    return remote_read_profile(options_.objective, prices(), engine_.first_byte());
  }
  [[nodiscard]] const PriceTable& prices() const noexcept { return *prices_; }

 private:
  [[nodiscard]] HttpCall bare(RequestKind kind, std::string_view doing, std::string_view method,
                              std::string_view key, const Context& context) const;

  const std::string bucket_;
  const Options options_;
  const Endpoint endpoint_;
  const PriceTable* const prices_;
  mutable HttpEngine engine_;
};

/// The answer to a question for an object's resource; what fields there shall be says `fields`.
[[nodiscard]] HttpOutcome ask_for_resource(const GcsClient& client, std::string_view doing,
                                           std::string_view key, std::string_view fields,
                                           const Context& context);

/// What there is under a key; nullopt if there is nothing.
[[nodiscard]] std::optional<GcsObject> find_gcs_object(const GcsClient& client,
                                                       std::string_view doing, std::string_view key,
                                                       const Context& context);

/// Storage::do_stat. GCS documents no HEAD, so this goes before what http_read_internal.h has for
/// every other store, there too.
[[nodiscard]] std::optional<FileInfo> stat_over_http(const GcsClient& client, std::string_view key,
                                                     const Context& context);

}  // namespace cnf::storage
