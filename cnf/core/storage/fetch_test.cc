// SPDX-License-Identifier: Apache-2.0
// Storage::fetch against backends that behave oddly; what it does with good ones is in the
// contract.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/wrappers.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// A memory store that answers fetches as the test says.
class Scripted final : public StorageWrapper {
 public:
  using Answer = std::function<void(std::span<const Transfer>, const TransferDone&)>;

  explicit Scripted(Answer answer) : StorageWrapper(make_memory()), answer_(std::move(answer)) {}
  void answer_truly(std::span<const Transfer> transfers, const TransferDone& done) const {
    StorageWrapper::do_fetch(transfers, {}, done);
  }

 private:
  void do_fetch(std::span<const Transfer> transfers, const Context&,
                const TransferDone& done) const override {
    answer_(transfers, done);
  }

  Answer answer_;
};

std::vector<FetchRequest> requests_for(std::vector<Buffer>& buffers, std::size_t count,
                                       std::size_t size) {
  std::vector<FetchRequest> requests;
  for (std::size_t i = 0; i < count; ++i) {
    buffers.emplace_back(size);
    requests.push_back({"object", i * 1'000'000, buffers.back().span()});
  }
  return requests;
}

const Error kThrottled(Errc::throttled, "read", "object", "slow down");

TEST(Fetch, DoneRunsForOneRequestAtATimeWhateverTheBackendDoes) {
  const auto store = std::make_shared<Scripted>([](auto transfers, const TransferDone& done) {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < transfers.size(); ++i) {
      threads.emplace_back([&done, i] { done(i, i % 3 == 0 ? &kThrottled : nullptr); });
    }
  });
  std::vector<Buffer> buffers;
  std::vector<FetchRequest> requests = requests_for(buffers, 50, 10);
  std::vector<std::size_t> told;  // not guarded: that is the promise
  EXPECT_THROW(store->fetch(requests, {}, [&](std::size_t i) { told.push_back(i); }), Error);
  std::sort(told.begin(), told.end());
  ASSERT_EQ(told.size(), 50U);
  for (std::size_t i = 0; i < told.size(); ++i) EXPECT_EQ(told[i], i);
}

TEST(Fetch, WhatDoneThrowsComesOutWhenAllAreDone) {
  const std::shared_ptr<Storage> store = make_memory();
  store->put("object", Buffer(100));
  std::vector<Buffer> buffers(3);
  std::vector<FetchRequest> requests;
  for (Buffer& buffer : buffers) {
    buffer.resize(10);
    requests.push_back({"object", 0, buffer.span()});
  }
  int told = 0;
  const auto done = [&](std::size_t) {
    ++told;
    throw std::runtime_error("from done");
  };
  EXPECT_THROW(store->fetch(requests, {}, done), std::runtime_error);
  EXPECT_EQ(told, 3);
}

TEST(Fetch, ABackendThatThrowsFailsWhatItHasNotReported) {
  const auto store = std::make_shared<Scripted>([](auto, const TransferDone& done) {
    done(1, nullptr);
    throw Error(kThrottled);
  });
  std::vector<Buffer> buffers;
  std::vector<FetchRequest> requests = requests_for(buffers, 3, 10);
  int told = 0;
  EXPECT_THROW(store->fetch(requests, {}, [&](std::size_t) { ++told; }), Error);
  EXPECT_EQ(told, 3);
  EXPECT_FALSE(requests[1].error);
  for (const std::size_t i : {0U, 2U}) {
    ASSERT_TRUE(requests[i].error);
    EXPECT_EQ(requests[i].error->code(), Errc::throttled);
  }
}

TEST(Fetch, ABackendThatForgetsATransferIsFoundOut) {
  const auto store = std::make_shared<Scripted>([](auto, const TransferDone&) {});
  std::vector<Buffer> buffers;
  std::vector<FetchRequest> requests = requests_for(buffers, 1, 10);
  EXPECT_THROW(store->fetch(requests), Error);
  ASSERT_TRUE(requests[0].error);
  EXPECT_EQ(requests[0].error->code(), Errc::internal);
}

TEST(Fetch, WhoSharesBytesHasThemBeforeTheOwnerIsTold) {
  const std::shared_ptr<Storage> store = make_memory();
  Buffer bytes(1'000);
  std::fill_n(bytes.data(), 1'000, std::byte{7});
  store->put("object", bytes);
  Buffer owner(1'000);
  Buffer sharer(900);
  FetchRequest requests[] = {{"object", 0, owner.span()}, {"object", 100, sharer.span()}};
  const auto scribble = [&](std::size_t i) {
    std::fill_n(requests[i].into.data(), requests[i].into.size(), std::byte{i == 0});
  };
  std::vector<std::byte> seen;
  store->fetch(requests, {},
               [&](std::size_t i) {
                 seen.push_back(requests[i].into[899]);
                 scribble(i);
               },
               {.max_request = 300});
  EXPECT_EQ(seen, (std::vector<std::byte>{std::byte{7}, std::byte{7}}));
}

TEST(Fetch, OnlyWhatMayBeInnocentIsAskedForAgain) {
  std::vector<std::size_t> transfers_per_call;
  std::shared_ptr<Scripted> store;
  Errc code = Errc::corrupt_data;
  store = std::make_shared<Scripted>([&](auto transfers, const TransferDone& done) {
    transfers_per_call.push_back(transfers.size());
    const Error error(code, "read", "object", "as planned");
    for (std::size_t i = 0; i < transfers.size(); ++i) done(i, &error);
  });
  std::vector<Buffer> buffers;
  std::vector<FetchRequest> requests = requests_for(buffers, 3, 10);
  requests[1].offset = 10;  // shares a transfer with the first; the third has its own
  EXPECT_THROW(store->fetch(requests), Error);
  EXPECT_EQ(transfers_per_call, (std::vector<std::size_t>{2, 2})) << "joined, then each alone";
  transfers_per_call.clear();
  code = Errc::unavailable;
  EXPECT_THROW(store->fetch(requests), Error);
  EXPECT_EQ(transfers_per_call, std::vector<std::size_t>{2}) << "asking again is the backend's";
}

TEST(Fetch, WithoutOptionsTheBackendsProfileHolds) {
  const std::shared_ptr<Storage> store = make_memory();  // joins over 64 KiB
  store->put("object", Buffer(200'000));
  Buffer into(20);
  FetchRequest requests[] = {{"object", 0, into.span().first(10)},
                             {"object", 65'546, into.span().last(10)}};
  const Context context = Context().with_accounting(std::make_shared<Accounting>());
  store->fetch(requests, context);
  EXPECT_EQ(context.accounting().snapshot().count(RequestKind::get), 1U);
  ++requests[1].offset;
  store->fetch(requests, context);
  EXPECT_EQ(context.accounting().snapshot().count(RequestKind::get), 3U);
}

TEST(Fetch, NothingToFetchCostsNothing) {
  const auto store = std::make_shared<Scripted>(
      [](auto, const TransferDone&) { FAIL() << "the backend was asked"; });
  store->fetch({});
  FetchRequest empty{"object", 5, {}};
  int told = 0;
  store->fetch(std::span(&empty, 1), {}, [&](std::size_t) { ++told; });
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace cnf::storage
