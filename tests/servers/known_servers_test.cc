// SPDX-License-Identifier: Apache-2.0
// The servers that other tests stand on: each starts, takes a bucket and is ended.
#include <stdexcept>

#include <gtest/gtest.h>

#include "cnf/testing/http_server.h"
#include "cnf/testing/server.h"

namespace cnf::testing {
namespace {

TEST(KnownServers, GoogleCloudStorageTakesABucketOnce) {
  const FakeGcsServer server;
  server.make_bucket("cnf-bucket");
  EXPECT_THROW(server.make_bucket("cnf-bucket"), std::runtime_error);
}

TEST(KnownServers, TheGoogleEmulatorTakesABucketOnce) {
  const GcpStorageEmulator server;
  server.make_bucket("cnf-bucket");
  EXPECT_THROW(server.make_bucket("cnf-bucket"), std::runtime_error);
}

TEST(KnownServers, AzuriteTakesAContainerOnce) {
  const Azurite server;
  server.make_container("cnf-bucket");
  EXPECT_THROW(server.make_container("cnf-bucket"), std::runtime_error);
}

}  // namespace
}  // namespace cnf::testing
