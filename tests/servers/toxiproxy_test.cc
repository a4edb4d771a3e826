// SPDX-License-Identifier: Apache-2.0
// What befalls a connection on its way: slow, narrow, cut, torn down, silent, gone.
#include <gtest/gtest.h>

#include "cnf/core/storage/http.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/http_server.h"
#include "cnf/testing/server.h"

namespace cnf::storage {
namespace {

TEST(Toxiproxy, ClosesAndOpensItsPort) {
  const testing::HttpServer server(testing::in_order({{.body = "hello"}}));
  const testing::Toxiproxy toxiproxy;
  Options options;
  options.max_retries = 0;
  const auto store = open_http(toxiproxy.add("web", server.endpoint()), "", options);
  EXPECT_EQ(as_text(store->read_all("a", 10).bytes), "hello");
  toxiproxy.down("web");
  try {
    static_cast<void>(store->read_all("a", 10));
    FAIL() << "it is down";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::unavailable) << error.what();
  }
  toxiproxy.reset();
  EXPECT_EQ(as_text(store->read_all("a", 10).bytes), "hello");
}

}  // namespace
}  // namespace cnf::storage
