// SPDX-License-Identifier: Apache-2.0
// What is asked alike of each kind of store on a server that does as the vendor's does.
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "real_stores.h"
#include "test_bytes.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage::real {
namespace {

struct Case {
  std::string_view kind;
  std::uint64_t removals = 1;  ///< Requests that remove all of TakesEveryKey's keys.
};

class EveryStore : public ::testing::TestWithParam<Case> {};

TEST_P(EveryStore, LetsOneOfManyWritersWin) {
  constexpr int kWriters = 16;
  const auto store = kind(GetParam().kind).fresh();
  std::atomic<int> won = 0;
  std::atomic<int> lost = 0;
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back([&, i] {
        const auto code = code_of([&] {
          store->put("race", as_bytes(std::to_string(i)), {.condition = Condition::if_absent()});
          ++won;
        });
        if (code == Errc::already_exists) ++lost;
      });
    }
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, kWriters - 1);
}

TEST_P(EveryStore, TakesEveryKey) {
  const auto store = kind(GetParam().kind).fresh();
  const std::vector<std::string> keys = {"a b",      "a+b",   "a%20b",    "a&b=c",
                                         "a'(b)*!~", "a;b:c", "ü/ñ/日本", "x/y z",
                                         "a\"b<c>",  "a?b#c", "a@b,c$d",  "[a]{b}|c^d`"};
  for (const auto& key : keys) {
    static_cast<void>(store->put(key, as_bytes(key)));
    EXPECT_EQ(as_text(store->read_all(key, 100).bytes), key);
    EXPECT_EQ(store->stat(key).size, key.size());
    static_cast<void>(store->copy(key, "copy of " + key));
  }
  std::vector<std::string> listed;
  for (const auto& info : store->list()) listed.push_back(info.key);
  EXPECT_EQ(listed.size(), 2 * keys.size());
  for (const auto& key : keys) EXPECT_THAT(listed, ::testing::Contains(key));
  const auto accounting = std::make_shared<Accounting>();
  store->remove(listed, Context().with_accounting(accounting));
  EXPECT_EQ(accounting->snapshot().count(RequestKind::remove), GetParam().removals);
  EXPECT_TRUE(store->list_page({}, "").objects.empty());
}

// One batch does it, but what is not ASCII S3's XML does not carry: that key and its copy go alone.
INSTANTIATE_TEST_SUITE_P(Kinds, EveryStore,
                         ::testing::Values(Case{"s3", 3}, Case{"gcs", 1}, Case{"azure", 1}),
                         [](const auto& test) { return std::string(test.param.kind); });

}  // namespace
}  // namespace cnf::storage::real
