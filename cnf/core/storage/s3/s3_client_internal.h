// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/prices.h"
#include "cnf/core/storage/read_profile_internal.h"
#include "cnf/core/storage/s3/s3_dialect_internal.h"
#include "cnf/core/storage/s3/s3_headers_internal.h"
#include "cnf/core/storage/s3/s3_location_internal.h"
#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// One bucket: where it is, how requests for it are spelled, and the engine that sends them.
///
/// Threads: every member may be called concurrently.
class S3Client {
 public:
  /// Throws Error invalid_argument (bucket, endpoint), unauthenticated (no credentials).
  S3Client(const std::string& bucket, const Options& options, const Environment& environment,
           const RetryPolicy& retry);

  /// "s3://bucket/key".
  [[nodiscard]] std::string uri(std::string_view key) const;
  /// As Storage::identity(): the bucket at its endpoint.
  [[nodiscard]] std::string identity() const;
  /// A request about an object, or about the bucket for "", with nothing in it yet.
  [[nodiscard]] HttpCall call(RequestKind kind, std::string_view doing, std::string_view method,
                              std::string_view key, const Context& context) const;
  /// Says how an object that the request makes is to be encrypted.
  void describe_new(HttpRequest& request) const { headers_.add_to_new(request); }
  /// Gives a call its body. What is hashed: over plain http the body is signed; over https it is
  /// not, for TLS protects it, and its CRC32C travels along where the store takes one.
  void set_body(HttpCall& call, ByteSpan body) const;

  [[nodiscard]] HttpOutcome run(HttpCall call) const { return engine_.run(std::move(call)); }
  void submit(HttpCall call, HttpEngine::Done done) const {
    engine_.submit(std::move(call), std::move(done));
  }

  /// "/bucket/key", percent-encoded, as x-amz-copy-source wants it.
  [[nodiscard]] std::string copy_source(std::string_view key) const;
  [[nodiscard]] std::string presign(std::string_view method, std::string_view key,
                                    std::chrono::seconds ttl) const;

  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] const PriceTable& prices() const noexcept { return prices_; }
  [[nodiscard]] ReadProfile read_profile() const {
    return remote_read_profile(options_.objective, prices_, engine_.first_byte());
  }

  /// Whether uploads carry x-amz-checksum-crc32c: yes, until the store has refused one.
  [[nodiscard]] bool sends_checksums() const noexcept { return checksums_; }
  /// If the failure is about the checksum, no more are sent, and the answer is true: try again.
  [[nodiscard]] bool drop_checksums_after(const HttpOutcome& outcome) noexcept;

  /// Whether objects are removed in batches: yes, until the store has refused one.
  [[nodiscard]] bool removes_in_batches() const noexcept { return batches_; }
  /// If the failure is that the store has no batches, none are sent any more, and the answer is
  /// true: remove one by one.
  [[nodiscard]] bool drop_batches_after(const HttpOutcome& outcome) noexcept;

 private:
  S3Client(const std::string& bucket, const Options& options, S3Settings settings,
           const Environment& environment, const RetryPolicy& retry);

  Options options_;
  std::shared_ptr<S3Location> location_;
  const PriceTable& prices_;
  S3Headers headers_;
  std::shared_ptr<S3Dialect> dialect_;
  std::atomic<bool> checksums_{true};
  std::atomic<bool> batches_{true};
  mutable HttpEngine engine_;
};

}  // namespace cnf::storage
