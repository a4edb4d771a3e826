// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/s3.h"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/http/http_upload_internal.h"
#include "cnf/core/storage/http/http_write_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/s3/s3_client_internal.h"
#include "cnf/core/storage/s3/s3_storage_internal.h"
#include "cnf/core/storage/s3/s3_upload_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/retry.h"

namespace cnf::storage {

std::shared_ptr<Storage> open_s3(std::string bucket, const Options& options) {
  return std::make_shared<S3Storage>(
      std::make_shared<S3Client>(std::move(bucket), options, Environment::system(), RetryPolicy{}));
}

std::string presign_s3(std::string bucket, std::string_view method, std::string_view key,
                       std::chrono::seconds ttl, const Options& options) {
  return S3Client(std::move(bucket), options, Environment::system(), RetryPolicy{})
      .presign(method, key, ttl);
}

std::unique_ptr<Writer> S3Storage::do_create(std::string_view key, const WriteOptions& options,
                                             const Context& context) {
  return std::make_unique<UploadWriter>(
      std::make_unique<S3UploadProtocol>(client_,
                                         begin_write(key, client_->uri(key), options, context)),
      client_->options());
}

}  // namespace cnf::storage
