// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/prices.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/prices_internal.h"
#include "cnf/core/util/context.h"

namespace cnf::storage {
namespace {

using Network = Options::Network;

// A machine with one variable and one file of firmware.
class Machine final : public Environment {
 public:
  Machine(std::string name, std::string firmware)
      : name_(std::move(name)), firmware_(std::move(firmware)) {}
  [[nodiscard]] std::optional<std::string> variable(const std::string& name) const override {
    return name == name_ ? std::optional<std::string>("1") : std::nullopt;
  }
  [[nodiscard]] std::optional<std::string> file(const std::string& path) const override {
    const bool dmi = path.starts_with("/sys/class/dmi/id/") && !firmware_.empty();
    return dmi ? std::optional(firmware_) : std::nullopt;
  }

 private:
  std::string name_;
  std::string firmware_;
};

// The lists that prices.cc names: 1,000 reads, 1,000 writes, and a GiB to the internet.
TEST(Prices, AreThoseOfTheProvidersLists) {
  const struct {
    Provider provider;
    double reads;
    double writes;
    double internet;
  } rows[] = {{Provider::s3, 0.0004, 0.005, 0.09},
              {Provider::gcs, 0.0004, 0.005, 0.12},
              {Provider::azure, 0.0004, 0.005, 0.087},
              {Provider::none, 0, 0, 0}};
  for (const auto& row : rows) {
    const PriceTable& table = price_table(row.provider, Network::internet);
    const auto price = [&](RequestKind kind) {
      Usage usage;
      usage.requests[static_cast<std::size_t>(kind)] = 1000;
      return table.price_usd(usage);
    };
    EXPECT_DOUBLE_EQ(price(RequestKind::get), row.reads) << table.service;
    EXPECT_DOUBLE_EQ(price(RequestKind::head), row.reads) << table.service;
    EXPECT_DOUBLE_EQ(price(RequestKind::put), row.writes) << table.service;
    EXPECT_DOUBLE_EQ(price(RequestKind::list), row.writes) << table.service;
    EXPECT_DOUBLE_EQ(price(RequestKind::copy), row.writes) << table.service;
    EXPECT_DOUBLE_EQ(price(RequestKind::remove), 0) << table.service;
    EXPECT_EQ(table.as_of.empty(), row.provider == Provider::none);
    EXPECT_EQ(table.source.starts_with("https://"), row.provider != Provider::none);
    Usage transfer;
    transfer.bytes_fetched = std::uint64_t{1} << 30;
    EXPECT_DOUBLE_EQ(table.price_usd(transfer), row.internet) << table.service;
    EXPECT_DOUBLE_EQ(price_table(row.provider, Network::region).price_usd(transfer), 0);
    EXPECT_DOUBLE_EQ(price_table(row.provider, Network::continent).price_usd(transfer),
                     row.provider == Provider::none ? 0 : 0.02);
  }
}

TEST(Prices, HowFarTheStoreIsFollowsFromTheMachineAndTheHost) {
  constexpr const char* kS3 = "bucket.s3.us-east-1.amazonaws.com";
  constexpr const char* kGcs = "storage.googleapis.com";
  constexpr const char* kAzure = "account.blob.core.windows.net:443";
  const struct {
    const char* name = "";
    Provider provider = Provider::s3;
    const char* host = "";
    Machine machine;
    Network want = Network::internet;
  } rows[] = {
      {"a laptop", Provider::s3, kS3, {"", ""}, Network::internet},
      {"EC2", Provider::s3, kS3, {"", "Amazon EC2\n"}, Network::region},
      {"Lambda", Provider::s3, kS3, {"AWS_EXECUTION_ENV", ""}, Network::region},
      {"an appliance", Provider::s3, "minio.example:9000", {"", ""}, Network::region},
      {"a name that only ends alike", Provider::s3, "xamazonaws.com", {"", ""}, Network::region},
      {"GCS from EC2", Provider::gcs, kGcs, {"", "Amazon EC2\n"}, Network::internet},
      {"GCE", Provider::gcs, kGcs, {"", "Google Compute Engine\n"}, Network::region},
      {"a desk", Provider::azure, kAzure, {"", "LENOVO\n"}, Network::internet},
      {"Azure", Provider::azure, kAzure, {"IDENTITY_ENDPOINT", ""}, Network::region},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(&find_prices(row.provider, Network::automatic, row.host, row.machine),
              &price_table(row.provider, row.want))
        << row.name;
    EXPECT_EQ(&find_prices(row.provider, Network::continent, row.host, row.machine),
              &price_table(row.provider, Network::continent))
        << row.name << ", told otherwise";
  }
}

}  // namespace
}  // namespace cnf::storage
