// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/gcs/gcs_client_internal.h"
#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// Google Cloud Storage as a Storage; gcs.h says what it promises.
class GcsStorage final : public Storage {
 public:
  explicit GcsStorage(std::shared_ptr<GcsClient> client) : client_(std::move(client)) {}

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

  const std::shared_ptr<GcsClient> client_;
};

}  // namespace cnf::storage
