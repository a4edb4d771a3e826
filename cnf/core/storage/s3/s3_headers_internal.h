// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/util/context.h"

namespace cnf::storage {

/// The headers that say who pays for a request, and by which key the store encrypts.
/// Source: "Protecting data with server-side encryption", "Using Requester Pays buckets", Amazon S3
/// User Guide.
class S3Headers {
 public:
  /// Throws Error invalid_argument if the options contradict each other, or name a key that is
  /// none; the message never shows it.
  /// \param endpoint  a customer's key is sent by TLS alone, but for this machine.
  S3Headers(const Options& options, const Endpoint& endpoint);

  /// To every request.
  void add(RequestKind kind, HttpRequest& request) const;
  /// To one that makes an object, too.
  void add_to_new(HttpRequest& request) const;
  [[nodiscard]] bool has_customer_key() const noexcept { return !customer_.empty(); }

 private:
  HttpHeaders all_;
  HttpHeaders new_;
  HttpHeaders customer_;  // to every request about an object's bytes
  HttpHeaders source_;    // to copies
};

/// Takes out of a text from outside what the request gave away in confidence: a store may quote it.
[[nodiscard]] std::string without_secrets(std::string text, const HttpRequest& request);

}  // namespace cnf::storage
