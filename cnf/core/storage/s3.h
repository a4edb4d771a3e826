// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// An S3 bucket, or one that speaks S3's protocol.
///
/// Reads are bounded ranges pinned to one ETag; writes are one PUT or a multipart upload that is
/// aborted unless committed; conditions are If-None-Match and If-Match. Every answer is checked:
/// status, Content-Range, length, and errors inside a 200. Transient failures are retried with full
/// jitter and Retry-After, within the context's deadline.
/// Credentials: options, AWS_ACCESS_KEY_ID and its kin, a web identity, the profile, the role of
/// the container or the machine (docs/CREDENTIALS.md). What is issued is asked for by the first
/// request, which throws unauthenticated if nobody issues any. Region: options, AWS_REGION,
/// AWS_DEFAULT_REGION, the profile. Endpoint: options, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the
/// profile, then AWS's own. Certificates: AWS_CA_BUNDLE, the profile, then the system's. Proxies:
/// http_proxy and its kin. Throws Error invalid_argument for what is no bucket, endpoint or region,
/// or is set up by half; unauthenticated if there is nowhere to look for credentials.
[[nodiscard]] std::shared_ptr<Storage> open_s3(std::string bucket, const Options& options = {});

/// A URL by which whoever has it may send one kind of request for one object: treat it as a secret.
///
/// \param method  "GET", "PUT", "HEAD" or "DELETE".
/// \param ttl     how long it holds, 1 second to 7 days; else invalid_argument is thrown.
/// Credentials and the rest as open_s3. Nothing is sent to the store; credentials that have to be
/// asked for are waited for.
[[nodiscard]] std::string presign_s3(std::string bucket, std::string_view method,
                                     std::string_view key, std::chrono::seconds ttl,
                                     const Options& options = {});

}  // namespace cnf::storage
