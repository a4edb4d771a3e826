// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "cnf/core/storage/http/http_attempt_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

constexpr std::size_t kMostHeaderBytes = std::size_t{256} << 10;
constexpr std::size_t kMostErrorBytes = std::size_t{64} << 10;
// A page of 1000 keys of 1024 bytes, each percent-encoded, is 4 MiB.
constexpr std::size_t kMostAnswerBytes = std::size_t{16} << 20;
// Measured with libcurl 7.88 over loopback: 16 KiB to 512 KiB cuts its CPU time by an eighth, more
// brings nothing.
constexpr long kReceiveBuffer = 512L << 10;
constexpr long kSendBuffer = 1L << 20;

bool is_good(int status) { return status >= 200 && status < 300; }

bool is_redirect(const HttpResponse& response) {
  return response.status >= 300 && response.status < 400 && response.header("location");
}

}  // namespace

HttpAttempt::HttpAttempt(CurlEasy easy, const HttpCall& call, HttpRequest request, HttpSink* sink,
                         HttpDialect& dialect, const HttpEngineOptions& options)
    : easy_(std::move(easy)),
      call_(call),
      request_(std::move(request)),
      sink_(sink),
      dialect_(dialect),
      byte_usd_(options.prices->byte_usd()) {
  set_up(options);
}

void HttpAttempt::refuse(std::string_view why) const {
  throw Error(Errc::corrupt_data, call_.doing, call_.subject, why, "is the endpoint a store?");
}

void HttpAttempt::set_up(const HttpEngineOptions& options) {
  CURL* const handle = easy();
  curl_easy_reset(handle);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, curl_text_.data());
  curl_easy_setopt(handle, CURLOPT_PRIVATE, this);
  curl_easy_setopt(handle, CURLOPT_URL, request_.url().c_str());
  curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);  // what is signed is what is sent
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);  // a stop does not wait for a name server
  curl_easy_setopt(handle, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, kReceiveBuffer);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options.connect_timeout.count()));
  if (!options.ca_bundle.empty()) {
    curl_easy_setopt(handle, CURLOPT_CAINFO, options.ca_bundle.c_str());
  }
  if (options.follow_redirects) {
    follows_redirects_ = true;
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(handle, CURLOPT_MAXREDIRS, 5L);
    curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  }
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "cnf/0.1");
  if (request_.endpoint.is_loopback() || request_.endpoint.is_link_local()) {
    curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
  }
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &HttpAttempt::on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &HttpAttempt::on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
  set_up_body();
  for (const auto& [name, value] : request_.headers) {
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      throw Error(Errc::invalid_argument, call_.doing, call_.subject,
                  "the value of the header " + name + " has more than one line");
    }
    // curl's spelling of a header without a value
    add_header(value.empty() ? name + ";" : std::string(name).append(": ").append(value));
  }
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers_.get());
}

void HttpAttempt::set_up_body() {
  CURL* const handle = easy();
  if (request_.method == "HEAD") {
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    return;
  }
  if (request_.method == "PUT" || request_.method == "POST") {
    const auto size = static_cast<curl_off_t>(request_.body.size());
    if (request_.method == "PUT") {
      curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
      curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, size);
    } else {
      curl_easy_setopt(handle, CURLOPT_POST, 1L);
      curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, size);
      add_header("Content-Type:");  // else curl calls it a form
    }
    if (!request_.asks_first) add_header("Expect:");  // else curl asks
    curl_easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, kSendBuffer);
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, &HttpAttempt::on_send);
    curl_easy_setopt(handle, CURLOPT_READDATA, this);
    curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, &HttpAttempt::on_rewind);
    curl_easy_setopt(handle, CURLOPT_SEEKDATA, this);
    return;
  }
  if (request_.method != "GET") {
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  }
}

void HttpAttempt::add_header(const std::string& line) {
  curl_slist* const first = curl_slist_append(headers_.get(), line.c_str());
  if (first == nullptr) throw std::bad_alloc();
  if (!headers_) headers_.reset(first);  // else it is what headers_ holds
}

std::string HttpAttempt::failure_text(CURLcode code) const {
  const std::string_view said = curl_text_.data();
  return one_line(said.empty() ? curl_easy_strerror(code) : said);
}

HttpAttempt::Connection HttpAttempt::connection() const noexcept {
  long made = 0;
  curl_off_t ready_after = 0;  // microseconds, at least 1 once there is a connection
  curl_easy_getinfo(easy(), CURLINFO_NUM_CONNECTS, &made);
  curl_easy_getinfo(easy(), CURLINFO_PRETRANSFER_TIME_T, &ready_after);
  if (ready_after == 0) return Connection::none;
  return made == 0 ? Connection::reused : Connection::fresh;
}

CurlEasy HttpAttempt::release() noexcept {
  curl_easy_reset(easy());  // it points into this object
  return std::move(easy_);
}

// A header block begins with its status line; of several (100 Continue) the last one counts.
void HttpAttempt::take_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > kMostHeaderBytes) refuse("the answer's headers have over 256 KiB");
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (has_head_) return;  // a trailer
  if (line.starts_with("HTTP/")) {
    response_ = {};
    const auto space = line.find(' ');
    if (space == std::string_view::npos) refuse("the answer's first line has no status");
    std::from_chars(line.data() + space + 1, line.data() + line.size(), response_.status);
    return;
  }
  if (line.empty()) {
    if (response_.status < 200) return;
    if (follows_redirects_ && is_redirect(response_)) return;  // curl asks again elsewhere
    end_head();
    return;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  auto value = line.substr(colon + 1);
  while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
  while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
  response_.headers.emplace_back(std::move(name), value);
}

void HttpAttempt::end_head() {
  has_head_ = true;
  if (!is_good(response_.status)) return;
  if (const auto failure = dialect_.translate(response_)) {
    throw Error(failure->code, call_.doing, call_.subject, failure->why, failure->remedy);
  }
  if (sink_ != nullptr) sink_->begin(response_);
}

void HttpAttempt::take_body(ByteSpan bytes) {
  note_moved(bytes.size());
  if (sink_ == nullptr || !is_good(response_.status)) {
    keep_body(bytes);
    return;
  }
  auto& accounting = call_.context.accounting();
  accounting.add_fetched(bytes.size());
  if (byte_usd_ != 0) accounting.add_usd(static_cast<double>(bytes.size()) * byte_usd_);
  sink_->write(bytes);
}

void HttpAttempt::keep_body(ByteSpan bytes) {
  auto& body = response_.body;
  if (!is_good(response_.status)) {
    body += as_text(bytes.first(std::min(bytes.size(), kMostErrorBytes - body.size())));
    return;
  }
  if (bytes.size() > kMostAnswerBytes - body.size()) refuse("the answer has over 16 MiB");
  body += as_text(bytes);
}

void HttpAttempt::note_moved(std::size_t bytes) noexcept {
  if (!moving_since_) {
    moving_since_ = progress_;
    moved_ = 0;
  }
  moved_ += bytes;
}

std::size_t HttpAttempt::give_body(char* into, std::size_t size) {
  const auto rest = request_.body.subspan(sent_);
  const auto now = std::min(size, rest.size());
  if (now != 0) std::memcpy(into, rest.data(), now);
  sent_ += now;
  progress_ = Context::Clock::now();
  note_moved(now);
  if (sent_ == request_.body.size()) moving_since_.reset();  // now the store thinks
  if (request_.method == "PUT") call_.context.accounting().add_sent(now);
  return now;
}

// No exception may pass through curl: it is kept, and curl is told to end the transfer.
template <typename Step>
std::size_t HttpAttempt::guarded(std::size_t size, const Step& step) noexcept {
  progress_ = Context::Clock::now();
  try {
    step();
    return size;
  } catch (const Error& error) {
    refusal_ = error;
  } catch (const std::bad_alloc&) {
    refusal_.emplace(Errc::internal, call_.doing, call_.subject, "out of memory");
  }
  return 0;
}

std::size_t HttpAttempt::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  auto* const attempt = static_cast<HttpAttempt*>(self);
  return attempt->guarded(size * count, [&] { attempt->take_header({data, size * count}); });
}

std::size_t HttpAttempt::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto* const attempt = static_cast<HttpAttempt*>(self);
  return attempt->guarded(
      size * count, [&] { attempt->take_body(as_bytes(std::string_view(data, size * count))); });
}

std::size_t HttpAttempt::on_send(char* into, std::size_t size, std::size_t count, void* self) {
  return static_cast<HttpAttempt*>(self)->give_body(into, size * count);
}

int HttpAttempt::on_rewind(void* self, curl_off_t offset, int origin) {
  auto* const attempt = static_cast<HttpAttempt*>(self);
  if (origin != SEEK_SET || offset < 0 ||
      static_cast<std::uint64_t>(offset) > attempt->request_.body.size()) {
    return CURL_SEEKFUNC_FAIL;
  }
  attempt->sent_ = static_cast<std::size_t>(offset);
  attempt->rewound_ = true;
  return CURL_SEEKFUNC_OK;
}

}  // namespace cnf::storage
