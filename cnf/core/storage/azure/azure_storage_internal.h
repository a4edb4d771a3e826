// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/azure/azure_client_internal.h"
#include "cnf/core/storage/http/http_storage_internal.h"
#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// Azure Blob Storage as a Storage; azure.h says what it promises.
class AzureStorage final : public StorageOverHttp<AzureClient> {
 public:
  explicit AzureStorage(std::shared_ptr<AzureClient> client) : StorageOverHttp(std::move(client)) {}

 private:
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

  [[nodiscard]] std::optional<Object> read_tail_of(const FileInfo& info, std::string_view key,
                                                   std::uint64_t tail, std::uint64_t limit,
                                                   const Context& context) const;
};

}  // namespace cnf::storage
