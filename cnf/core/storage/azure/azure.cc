// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/azure.h"

#include <memory>
#include <string_view>

#include "cnf/core/storage/azure/azure_client_internal.h"
#include "cnf/core/storage/azure/azure_storage_internal.h"
#include "cnf/core/storage/azure/azure_upload_internal.h"
#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/http/http_upload_internal.h"
#include "cnf/core/storage/http/http_write_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/retry.h"

namespace cnf::storage {

std::shared_ptr<Storage> open_azure(std::string_view container, const Options& options) {
  return std::make_shared<AzureStorage>(
      std::make_shared<AzureClient>(container, options, Environment::system(), RetryPolicy{}));
}

std::unique_ptr<Writer> AzureStorage::do_create(std::string_view key, const WriteOptions& options,
                                                const Context& context) {
  return std::make_unique<UploadWriter>(
      std::make_unique<AzureUploadProtocol>(client_,
                                            begin_write(key, client_->uri(key), options, context)),
      client_->options());
}

}  // namespace cnf::storage
