// SPDX-License-Identifier: Apache-2.0
#include "fault_proxy.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <curl/curl.h>

namespace cnf::testing {
namespace {

using Ending = WireReply::Ending;
using std::chrono::milliseconds;

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* into) {
  static_cast<WireReply*>(into)->body.append(data, size * count);
  return size * count;
}

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* into) {
  const std::string_view line(data, size * count);
  auto& reply = *static_cast<WireReply*>(into);
  if (line.starts_with("HTTP/")) {  // also the head of a "100 Continue"
    reply.headers.clear();
    return line.size();
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return line.size();
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  // What concerns a single connection is for each side to say.
  if (name == "content-length" || name == "transfer-encoding" || name == "connection") {
    return line.size();
  }
  auto value = line.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  value = value.substr(0, value.find_last_not_of("\r\n") + 1);
  reply.headers.emplace_back(std::move(name), value);
  return line.size();
}

const std::string* header(const WireReply& reply, std::string_view name) {
  for (const auto& [key, value] : reply.headers) {
    if (key == name) return &value;
  }
  return nullptr;
}

void replace_header(WireReply& reply, std::string_view name, const std::string& value) {
  std::erase_if(reply.headers, [&](const auto& one) { return one.first == name; });
  if (!value.empty()) reply.headers.emplace_back(name, value);
}

// Answers of which stores say that they may hold an error under a 200.
bool may_fail_in_200(const WireRequest& request) {
  return request.method == "POST" || !request.header("x-amz-copy-source").empty() ||
         request.target.find("list-type=2") != std::string::npos;
}

using Options = FaultProxy::Options;
using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t bound) {
  return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
}

WireReply refusal(int status, const char* retry_after = nullptr) {
  WireReply reply{.status = status, .body = "busy"};
  if (retry_after != nullptr) reply.headers.emplace_back("retry-after", retry_after);
  return reply;
}

// Instead of an answer: the server never sees the request.
struct Refusal {
  std::string_view name;
  bool (*fits)(const Options& options, const WireRequest& request);
  WireReply (*reply)(const Options& options);
};

bool always(const Options& /*options*/, const WireRequest& /*request*/) { return true; }

constexpr Refusal kRefusals[] = {
    {"503 with Retry-After", always, [](const Options&) { return refusal(503, "0"); }},
    {"429", always, [](const Options&) { return refusal(429); }},
    {"500", always, [](const Options&) { return refusal(500); }},
    {"reset before the request was read", always,
     [](const Options&) { return WireReply{.without_head = true, .ending = Ending::reset}; }},
    {"an error in a 200",
     [](const Options& options, const WireRequest& request) {
       return !options.error_in_200.empty() && may_fail_in_200(request);
     },
     [](const Options& options) { return WireReply{.body = options.error_in_200}; }},
};

// What becomes of a good answer: the server has done what it was asked.
struct Spoiling {
  std::string_view name;
  bool (*fits)(const Options& options, const WireRequest& request, const WireReply& reply);
  void (*spoil)(const Options& options, const WireRequest& request, WireReply& reply,
                Random& random);
};

bool any(const Options& /*options*/, const WireRequest& /*request*/, const WireReply& /*reply*/) {
  return true;
}
bool has_body(const Options& /*options*/, const WireRequest& request, const WireReply& reply) {
  return request.method != "HEAD" && reply.body.size() > 1;
}
bool is_range(const Options& /*options*/, const WireRequest& /*request*/, const WireReply& reply) {
  return reply.status == 206 && header(reply, "content-range") != nullptr;
}

void cut(WireReply& reply, Random& random, Ending ending) {
  reply.cut_at = below(random, reply.body.size());
  reply.ending = ending;
}

// "bytes 10-19/100", with another number in the place of its first.
void shift_range(WireReply& reply, Random& random) {
  const std::string value = *header(reply, "content-range");
  const auto dash = value.find('-');
  const auto first = std::stoull(value.substr(6, dash - 6)) + 1 + below(random, 1000);
  replace_header(reply, "content-range", "bytes " + std::to_string(first) + value.substr(dash));
}

constexpr Spoiling kSpoilings[] = {
    {"answer lost", any,
     [](const Options&, const WireRequest&, WireReply& reply, Random&) {
       reply = {.without_head = true, .ending = Ending::reset};
     }},
    {"500 for what was done", any,
     [](const Options&, const WireRequest&, WireReply& reply, Random&) { reply = refusal(500); }},
    {"body cut", has_body,
     [](const Options&, const WireRequest&, WireReply& reply, Random& random) {
       cut(reply, random, Ending::close);
     }},
    {"body cut by a reset", has_body,
     [](const Options&, const WireRequest&, WireReply& reply, Random& random) {
       cut(reply, random, Ending::reset);
     }},
    {"late", any,
     [](const Options&, const WireRequest&, WireReply& reply, Random& random) {
       reply.delay = milliseconds(1 + below(random, 10));
     }},
    {"trickling", has_body,
     [](const Options&, const WireRequest&, WireReply& reply, Random&) {
       reply.slice = reply.body.size() / 5 + 1;
       reply.delay = milliseconds(1);
     }},
    {"another range", is_range,
     [](const Options&, const WireRequest&, WireReply& reply, Random& random) {
       shift_range(reply, random);
     }},
    {"206 without Content-Range", is_range,
     [](const Options&, const WireRequest&, WireReply& reply, Random&) {
       replace_header(reply, "content-range", "");
     }},
    {"whole object for a range",
     [](const Options& options, const WireRequest& request, const WireReply& reply) {
       return options.whole && is_range(options, request, reply);
     },
     [](const Options& options, const WireRequest& request, WireReply& reply, Random&) {
       reply.status = 200;
       replace_header(reply, "content-range", "");
       reply.body = options.whole(request);
     }},
    {"body longer than the range", is_range,
     [](const Options&, const WireRequest&, WireReply& reply, Random&) { reply.body += "more"; }},
};

constexpr std::string_view kTwice = "request that arrives twice";

}  // namespace

FaultProxy::FaultProxy(Options options)
    : options_(std::move(options)),
      curl_(curl_easy_init(), curl_easy_cleanup),
      random_(options_.seed) {
  const auto host = options_.upstream.find("://") + 3;
  authority_ = options_.upstream.substr(host, options_.upstream.find('/', host) - host);
  server_ = std::make_unique<HttpServer>(
      [this](const WireRequest& request) { return answer(request); }, 0);
}

FaultProxy::~FaultProxy() = default;

std::string FaultProxy::endpoint() const {
  const auto path = options_.upstream.find('/', options_.upstream.find("://") + 3);
  return server_->endpoint() +
         (path == std::string::npos ? std::string() : options_.upstream.substr(path));
}

std::map<std::string, std::uint64_t, std::less<>> FaultProxy::faults() const {
  const std::lock_guard lock(mutex_);
  return faults_;
}

std::uint64_t FaultProxy::fault_count() const {
  std::uint64_t all = 0;
  for (const auto& [name, count] : faults()) all += count;
  return all;
}

void FaultProxy::count(std::string_view name) {
  const std::lock_guard lock(mutex_);
  ++faults_[std::string(name)];
}

WireReply FaultProxy::answer(const WireRequest& request) {
  constexpr std::size_t kKinds = std::size(kRefusals) + std::size(kSpoilings) + 1;
  if (!std::bernoulli_distribution(options_.share)(random_)) return forward(request);
  const std::size_t drawn = below(random_, kKinds);
  if (drawn < std::size(kRefusals) && kRefusals[drawn].fits(options_, request)) {
    count(kRefusals[drawn].name);
    return kRefusals[drawn].reply(options_);
  }
  WireReply reply = forward(request);
  if (drawn == kKinds - 1) {
    count(kTwice);
    return forward(request);
  }
  if (drawn < std::size(kRefusals)) return reply;
  const Spoiling& spoiling = kSpoilings[drawn - std::size(kRefusals)];
  if (spoiling.fits(options_, request, reply)) {
    count(spoiling.name);
    spoiling.spoil(options_, request, reply, random_);
  }
  return reply;
}

WireReply FaultProxy::forward(const WireRequest& request) {
  WireReply reply;
  std::unique_ptr<curl_slist, void (*)(curl_slist*)> list(nullptr, curl_slist_free_all);
  const auto add = [&](const std::string& line) {
    list.reset(curl_slist_append(list.release(), line.c_str()));
  };
  for (const auto& [name, value] : request.headers) {
    if (name != "connection" && name != "expect" && name != "content-length") {
      add(name + (value.empty() ? ";" : ": " + value));
    }
  }
  add("expect:");
  for (const char* const added : {"accept", "content-type", "user-agent"}) {
    if (request.header(added).empty()) add(std::string(added) + ":");
  }
  CURL* const easy = static_cast<CURL*>(curl_.get());
  curl_easy_reset(easy);
  curl_easy_setopt(easy, CURLOPT_URL, ("http://" + authority_ + request.target).c_str());
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list.get());
  if (!request.body.empty() || request.method == "PUT" || request.method == "POST") {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
  }
  if (request.method == "HEAD") curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &reply);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &reply);
  if (curl_easy_perform(easy) != CURLE_OK) return {.without_head = true, .ending = Ending::close};
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  reply.status = static_cast<int>(status);
  // Of a HEAD's answer: what the object's size is.
  curl_off_t length = -1;
  curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  if (request.method == "HEAD" && length >= 0) {
    reply.content_length = static_cast<std::uint64_t>(length);
  }
  // Where an upload goes on: by this way, too.
  if (const std::string* const location = header(reply, "location")) {
    std::string by_here = *location;
    if (const auto at = by_here.find(authority_); at != std::string::npos) {
      by_here.replace(at, authority_.size(), server_->endpoint().substr(7));
      replace_header(reply, "location", by_here);
    }
  }
  return reply;
}

}  // namespace cnf::testing
