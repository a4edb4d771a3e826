// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cnf/core/storage/azure/azure_client_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_upload_internal.h"
#include "cnf/core/storage/http/http_write_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"

namespace cnf::storage {

/// Azure's words for the writing of one blob: Put Blob, or Put Block and Put Block List.
///
/// The ids of blocks begin with the write's mark, so two writers of one name never mix; whoever
/// ends first discards the other's blocks, whose write then fails.
class AzureUploadProtocol final : public UploadProtocol {
 public:
  /// What the blocks are copied from, in the same container.
  struct Source {
    std::string key;
    std::string etag;
  };

  /// \param metadata  x-ms-meta- headers that the blob gets beside the mark.
  /// \param source    nullopt: the blocks are sent.
  AzureUploadProtocol(std::shared_ptr<AzureClient> client, ObjectWrite object,
                      HttpHeaders metadata = {}, std::optional<Source> source = std::nullopt)
      : client_(std::move(client)),
        object_(std::move(object)),
        metadata_(std::move(metadata)),
        source_(std::move(source)) {}

  [[nodiscard]] const ObjectWrite& object() const override { return object_; }
  [[nodiscard]] UploadLimits limits() const override;
  void submit(HttpCall call, HttpEngine::Done done) const override {
    client_->submit(std::move(call), std::move(done));
  }
  [[nodiscard]] FileInfo put(ByteSpan whole) override;
  void start() override {}
  [[nodiscard]] HttpCall part_call(UploadPart& part, const Context& context) override;
  void accept(UploadPart& part, const HttpResponse& response) const override;
  [[nodiscard]] FileInfo complete(const std::deque<UploadPart>& parts, std::uint64_t size) override;
  bool abort(const Context& /*context*/) override { return true; }

  /// All `size` bytes of the source by one request, which the service ends before it answers.
  [[nodiscard]] FileInfo copy_whole(std::uint64_t size);

 private:
  void describe(HttpRequest& request) const;
  void condition(HttpRequest& request) const;
  [[nodiscard]] FileInfo conclude(const HttpOutcome& outcome, std::uint64_t size) const;
  [[nodiscard]] std::string block_id(unsigned number) const;

  const std::shared_ptr<AzureClient> client_;
  const ObjectWrite object_;
  const HttpHeaders metadata_;
  const std::optional<Source> source_;
};

}  // namespace cnf::storage
