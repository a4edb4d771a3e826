// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// An S3 bucket, or one that speaks S3's protocol.
///
/// Reads are bounded ranges pinned to one ETag; writes are one PUT or a multipart upload that is
/// aborted unless committed; conditions are If-None-Match and If-Match. Every answer is checked:
/// status, Content-Range, length, and errors inside a 200. Transient failures are retried with full
/// jitter and Retry-After, within the context's deadline.
/// Credentials: options, then AWS_ACCESS_KEY_ID and its kin, then the profile files.
/// Throws Error unauthenticated if there are none and options.anonymous is not set.
[[nodiscard]] std::shared_ptr<Storage> open_s3(std::string bucket, const Options& options = {});

}  // namespace cnf::storage
