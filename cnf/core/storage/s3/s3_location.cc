// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_retry_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/s3/s3_location_internal.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

constexpr std::chrono::minutes kTemporary{5};

// "s3.eu-west-1.amazonaws.com" from "s3.us-east-1.amazonaws.com": most vendors name their hosts so.
// The region is never one of the last two labels, which say who the vendor is.
std::string with_region(const std::string& authority, const std::string& from,
                        const std::string& to) {
  const std::string label = "." + from + ".";
  const auto at = authority.rfind(label);
  if (from.empty() || at == std::string::npos) return authority;
  const auto behind = authority.substr(at + label.size());
  if (behind.find('.') == std::string::npos) return authority;
  return authority.substr(0, at) + "." + to + "." + behind;
}

// AWS has many hosts for one bucket, and lets its customers run theirs below the same domain.
bool is_aws_s3(std::string_view host, std::string_view domain) {
  return host.ends_with(domain) && (host.starts_with("s3.") || host.starts_with("s3-"));
}

// Whatever the status: it is the head that is asked for.
class AnyAnswer final : public HttpDialect {
 public:
  void sign(HttpRequest& /*request*/) override {}
  [[nodiscard]] std::optional<HttpFailure> judge(const HttpRequest& /*request*/,
                                                 const HttpResponse& response) override {
    auto failure = failure_of_status(response.status);
    if (failure && failure->retry == HttpFailure::Retry::no) return std::nullopt;
    return failure;
  }
};

}  // namespace

bool is_region(std::string_view text) noexcept {
  return text.size() <= 60 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-';
         });
}

S3Location::Place S3Location::now() const {
  return temporary_ && Context::Clock::now() < temporary_until_ ? *temporary_ : place_;
}

S3Location::Place S3Location::place() const {
  const std::lock_guard lock(mutex_);
  return now();
}

std::string S3Location::authority(const Place& place) const {
  return place.path_style ? place.endpoint.authority : bucket_ + "." + place.endpoint.authority;
}

std::string S3Location::spelled(const Place& place, std::string_view key) const {
  std::string out = place.path_style ? "/" + bucket_ : std::string();
  if (!key.empty() || !place.path_style) out.append("/").append(key);
  return out;
}

// A request that was sent is spelled for the place whose host it names.
std::string_view S3Location::key_of(const HttpRequest& request) const {
  bool path_style = first_.path_style;
  for (const Place* place : {&place_, temporary_ ? &*temporary_ : nullptr}) {
    if (place == nullptr || authority(*place) != request.endpoint.authority) continue;
    path_style = place->path_style;
  }
  const std::string_view path = request.path;
  return path.substr(std::min(path.size(), path_style ? bucket_.size() + 2 : 1));
}

HttpRequest S3Location::request(std::string_view method, std::string_view key) const {
  HttpRequest out;
  out.method = method;
  out.endpoint = first_.endpoint;
  out.endpoint.authority = authority(first_);
  out.path = spelled(first_, key);
  return out;
}

void S3Location::readdress(HttpRequest& request) const {
  const std::lock_guard lock(mutex_);
  const auto place = now();
  const std::string key(key_of(request));
  request.path = spelled(place, key);
  request.endpoint = place.endpoint;
  request.endpoint.authority = authority(place);
}

bool S3Location::trusts(const Endpoint& endpoint) const {
  const auto& own = first_.endpoint;
  if (own.scheme == "https" && endpoint.scheme != "https") return false;
  for (const std::string_view domain : {".amazonaws.com", ".amazonaws.com.cn"}) {
    if (is_aws_s3(own.host(), domain)) return is_aws_s3(endpoint.host(), domain);
  }
  return endpoint.host() == own.host() || endpoint.host().ends_with("." + std::string(own.host()));
}

// The host of a URL that asks for the same object, and how it spells that; nullopt if it is foreign
// or asks for something else.
std::optional<S3Location::Place> S3Location::read_url(const std::string& url, std::string_view key,
                                                      Place from) const {
  const bool bare = url.find("://") == std::string::npos;
  Endpoint other;
  try {
    other =
        parse_endpoint((bare ? from.endpoint.scheme + "://" : "") + url.substr(0, url.find('?')));
  } catch (const Error&) {
    return std::nullopt;
  }
  from.endpoint.scheme = other.scheme;
  for (const bool path_style : {false, true}) {
    from.path_style = path_style;
    from.endpoint.authority = other.authority;
    if (!path_style) {
      if (!other.authority.starts_with(bucket_ + ".")) continue;
      from.endpoint.authority.erase(0, bucket_.size() + 1);
    }
    auto path = first_.endpoint.path + spelled(from, key);
    while (path.ends_with('/')) path.pop_back();
    if (trusts(from.endpoint) && (other.path.empty() || other.path == path)) return from;
  }
  return std::nullopt;
}

bool S3Location::learn(const Hint& hint, const HttpRequest& sent) {
  const std::lock_guard lock(mutex_);
  const std::string key(key_of(sent));
  Place next = now();
  const auto before = next.endpoint.authority;
  if (!hint.region.empty() && is_region(hint.region)) {
    next.endpoint.authority = with_region(before, next.region, hint.region);
    next.region = hint.region;
  }
  // A region says it better than a host, where this endpoint's hosts name theirs.
  if (!hint.url.empty() && next.endpoint.authority == before) {
    if (auto place = read_url(hint.url, key, next)) next = *std::move(place);
  }
  const auto& headers = sent.headers;
  const auto signature = std::find_if(headers.begin(), headers.end(), [](const auto& header) {
    return header.first == "Authorization";
  });
  const bool same_region = signature == headers.end() ||
                           signature->second.find("/" + next.region + "/s3/") != std::string::npos;
  const bool same = authority(next) == sent.endpoint.authority && same_region;
  if (same) return false;
  if (hint.temporary) {
    temporary_ = std::move(next);
    temporary_until_ = Context::Clock::now() + kTemporary;
  } else {
    place_ = std::move(next);
    temporary_.reset();
  }
  return true;
}

std::string find_region(const S3Location& location, const HttpEngineOptions& options,
                        const Context& context) {
  HttpEngine engine(std::make_shared<AnyAnswer>(), options);
  HttpCall call;
  call.kind = RequestKind::head;
  call.doing = "find";
  call.subject = "the region of s3://" + location.bucket();
  call.request = location.request("HEAD", {});
  call.context = context;
  const auto outcome = engine.run(std::move(call));
  return std::string(outcome.value().header("x-amz-bucket-region").value_or(""));
}

}  // namespace cnf::storage
