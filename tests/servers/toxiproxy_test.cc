// SPDX-License-Identifier: Apache-2.0
// What befalls a connection on its way to a real server: slow, narrow, cut, torn down, silent,
// gone. It is borne, or refused with the right code, and never with wrong bytes.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "real_stores.h"
#include "test_bytes.h"
#include <gtest/gtest.h>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/server.h"

namespace cnf::storage::real {
namespace {

using std::chrono::milliseconds;
using Toxic = testing::Toxiproxy::Toxic;
using Stream = Toxic::Stream;

struct Row {
  std::string_view name;
  std::vector<Toxic> toxics;
  std::optional<Errc> read = {};  // nullopt: all comes as it is
  std::optional<Errc> write = {};
};

std::vector<Row> rows() {
  return {
      {"late", {{"latency", {{"latency", 30}, {"jitter", 10}}}}},
      {"narrow", {{"bandwidth", {{"rate", 4'000}}}, {"bandwidth", {{"rate", 4'000}}, Stream::up}}},
      {"in slices",
       {{"slicer", {{"average_size", 5'000}, {"size_variation", 900}, {"delay", 50}}}}},
      {"slow to close", {{"slow_close", {{"delay", 100}}}}},
      {"cut after more than 64 KiB", {{"limit_data", {{"bytes", 100'000}}}}},
      {"cut at once", {{"limit_data", {{"bytes", 10}}}}, Errc::unavailable, Errc::unavailable},
      {"cut on the way up",
       {{"limit_data", {{"bytes", 50}}, Stream::up}},
       Errc::unavailable,
       Errc::unavailable},
      {"reset", {{"reset_peer", {{"timeout", 0}}}}, Errc::unavailable, Errc::unavailable},
      {"silent", {{"timeout", {{"timeout", 0}}}}, Errc::unavailable, Errc::unavailable},
      {"silent on the way up",
       {{"timeout", {{"timeout", 0}}, Stream::up}},
       Errc::unavailable,
       Errc::unavailable},
  };
}

template <typename Call>
std::optional<Errc> thrown_by(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return std::nullopt;
}

class Toxiproxies {
 public:
  explicit Toxiproxies(const Kind& kind)
      : kind_(kind), bucket_(kind.new_bucket()), direct_(kind.open(bucket_, {})) {
    route_.endpoint = toxiproxy_.add("way", kind.endpoint());
    route_.options.max_retries = 2;
    route_.options.stall_timeout = milliseconds(1500);
    route_.retry = {.base = milliseconds(1), .cap = milliseconds(4)};
    direct_->put("there", as_bytes(old_));
  }

  void check(const Row& row) {
    SCOPED_TRACE(std::string(kind_.name) + ", " + std::string(row.name));
    const auto store = kind_.open(bucket_, route_);
    // So that the store was reached once: a name that never led anywhere is given up sooner.
    EXPECT_EQ(store->stat("there").size, old_.size());
    for (const Toxic& toxic : row.toxics) toxiproxy_.befall("way", toxic);
    std::string got;
    EXPECT_EQ(thrown_by([&] { got = as_text(store->read_all("there", old_.size()).bytes); }),
              row.read);
    EXPECT_TRUE(row.read || got == old_);
    const auto bytes = pattern(300'000, 2);
    EXPECT_EQ(thrown_by([&] { store->put("new", as_bytes(bytes)); }), row.write);
    toxiproxy_.reset();
    // An answer that never came says nothing about the object, but that it is whole.
    const bool there = direct_->exists("new");
    EXPECT_TRUE(there || row.write) << "it was said to be written";
    if (there) {
      EXPECT_TRUE(as_text(direct_->read_all("new", 1 << 20).bytes) == bytes);
    }
    direct_->remove("new");
    EXPECT_TRUE(as_text(store->read_all("there", old_.size()).bytes) == old_)
        << "the same store, once the way is good again";
  }

  void check_closed_port() {
    SCOPED_TRACE(kind_.name);
    const auto store = kind_.open(bucket_, route_);
    EXPECT_EQ(store->stat("there").size, old_.size());
    toxiproxy_.down("way");
    EXPECT_EQ(thrown_by([&] { static_cast<void>(store->read_all("there", 1 << 20)); }),
              Errc::unavailable);
    toxiproxy_.reset();
    EXPECT_EQ(store->read_all("there", 1 << 20).bytes.size(), old_.size());
  }

  // Nothing comes, and the deadline is nearer than what a stall may take.
  void check_deadline() {
    SCOPED_TRACE(kind_.name);
    Route patient = route_;
    patient.options.stall_timeout = std::chrono::minutes(5);
    const auto store = kind_.open(bucket_, patient);
    toxiproxy_.befall("way", {"timeout", {{"timeout", 0}}});
    const auto soon = Context().with_deadline(Context::Clock::now() + milliseconds(100));
    EXPECT_EQ(thrown_by([&] { static_cast<void>(store->read_all("there", 1 << 20, soon)); }),
              Errc::deadline_exceeded);
    toxiproxy_.reset();
  }

 private:
  const Kind& kind_;
  testing::Toxiproxy toxiproxy_;
  std::string bucket_;
  std::shared_ptr<Storage> direct_;
  std::string old_ = pattern(300'000, 1);
  Route route_;
};

TEST(Toxiproxy, WhatBefallsAConnectionIsBorneOrRefused) {
  for (const Kind& kind : kinds()) {
    Toxiproxies proxies(kind);
    for (const Row& row : rows()) proxies.check(row);
    proxies.check_closed_port();
    proxies.check_deadline();
  }
}

}  // namespace
}  // namespace cnf::storage::real
