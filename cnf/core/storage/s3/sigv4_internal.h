// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/util/checksum.h"

/// AWS Signature Version 4, as pure functions of what is signed.
/// Source: "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API Reference.
namespace cnf::storage {

/// S3 signs a path as it is; every other service first folds "//", "/./" and "/../".
enum class PathRule { as_is, normalized };

struct SigningScope {
  std::chrono::sys_seconds time{};
  std::string region;
  std::string service = "s3";
  PathRule path_rule = PathRule::as_is;
};

/// A request as it is signed. Nothing in it is percent-encoded; header names may have any case.
struct SigningInput {
  std::string method;
  std::string path;
  QueryParameters query;
  HttpHeaders headers;       ///< All of them are signed; "host" must be there.
  std::string payload_hash;  ///< Hexadecimal SHA-256 of the body, or "UNSIGNED-PAYLOAD".
};

inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
/// SHA-256 of no bytes.
inline constexpr std::string_view kEmptyPayload =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

[[nodiscard]] std::string canonical_request(const SigningInput& input, PathRule rule);
[[nodiscard]] std::string string_to_sign(const SigningScope& scope, std::string_view canonical);

/// What is derived from a secret for one day, region and service, kept until one of them changes:
/// four of the five HMACs of a signature. Threads: one at a time.
class SigningKey {
 public:
  [[nodiscard]] const Sha256Digest& of(const Credentials& credentials, const SigningScope& scope);

 private:
  std::string made_of_;
  Sha256Digest key_{};
};

/// Adds X-Amz-Date, X-Amz-Security-Token (if there is a token) and, last, Authorization.
void sign_headers(SigningInput& input, const SigningScope& scope, const Credentials& credentials,
                  SigningKey& key);

/// The same for a request alone.
void sign_headers(SigningInput& input, const SigningScope& scope, const Credentials& credentials);

/// Signs by the query instead: adds X-Amz-Algorithm … X-Amz-Signature, valid for `ttl`.
void sign_query(SigningInput& input, const SigningScope& scope, const Credentials& credentials,
                std::chrono::seconds ttl);

}  // namespace cnf::storage
