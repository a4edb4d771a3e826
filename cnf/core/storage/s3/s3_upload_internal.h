// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cnf/core/storage/http/http_upload_internal.h"
#include "cnf/core/storage/s3/s3_client_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"

namespace cnf::storage {

/// S3's words for the writing of one object: one PUT, or a multipart upload.
class S3UploadProtocol final : public UploadProtocol {
 public:
  /// What the parts are copied from, in the same bucket.
  struct Source {
    std::string key;
    std::string etag;
  };

  /// \param source  nullopt: the parts are sent.
  S3UploadProtocol(std::shared_ptr<S3Client> client, ObjectWrite object,
                   std::optional<Source> source = std::nullopt)
      : client_(std::move(client)), object_(std::move(object)), source_(std::move(source)) {}

  [[nodiscard]] const ObjectWrite& object() const override { return object_; }
  [[nodiscard]] UploadLimits limits() const override;
  void submit(HttpCall call, HttpEngine::Done done) const override {
    client_->submit(std::move(call), std::move(done));
  }
  [[nodiscard]] FileInfo put(ByteSpan whole) override;
  void start() override;
  [[nodiscard]] HttpCall part_call(UploadPart& part, const Context& context) override;
  void accept(UploadPart& part, const HttpResponse& response) const override;
  [[nodiscard]] FileInfo complete(const std::deque<UploadPart>& parts, std::uint64_t size) override;
  bool abort(const Context& context) override;

 private:
  void describe(HttpRequest& request) const;
  void condition(HttpRequest& request) const;
  [[nodiscard]] FileInfo conclude(const HttpOutcome& outcome, std::uint64_t size) const;

  const std::shared_ptr<S3Client> client_;
  const ObjectWrite object_;
  const std::optional<Source> source_;
  bool checksums_ = false;  // the upload was started with them
  std::string upload_id_;
};

}  // namespace cnf::storage
