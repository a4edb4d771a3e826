// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/storage/http/http_storage_internal.h"
#include "cnf/core/storage/s3/s3_client_internal.h"
#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// S3 as a Storage; s3.h says what it promises.
class S3Storage final : public StorageOverHttp<S3Client> {
 public:
  explicit S3Storage(std::shared_ptr<S3Client> client) : StorageOverHttp(std::move(client)) {}

 private:
  [[nodiscard]] std::unique_ptr<Writer> do_create(std::string_view key, const WriteOptions& options,
                                                  const Context& context) override;
  [[nodiscard]] ListPage do_list_page(const ListOptions& options, const std::string& token,
                                      const Context& context) const override;
  void do_remove(std::span<const std::string> keys, const Context& context) override;
  FileInfo do_copy(std::string_view from, std::string_view to, const WriteOptions& options,
                   const Context& context) override;

  [[nodiscard]] std::vector<UnfinishedUpload> do_uploads(std::string_view prefix,
                                                         const Context& context) const override;
  void do_abort_uploads(std::span<const UnfinishedUpload> uploads, const Context& context) override;
};

}  // namespace cnf::storage
