// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/options.h"

#include <chrono>
#include <cstdint>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

using std::chrono::milliseconds;

TEST(Options, EveryFieldIsSetFromText) {
  Options options;
  for (const char* name : {"region",          "endpoint",          "profile",
                           "access_key_id",   "secret_access_key", "session_token",
                           "role_arn",        "external_id",       "token",
                           "service_account", "tenant_id",         "client_id",
                           "client_secret",   "user_project",      "sse",
                           "sse_kms_key_id",  "sse_customer_key",  "account",
                           "account_key",     "sas_token",         "connection_string"}) {
    options.set(name, std::string("a ") + name);
  }
  EXPECT_EQ(options.region, "a region");
  EXPECT_EQ(options.endpoint, "a endpoint");
  EXPECT_EQ(options.profile, "a profile");
  EXPECT_EQ(options.access_key_id, "a access_key_id");
  EXPECT_EQ(options.secret_access_key, "a secret_access_key");
  EXPECT_EQ(options.session_token, "a session_token");
  EXPECT_EQ(options.role_arn, "a role_arn");
  EXPECT_EQ(options.external_id, "a external_id");
  EXPECT_EQ(options.token, "a token");
  EXPECT_EQ(options.service_account, "a service_account");
  EXPECT_EQ(options.user_project, "a user_project");
  EXPECT_EQ(options.tenant_id, "a tenant_id");
  EXPECT_EQ(options.client_id, "a client_id");
  EXPECT_EQ(options.client_secret, "a client_secret");
  EXPECT_EQ(options.account, "a account");
  EXPECT_EQ(options.account_key, "a account_key");
  EXPECT_EQ(options.sas_token, "a sas_token");
  EXPECT_EQ(options.connection_string, "a connection_string");

  EXPECT_EQ(options.sse, "a sse");
  EXPECT_EQ(options.sse_kms_key_id, "a sse_kms_key_id");
  EXPECT_EQ(options.sse_customer_key, "a sse_customer_key");
  options.set("requester_pays", "true");
  EXPECT_TRUE(options.requester_pays);
}

TEST(Options, FieldsThatAreNoTextAreSetFromText) {
  Options options;
  options.set("anonymous", "true");
  EXPECT_TRUE(options.anonymous);
  options.set("anonymous", "0");
  EXPECT_FALSE(options.anonymous);
  options.set("addressing", "path");
  EXPECT_EQ(options.addressing, Options::Addressing::path);
  options.set("addressing", "virtual");
  EXPECT_EQ(options.addressing, Options::Addressing::virtual_host);
  options.set("addressing", "auto");
  EXPECT_EQ(options.addressing, Options::Addressing::automatic);
  options.set("part_size", "64M");
  EXPECT_EQ(options.part_size, 64U << 20U);
  options.set("concurrency", "3");
  EXPECT_EQ(options.concurrency, 3U);
  options.set("connect_timeout", "250ms");
  EXPECT_EQ(options.connect_timeout, milliseconds(250));
  options.set("timeout", "2m");
  EXPECT_EQ(options.stall_timeout, milliseconds(120'000));
  options.set("timeout", "45");
  EXPECT_EQ(options.stall_timeout, milliseconds(45'000));
  options.set("max_retries", "0");
  EXPECT_EQ(options.max_retries, 0);
  options.set("network", "region");
  EXPECT_EQ(options.network, Options::Network::region);
  options.set("network", "continent");
  EXPECT_EQ(options.network, Options::Network::continent);
  options.set("network", "internet");
  EXPECT_EQ(options.network, Options::Network::internet);
  options.set("network", "auto");
  EXPECT_EQ(options.network, Options::Network::automatic);
  EXPECT_THROW(options.set("network", "near"), Error);
  options.set("objective", "cost");
  EXPECT_EQ(options.objective, Options::Objective::cost);
  options.set("objective", "latency");
  EXPECT_EQ(options.objective, Options::Objective::latency);
  options.set("objective", "auto");
  EXPECT_EQ(options.objective, Options::Objective::automatic);
  EXPECT_THROW(options.set("objective", "speed"), Error);
  options.set("hedge", "true");
  EXPECT_EQ(options.hedge, Options::Hedge::on);
  options.set("hedge", "false");
  EXPECT_EQ(options.hedge, Options::Hedge::off);
  options.set("hedge", "auto");
  EXPECT_EQ(options.hedge, Options::Hedge::automatic);
  EXPECT_THROW(options.set("hedge", "maybe"), Error);
  options.set("durability", "none");
  EXPECT_EQ(options.durability, Options::Durability::none);
  options.set("durability", "fsync");
  EXPECT_EQ(options.durability, Options::Durability::fsync);
}

TEST(Options, WrappersAreSetFromText) {
  Options options;
  options.set("cache", "/a/folder");
  EXPECT_EQ(options.cache, "/a/folder");
  options.set("cache_size", "3G");
  EXPECT_EQ(options.cache_size, std::uint64_t{3} << 30);
  options.set("cache_ttl", "5m");
  EXPECT_EQ(options.cache_ttl, milliseconds(300'000));
  options.set("cache_ttl", "0");
  EXPECT_EQ(options.cache_ttl, milliseconds(0));
  options.set("rate", "2.5");
  EXPECT_EQ(options.rate, 2.5);
  options.set("read_only", "true");
  EXPECT_EQ(options.access, Options::Access::read_only);
}

TEST(Options, WhatIsWrongIsRefusedByName) {
  const struct {
    const char* name;
    const char* value;
  } rows[] = {{"anonymous", "maybe"},
              {"addressing", "dns"},
              {"part_size", "0"},
              {"part_size", "6G"},
              {"part_size", "many"},
              {"concurrency", "0"},
              {"concurrency", "-1"},
              {"concurrency", "8x"},
              {"concurrency", ""},
              {"concurrency", "99999999999999999999"},
              {"timeout", "0"},
              {"timeout", "1h"},
              {"timeout", "ms"},
              {"timeout", "99999999999999999s"},
              {"max_retries", "101"},
              {"durability", "maybe"},
              {"cache_size", "big"},
              {"cache_ttl", "-1s"},
              {"rate", "0"},
              {"rate", "-1"},
              {"rate", "nan"},
              {"rate", "inf"},
              {"rate", "5/s"},
              {"read_only", "perhaps"},
              {"", "x"},
              {"Region", "x"}};
  for (const auto& row : rows) {
    Options options;
    try {
      options.set(row.name, row.value);
      ADD_FAILURE() << row.name << "=" << row.value << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::invalid_argument) << error.what();
    }
  }
}

TEST(Options, AnUnknownNameIsToldWhatThereIs) {
  try {
    Options().set("regoin", "secret");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("regoin"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("region"));
    EXPECT_THAT(error.what(), ::testing::Not(::testing::HasSubstr("secret ")));
  }
}

}  // namespace
}  // namespace cnf::storage
