// SPDX-License-Identifier: Apache-2.0
#include "real_stores.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/azure/azure_client_internal.h"
#include "cnf/core/storage/azure/azure_storage_internal.h"
#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/gcs/gcs_client_internal.h"
#include "cnf/core/storage/gcs/gcs_storage_internal.h"
#include "cnf/core/storage/s3/s3_client_internal.h"
#include "cnf/core/storage/s3/s3_storage_internal.h"
#include "cnf/core/util/context.h"

namespace cnf::storage::real {
namespace {

// Ended with the program. A server that did not start is asked for again by the next test.
template <typename Server>
Server& the() {
  static Server server;
  return server;
}

std::string next_bucket() {
  static int made = 0;
  return "cnf-test-" + std::to_string(++made);
}

Options s3_options(const Route& route, const std::string& endpoint) {
  Options options = route.options;
  options.endpoint = route.endpoint.empty() ? endpoint : route.endpoint;
  options.region = "us-east-1";
  options.access_key_id = testing::VersityGateway::access_key_id();
  options.secret_access_key = testing::VersityGateway::secret_access_key();
  return options;
}

template <typename Server>
std::string new_s3_bucket() {
  auto name = next_bucket();
  const S3Client client(name, s3_options({}, the<Server>().endpoint()), Environment::system(),
                        RetryPolicy{});
  static_cast<void>(client.run(client.call(RequestKind::put, "create", "PUT", {}, {})).value());
  return name;
}

template <typename Server>
std::shared_ptr<Storage> open_s3_on(const std::string& bucket, const Route& route) {
  return std::make_shared<S3Storage>(std::make_shared<S3Client>(
      bucket, s3_options(route, the<Server>().endpoint()), Environment::system(), route.retry));
}

std::string new_gcs_bucket() {
  auto name = next_bucket();
  the<testing::FakeGcsServer>().make_bucket(name);
  return name;
}

std::shared_ptr<Storage> open_gcs_on(const std::string& bucket, const Route& route) {
  Options options = route.options;
  options.endpoint =
      route.endpoint.empty() ? the<testing::FakeGcsServer>().endpoint() : route.endpoint;
  options.anonymous = true;
  return std::make_shared<GcsStorage>(std::make_shared<GcsClient>(
      bucket, options, resolve_gcs_settings(options, Environment::system()), route.retry));
}

std::string new_azure_container() {
  auto name = next_bucket();
  the<testing::Azurite>().make_container(name);
  return name;
}

std::shared_ptr<Storage> open_azure_on(const std::string& container, const Route& route) {
  Options options = route.options;
  options.endpoint = route.endpoint.empty() ? the<testing::Azurite>().endpoint() : route.endpoint;
  options.account = testing::Azurite::account();
  options.account_key = testing::Azurite::account_key();
  return std::make_shared<AzureStorage>(
      std::make_shared<AzureClient>(container, options, Environment::system(), route.retry));
}

template <typename Server>
std::string endpoint_of() {
  return the<Server>().endpoint();
}

constexpr Kind kKinds[] = {
    {"s3", endpoint_of<testing::VersityGateway>, new_s3_bucket<testing::VersityGateway>,
     open_s3_on<testing::VersityGateway>},
    {"rclone", endpoint_of<testing::RcloneS3>, new_s3_bucket<testing::RcloneS3>,
     open_s3_on<testing::RcloneS3>},
    {"gcs", endpoint_of<testing::FakeGcsServer>, new_gcs_bucket, open_gcs_on},
    {"azure", endpoint_of<testing::Azurite>, new_azure_container, open_azure_on},
};

}  // namespace

std::span<const Kind> kinds() { return kKinds; }

const Kind& kind(std::string_view name) {
  for (const Kind& one : kKinds) {
    if (one.name == name) return one;
  }
  throw std::invalid_argument("there is no kind of store " + std::string(name));
}

}  // namespace cnf::storage::real
