// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/prices.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/prices_internal.h"
#include "cnf/core/util/context.h"

namespace cnf::storage {
namespace {

using Network = Options::Network;

// By distance: within the region, within the continent, to the internet.
using Tables = std::array<PriceTable, 3>;

constexpr Tables by_distance(PriceTable table, double continent, double internet) {
  Tables out{table, table, table};
  out[1].usd_per_gib_out = continent;
  out[2].usd_per_gib_out = internet;
  return out;
}

// The columns are as RequestKind: get, head, put, list, remove, copy.

// GET and all others 0.0004, PUT, COPY, POST and LIST 0.005 USD a thousand; DELETE is free.
// Transfer: to the same region free, to another 0.02, to the internet 0.09 USD/GB (first 10 TB).
constexpr Tables kS3 = by_distance({.service = "S3 Standard, us-east-1",
                                    .as_of = "2026-06",
                                    .source = "https://aws.amazon.com/s3/pricing/",
                                    .usd_per_request = {0.4e-6, 0.4e-6, 5e-6, 5e-6, 0, 5e-6}},
                                   0.02, 0.09);

// Class A (insert, list, rewrite, compose) 0.005, class B (get) 0.0004 USD a thousand; delete is
// free. Transfer: within North America 0.02, to the internet 0.12 USD/GiB (first TiB).
constexpr Tables kGcs = by_distance({.service = "GCS Standard, us-east1",
                                     .as_of = "2025-01",
                                     .source = "https://cloud.google.com/storage/pricing",
                                     .usd_per_request = {0.4e-6, 0.4e-6, 5e-6, 5e-6, 0, 5e-6}},
                                    0.02, 0.12);

// Write 0.05, list 0.05, read 0.004, others (Get Blob Properties) 0.004 USD for ten thousand;
// delete is free. Transfer: within North America 0.02, to the internet 0.087 USD/GB.
// Which request is of which type: https://learn.microsoft.com/azure/storage/blobs/
// map-rest-apis-transaction-categories
constexpr Tables kAzure =
    by_distance({.service = "Azure Hot LRS, East US",
                 .as_of = "2025-01",
                 .source = "https://azure.microsoft.com/pricing/details/storage/blobs/",
                 .usd_per_request = {0.4e-6, 0.4e-6, 5e-6, 5e-6, 0, 5e-6}},
                0.02, 0.087);

constexpr PriceTable kFree{};

struct Home {
  Provider provider;
  std::array<std::string_view, 2> hosts;  // the ends of its hosts' names
  std::string_view firmware;              // a file of the machine's firmware, and
  std::string_view says;                  // what it begins with there
  std::array<const char*, 2> variables;   // one of them is set in its containers and functions
};

// The firmware's words are those that cloud-init's ds-identify goes by.
constexpr std::array kHomes = {
    Home{Provider::s3,
         {".amazonaws.com", ".amazonaws.com.cn"},
         "/sys/class/dmi/id/sys_vendor",
         "Amazon EC2",
         {"AWS_EXECUTION_ENV", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"}},
    Home{Provider::gcs,
         {".googleapis.com", ".googleapis.com"},
         "/sys/class/dmi/id/product_name",
         "Google",
         {"K_SERVICE", "CLOUD_RUN_JOB"}},
    Home{Provider::azure,
         {".core.windows.net", ".core.chinacloudapi.cn"},
         "/sys/class/dmi/id/chassis_asset_tag",
         "7783-7084-3265-9085-8269-3286-77",
         {"IDENTITY_ENDPOINT", "WEBSITE_INSTANCE_ID"}},
};

bool serves(const Home& home, std::string_view host) {
  host = host.substr(0, host.find(':'));
  return std::any_of(home.hosts.begin(), home.hosts.end(),
                     [&](std::string_view end) { return host.ends_with(end); });
}

bool is_here(const Home& home, const Environment& environment) {
  const auto firmware = environment.file(std::string(home.firmware));
  return (firmware && firmware->starts_with(home.says)) ||
         std::any_of(home.variables.begin(), home.variables.end(),
                     [&](const char* name) { return environment.variable(name).has_value(); });
}

}  // namespace

double PriceTable::price_usd(const Usage& usage) const noexcept {
  double usd = static_cast<double>(usage.bytes_fetched) * byte_usd();
  for (std::size_t kind = 0; kind < kRequestKinds; ++kind) {
    usd += static_cast<double>(usage.requests[kind]) * usd_per_request[kind];
  }
  return usd;
}

const PriceTable& price_table(Provider provider, Options::Network network) noexcept {
  const std::size_t distance = network == Network::internet ? 2 : network == Network::continent;
  switch (provider) {
    case Provider::s3:
      return kS3[distance];
    case Provider::gcs:
      return kGcs[distance];
    case Provider::azure:
      return kAzure[distance];
    case Provider::none:
      break;
  }
  return kFree;
}

const PriceTable& find_prices(Provider provider, Network network, std::string_view host,
                              const Environment& environment) {
  const auto home = std::find_if(kHomes.begin(), kHomes.end(),
                                 [&](const Home& row) { return row.provider == provider; });
  if (network == Network::automatic && home != kHomes.end()) {
    const bool far = serves(*home, host) && !is_here(*home, environment);
    network = far ? Network::internet : Network::region;
  }
  return price_table(provider, network);
}

}  // namespace cnf::storage
