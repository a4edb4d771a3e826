// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/storage/s3/s3_client_internal.h"
#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// S3 as a Storage; s3.h says what it promises.
class S3Storage final : public Storage {
 public:
  explicit S3Storage(std::shared_ptr<S3Client> client) : client_(std::move(client)) {}

 private:
  [[nodiscard]] std::string do_uri(std::string_view key) const override {
    return client_->uri(key);
  }
  [[nodiscard]] std::string do_identity() const override { return client_->identity(); }
  [[nodiscard]] ReadProfile do_read_profile() const override;
  [[nodiscard]] const PriceTable& do_prices() const override { return client_->prices(); }
  void do_fetch(std::span<const Transfer> transfers, const Context& context,
                const TransferDone& done) const override;
  [[nodiscard]] Object do_read(std::string_view key, std::optional<std::uint64_t> tail,
                               std::uint64_t limit, const Context& context) const override;
  [[nodiscard]] std::unique_ptr<Writer> do_create(std::string_view key, const WriteOptions& options,
                                                  const Context& context) override;
  [[nodiscard]] ListPage do_list_page(const ListOptions& options, const std::string& token,
                                      const Context& context) const override;
  void do_remove(std::span<const std::string> keys, const Context& context) override;
  [[nodiscard]] std::optional<FileInfo> do_stat(std::string_view key,
                                                const Context& context) const override;
  FileInfo do_copy(std::string_view from, std::string_view to, const WriteOptions& options,
                   const Context& context) override;

  [[nodiscard]] std::vector<UnfinishedUpload> do_uploads(std::string_view prefix,
                                                         const Context& context) const override;
  void do_abort_uploads(std::span<const UnfinishedUpload> uploads, const Context& context) override;

  std::shared_ptr<S3Client> client_;
};

}  // namespace cnf::storage
