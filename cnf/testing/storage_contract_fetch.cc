// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/storage_contract_internal.h"

namespace cnf::testing::contract {
namespace {

using storage::FetchOptions;
using storage::FetchRequest;
using storage::FileInfo;
using storage::Reader;

// What is wanted of an object, and memory for it.
struct Wanted {
  std::string key;
  std::uint64_t offset = 0;
  std::size_t size = 0;
};

// Fetches, counts the calls of `done`, and keeps the buffers.
struct Fetched {
  std::vector<Buffer> buffers;
  std::vector<FetchRequest> requests;
  std::vector<int> done;
  std::optional<Error> thrown;
};

Fetched fetch(const Store& store, std::span<const Wanted> wanted, const Context& context = {},
              const FetchOptions& options = {}) {
  Fetched result;
  for (const Wanted& range : wanted) {
    result.buffers.emplace_back(range.size);
    result.requests.push_back({range.key, range.offset, result.buffers.back().span()});
  }
  result.done.resize(wanted.size());
  const auto count = [&](std::size_t index) { ++result.done[index]; };
  try {
    store->fetch(result.requests, context, count, options);
  } catch (const Error& error) {
    result.thrown = error;
  }
  return result;
}

void expect_each_done_once(const Fetched& fetched) {
  for (std::size_t i = 0; i < fetched.done.size(); ++i) {
    EXPECT_EQ(fetched.done[i], 1) << "done for request " << i;
  }
}

void ranges_in_any_order(const Store& store) {
  const std::vector<Buffer> objects = [] {
    std::vector<Buffer> made;
    for (std::uint64_t i = 0; i < 3; ++i) made.push_back(pattern(50'000, i + 1));
    return made;
  }();
  for (std::size_t i = 0; i < 3; ++i) store->put("object" + std::to_string(i), objects[i]);
  // Apart, touching, overlapping, inside one another, twice, empty, first and last byte.
  const std::vector<Wanted> wanted{
      {"object1", 40'000, 10'000}, {"object0", 0, 1},         {"object1", 0, 5'000},
      {"object1", 5'000, 100},     {"object1", 2'000, 2'000}, {"object2", 10'000, 20'000},
      {"object2", 15'000, 25'000}, {"object2", 0, 50'000},    {"object0", 49'999, 1},
      {"object1", 40'000, 10'000}, {"object0", 777, 0},       {"absent", 5, 0},
      {"object0", 50'000, 0},      {"object2", 30'001, 77},
  };
  for (const FetchOptions options : {FetchOptions{}, FetchOptions{.gap = 1, .max_request = 4'000},
                                     FetchOptions{.gap = 100'000, .max_request = 1'000'000},
                                     FetchOptions{.max_request = 7'001}}) {
    SCOPED_TRACE("gap " + std::to_string(options.gap) + ", max_request " +
                 std::to_string(options.max_request));
    const Fetched fetched = fetch(store, wanted, {}, options);
    EXPECT_FALSE(fetched.thrown) << fetched.thrown->what();
    expect_each_done_once(fetched);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_FALSE(fetched.requests[i].error);
      if (wanted[i].size == 0) continue;
      const Buffer& object = objects[static_cast<std::size_t>(wanted[i].key.back() - '0')];
      EXPECT_TRUE(
          same_bytes(fetched.buffers[i], object.span().subspan(wanted[i].offset, wanted[i].size)))
          << "request " << i;
    }
  }
}

void each_request_fails_alone(const Store& store) {
  const Buffer bytes = pattern(1'000);
  store->put("object", bytes);
  const std::vector<Wanted> wanted{
      {"object", 0, 500},
      {"object", 500, 501},
      {"absent", 0, 10},
      {"object", 400, 600},
      {"object", 5'000, 1},
      {"../object", 0, 1},
      {"object", ~std::uint64_t{0}, 2},
  };
  const std::optional<Errc> codes[] = {
      std::nullopt,       Errc::corrupt_data,     Errc::not_found,       std::nullopt,
      Errc::corrupt_data, Errc::invalid_argument, Errc::invalid_argument};
  const Fetched fetched = fetch(store, wanted);
  expect_each_done_once(fetched);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const std::optional<Error>& error = fetched.requests[i].error;
    ASSERT_EQ(error.has_value(), codes[i].has_value()) << "request " << i;
    if (error) {
      EXPECT_EQ(error->code(), *codes[i]) << "request " << i << ": " << error->what();
    }
  }
  EXPECT_TRUE(same_bytes(fetched.buffers[0], bytes.span().first(500)));
  EXPECT_TRUE(same_bytes(fetched.buffers[3], bytes.span().subspan(400, 600)));
  ASSERT_TRUE(fetched.thrown);
  EXPECT_EQ(fetched.thrown->what(), std::string(fetched.requests[1].error->what()));
}

void reads_pinned_to_an_etag(const Store& store) {
  const FileInfo old = store->put("object", pattern(1'000, 1));
  const std::unique_ptr<Reader> reader = store->open("object");
  EXPECT_EQ(reader->size(), 1'000U);
  const FileInfo now = store->put("object", pattern(1'000, 2));
  EXPECT_NE(now.etag, old.etag) << "bytes of the same length must change the ETag";
  Buffer into(10);
  EXPECT_TRUE(throws(Errc::corrupt_data, [&] { reader->read_at(0, into.span()); }));
  FetchRequest stale{"object", 0, into.span(), old.etag};
  EXPECT_TRUE(throws(Errc::corrupt_data, [&] { store->fetch(std::span(&stale, 1)); }));
  Buffer unpinned(10);
  FetchRequest both[] = {{"object", 0, into.span(), now.etag}, {"object", 5, unpinned.span()}};
  store->fetch(both);
  EXPECT_TRUE(same_bytes(into, pattern(1'000, 2).span().first(10)));
  EXPECT_TRUE(same_bytes(unpinned, pattern(1'000, 2).span().subspan(5, 10)));
}

void requests_and_bytes_are_counted(const Store& store) {
  const auto accounting = std::make_shared<Accounting>();
  const Context context = Context().with_accounting(accounting);
  const auto usage_of = [&](const auto& call) {
    const Usage before = accounting->snapshot();
    call();
    Usage after = accounting->snapshot();
    for (std::size_t i = 0; i < kRequestKinds; ++i) after.requests[i] -= before.requests[i];
    after.bytes_wanted -= before.bytes_wanted;
    after.bytes_fetched -= before.bytes_fetched;
    after.bytes_sent -= before.bytes_sent;
    return after;
  };
  Usage usage = usage_of([&] { store->put("object", pattern(1'000), {}, context); });
  EXPECT_EQ(usage.count(RequestKind::put), 1U);
  EXPECT_EQ(usage.bytes_sent, 1'000U);
  usage = usage_of([&] { (void)store->read_all("object", 1'000, context); });
  EXPECT_EQ(usage.total_requests(), 1U);
  EXPECT_EQ(usage.count(RequestKind::get), 1U);
  EXPECT_EQ(usage.bytes_wanted, 1'000U);
  EXPECT_EQ(usage.bytes_fetched, 1'000U);
  usage = usage_of([&] { (void)store->read_tail("object", 100, context); });
  EXPECT_EQ(usage.count(RequestKind::get), 1U);
  EXPECT_EQ(usage.total_requests(), 1U + usage.count(RequestKind::head))
      << "no store needs more than to ask for the size before";
  EXPECT_LE(usage.count(RequestKind::head), 1U);
  EXPECT_EQ(usage.bytes_fetched, 100U);

  const std::vector<Wanted> near{{"object", 0, 100}, {"object", 150, 100}, {"object", 600, 100}};
  usage = usage_of([&] { (void)fetch(store, near, context, {.gap = 60}); });
  EXPECT_EQ(usage.total_requests(), 2U) << "two ranges 50 bytes apart, and one 350 bytes on";
  EXPECT_EQ(usage.bytes_wanted, 300U);
  EXPECT_EQ(usage.bytes_fetched, 350U);
  const std::vector<Wanted> twice{{"object", 0, 800}, {"object", 0, 800}, {"object", 900, 0}};
  usage = usage_of([&] { (void)fetch(store, twice, context, {.max_request = 300}); });
  EXPECT_EQ(usage.count(RequestKind::get), 3U) << "what two want is fetched once, in three parts";
  EXPECT_EQ(usage.bytes_wanted, 1'600U);
  EXPECT_EQ(usage.bytes_fetched, 800U);

  usage = usage_of([&] { (void)store->stat("object", context); });
  EXPECT_EQ(usage.total_requests(), 1U);
  EXPECT_EQ(usage.count(RequestKind::head), 1U);
  usage = usage_of([&] { (void)keys_of(store->list({}, context)); });
  EXPECT_GE(usage.count(RequestKind::list), 1U);
  EXPECT_EQ(usage.total_requests(), usage.count(RequestKind::list));
  usage = usage_of([&] { store->remove("object", context); });
  EXPECT_EQ(usage.count(RequestKind::remove), 1U);
}

// Every call, so that each can be checked to stop when its context says so.
void expect_all_calls_throw(const Store& store, Errc code, const Context& context) {
  Buffer into(10);
  const std::vector<std::string> keys{"object"};
  EXPECT_TRUE(throws(code, [&] { (void)store->create("new", {}, context); }));
  EXPECT_TRUE(throws(code, [&] { store->put("new", pattern(10), {}, context); }));
  EXPECT_TRUE(throws(code, [&] { (void)store->read_all("object", 10, context); }));
  EXPECT_TRUE(throws(code, [&] { (void)store->read_tail("object", 10, context); }));
  EXPECT_TRUE(throws(code, [&] { (void)store->stat("object", context); }));
  EXPECT_TRUE(throws(code, [&] { (void)store->exists("object", context); }));
  EXPECT_TRUE(throws(code, [&] { (void)store->list({}, context).next(); }));
  EXPECT_TRUE(throws(code, [&] { store->remove(keys, context); }));
  EXPECT_TRUE(throws(code, [&] { store->copy("object", "new", {}, context); }));
  EXPECT_TRUE(throws(code, [&] { store->open("object")->read_at(0, into.span(), context); }));
  const std::vector<Wanted> wanted{{"object", 0, 5}, {"object", 5, 5}, {"absent", 0, 1}};
  const Fetched fetched = fetch(store, wanted, context);
  expect_each_done_once(fetched);
  ASSERT_TRUE(fetched.thrown);
  EXPECT_EQ(fetched.thrown->code(), code);
  for (const FetchRequest& request : fetched.requests) {
    ASSERT_TRUE(request.error);
    EXPECT_EQ(request.error->code(), code);
  }
  EXPECT_EQ(keys_of(store), keys) << "nothing was written or removed";
}

void cancelled_calls_do_nothing(const Store& store) {
  store->put("object", pattern(10));
  std::stop_source source;
  const Context context(source.get_token());
  const std::unique_ptr<storage::Writer> writer = store->create("late", {}, context);
  writer->write(pattern(10));
  source.request_stop();
  EXPECT_TRUE(throws(Errc::cancelled, [&] { writer->write(pattern(10)); }));
  expect_all_calls_throw(store, Errc::cancelled, context);
}

void past_deadlines_do_nothing(const Store& store) {
  store->put("object", pattern(10));
  const Context context = Context().with_deadline(Context::Clock::now());
  expect_all_calls_throw(store, Errc::deadline_exceeded, context);
}

}  // namespace

std::vector<Check> fetch_checks() {
  return {{"ranges in any order", ranges_in_any_order},
          {"each request fails alone", each_request_fails_alone},
          {"reads pinned to an ETag", reads_pinned_to_an_etag},
          {"requests and bytes are counted", requests_and_bytes_are_counted},
          {"cancelled calls do nothing", cancelled_calls_do_nothing},
          {"past deadlines do nothing", past_deadlines_do_nothing}};
}

}  // namespace cnf::testing::contract
