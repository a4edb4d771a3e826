// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/gcs/gcs_client_internal.h"
#include "cnf/core/storage/http/http_storage_internal.h"
#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// Google Cloud Storage as a Storage; gcs.h says what it promises.
class GcsStorage final : public StorageOverHttp<GcsClient> {
 public:
  explicit GcsStorage(std::shared_ptr<GcsClient> client) : StorageOverHttp(std::move(client)) {}

 private:
  [[nodiscard]] std::unique_ptr<Writer> do_create(std::string_view key, const WriteOptions& options,
                                                  const Context& context) override;
  [[nodiscard]] ListPage do_list_page(const ListOptions& options, const std::string& token,
                                      const Context& context) const override;
  void do_remove(std::span<const std::string> keys, const Context& context) override;
  FileInfo do_copy(std::string_view from, std::string_view to, const WriteOptions& options,
                   const Context& context) override;
};

}  // namespace cnf::storage
