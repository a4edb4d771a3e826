// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/http.h"

#include <charconv>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/http_server.h"

namespace cnf::storage {
namespace {

using ::testing::HasSubstr;
using testing::HttpServer;
using ::testing::Not;
using testing::WireReply;
using testing::WireRequest;

/// How a web server may be.
struct Habits {
  bool ranges = true;
  bool head = true;
  std::string secret = {};          ///< The query that it wants.
  std::string moved_from = "/old";  ///< Redirected to "/new".
};

WireReply ranged(const std::string& object, const std::string& range) {
  std::uint64_t first = 0, last = object.size() - 1;
  if (range.starts_with("bytes=-")) {
    std::uint64_t tail = 0;
    std::from_chars(range.data() + 7, range.data() + range.size(), tail);
    first = object.size() - std::min<std::uint64_t>(tail, object.size());
  } else {
    const auto dash = std::from_chars(range.data() + 6, range.data() + range.size(), first).ptr;
    std::from_chars(dash + 1, range.data() + range.size(), last);
    last = std::min<std::uint64_t>(last, object.size() - 1);
  }
  return {
      .status = 206,
      .headers = {{"Content-Range", "bytes " + std::to_string(first) + "-" + std::to_string(last) +
                                        "/" + std::to_string(object.size())},
                  {"ETag", "\"e\""}},
      .body = object.substr(first, last - first + 1)};
}

HttpServer::Script web_server(std::map<std::string, std::string> files, Habits habits = {}) {
  return [files = std::move(files), habits](const WireRequest& request) -> WireReply {
    const std::string path = request.target.substr(0, request.target.find('?'));
    if (!habits.secret.empty() && request.target != path + "?" + habits.secret)
      return {.status = 403};
    if (path.starts_with(habits.moved_from)) {
      return {.status = 302,
              .headers = {{"Location", "/new" + path.substr(habits.moved_from.size())}},
              .body = "moved"};
    }
    const auto file = files.find(path);
    if (file == files.end()) return {.status = 404};
    if (request.method == "HEAD") {
      if (!habits.head) return {.status = 403};
      return {.headers = {{"ETag", "\"e\""}}, .content_length = file->second.size()};
    }
    const std::string range = request.header("range");
    if (habits.ranges && !range.empty()) return ranged(file->second, range);
    return {.headers = {{"ETag", "\"e\""}}, .body = file->second};
  };
}

std::string text(const Object& object) { return std::string(as_text(object.bytes)); }

std::string read_range(const Storage& store, const std::string& key, std::uint64_t offset,
                       std::size_t length) {
  Buffer into(length);
  FetchRequest request{.key = key, .offset = offset, .into = into.span()};
  store.fetch({&request, 1});
  return std::string(as_text(into));
}

std::pair<Errc, std::string> failure_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {Errc::internal, "nothing was thrown"};
}

const std::map<std::string, std::string> kFiles = {{"/a/b.txt", "0123456789"},
                                                   {"/new/c", "abcdef"}};

TEST(Http, ReadsObjectsTailsAndRanges) {
  const HttpServer server(web_server(kFiles));
  const auto store = from_uri(server.endpoint() + "/a");
  EXPECT_EQ(text(store->read_all("b.txt", 100)), "0123456789");
  EXPECT_EQ(text(store->read_tail("b.txt", 3)), "789");
  EXPECT_EQ(read_range(*store, "b.txt", 2, 5), "23456");
  EXPECT_EQ(store->stat("b.txt").size, 10U);
  EXPECT_EQ(store->stat("b.txt").etag, "e");
  EXPECT_FALSE(store->exists("c.txt"));
  EXPECT_EQ(failure_of([&] { (void)store->read_all("c.txt", 9); }).first, Errc::not_found);
  EXPECT_EQ(store->uri("b.txt"), server.endpoint() + "/a/b.txt");
}

TEST(Http, FollowsRedirections) {
  const HttpServer server(web_server(kFiles));
  const Location place = locate(server.endpoint() + "/old/c");
  EXPECT_EQ(text(place.storage->read_all(place.key, 100)), "abcdef");
  EXPECT_EQ(read_range(*place.storage, place.key, 1, 2), "bc");
  EXPECT_EQ(place.storage->stat(place.key).size, 6U);
}

TEST(Http, AnEndlessRedirectionIsAnError) {
  const HttpServer server([](const WireRequest& request) {
    return WireReply{.status = 307, .headers = {{"Location", request.target + "x"}}};
  });
  const auto store = open_http(server.endpoint(), {}, {.max_retries = 0});
  EXPECT_EQ(failure_of([&] { (void)store->read_all("a", 9); }).first, Errc::unavailable);
  EXPECT_EQ(server.request_count(), 6U);
}

TEST(Http, SendsTheQueryAlongAndNeverShowsIt) {
  const HttpServer server(web_server(kFiles, {.secret = "sig=s%2Bcret&x=1"}));
  const Location place = locate(server.endpoint() + "/a/b.txt?sig=s%2Bcret&x=1");
  EXPECT_EQ(read_range(*place.storage, place.key, 0, 2), "01");
  const auto other = locate(server.endpoint() + "/a/b.txt?sig=wr0ng");
  const auto [code, what] = failure_of([&] { (void)other.storage->read_all(other.key, 99); });
  EXPECT_EQ(code, Errc::permission_denied);
  EXPECT_THAT(what, Not(HasSubstr("wr0ng")));
  EXPECT_THAT(other.storage->uri(other.key), Not(HasSubstr("wr0ng")));
}

TEST(Http, AServerWithoutRangesGivesSmallObjects) {
  const HttpServer server(web_server(kFiles, {.ranges = false}));
  const auto store = from_uri(server.endpoint());
  EXPECT_EQ(read_range(*store, "a/b.txt", 2, 5), "23456");
  EXPECT_EQ(failure_of([&] { (void)read_range(*store, "a/b.txt", 8, 5); }).first,
            Errc::corrupt_data);
}

TEST(Http, AServerWithoutRangesGivesNoLargeObjects) {
  const HttpServer server([](const WireRequest&) {
    return WireReply{.body = std::string(10, 'x'), .content_length = std::uint64_t{17} << 20};
  });
  const auto store = open_http(server.endpoint(), {}, {.max_retries = 0});
  const auto [code, what] = failure_of([&] { (void)read_range(*store, "large", 2, 5); });
  EXPECT_EQ(code, Errc::unsupported);
  EXPECT_THAT(what, HasSubstr("sent the whole object"));
}

TEST(Http, AServerThatRefusesHeadIsAskedForAByte) {
  const HttpServer server(web_server(kFiles, {.head = false}));
  EXPECT_EQ(from_uri(server.endpoint())->stat("a/b.txt").size, 10U);
}

TEST(Http, IsOnlyReadFrom) {
  const HttpServer server(web_server(kFiles));
  const auto store = from_uri(server.endpoint());
  EXPECT_EQ(failure_of([&] { store->put("a", as_bytes("x")); }).first, Errc::unsupported);
  EXPECT_EQ(failure_of([&] { store->remove("a"); }).first, Errc::unsupported);
  EXPECT_EQ(failure_of([&] { (void)store->list_page({}, {}); }).first, Errc::unsupported);
  EXPECT_EQ(server.request_count(), 0U);
}

TEST(Http, RefusesWhatIsNoServer) {
  EXPECT_EQ(failure_of([] { (void)from_uri("https:///a"); }).first, Errc::invalid_argument);
  EXPECT_EQ(failure_of([] { (void)from_uri("https://h/a?x=%zz"); }).first, Errc::invalid_argument);
}

}  // namespace
}  // namespace cnf::storage
