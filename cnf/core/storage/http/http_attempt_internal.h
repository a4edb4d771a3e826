// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <curl/curl.h>

#include "cnf/core/storage/http/http_engine_internal.h"

namespace cnf::storage {

struct CurlEasyDeleter {
  void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
};
using CurlEasy = std::unique_ptr<CURL, CurlEasyDeleter>;

/// One sending of one request through one curl handle: sets the handle up, takes the answer's head
/// and body as they come. Must stay where it is while curl runs the handle.
class HttpAttempt {
 public:
  /// \param call     must outlive the attempt: its sink, its accounting and its name for errors.
  /// \param request  the call's, prepared and signed for this attempt.
  /// \param dialect  must outlive the attempt.
  /// \param sink     takes a good answer's body; null: it is kept. Must outlive the attempt.
  HttpAttempt(CurlEasy easy, const HttpCall& call, HttpRequest request, HttpSink* sink,
              HttpDialect& dialect, const HttpEngineOptions& options);
  HttpAttempt(const HttpAttempt&) = delete;
  HttpAttempt& operator=(const HttpAttempt&) = delete;
  ~HttpAttempt() = default;

  [[nodiscard]] CURL* easy() const noexcept { return easy_.get(); }
  [[nodiscard]] const HttpRequest& request() const noexcept { return request_; }
  [[nodiscard]] HttpResponse& response() noexcept { return response_; }
  [[nodiscard]] bool has_head() const noexcept { return has_head_; }
  /// What the sink or a limit said against the answer, which ended the attempt.
  [[nodiscard]] std::optional<Error> take_refusal() noexcept {
    return std::exchange(refusal_, std::nullopt);
  }
  [[nodiscard]] Context::Clock::time_point last_progress() const noexcept { return progress_; }
  /// Since when a body comes or goes; nullopt while one side thinks.
  [[nodiscard]] std::optional<Context::Clock::time_point> moving_since() const noexcept {
    return moving_since_;
  }
  /// Bytes of that body so far.
  [[nodiscard]] std::uint64_t moved() const noexcept { return moved_; }
  /// libcurl sent it a second time by itself, over a fresh connection.
  [[nodiscard]] bool was_rewound() const noexcept { return rewound_; }
  enum class Connection : std::uint8_t { none, reused, fresh };
  /// What the request went out over, so far.
  [[nodiscard]] Connection connection() const noexcept;
  /// What curl said about a failure of the connection.
  [[nodiscard]] std::string failure_text(CURLcode code) const;
  /// The handle, for the next attempt; this one is over.
  [[nodiscard]] CurlEasy release() noexcept;

 private:
  struct SlistDeleter {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
  };

  [[noreturn]] void refuse(std::string_view why) const;
  void set_up(const HttpEngineOptions& options);
  void set_up_body();
  void add_header(const std::string& line);
  void take_header(std::string_view line);
  void end_head();
  void take_body(ByteSpan bytes);
  void keep_body(ByteSpan bytes);
  void note_moved(std::size_t bytes) noexcept;
  std::size_t give_body(char* into, std::size_t size);
  template <typename Step>
  std::size_t guarded(std::size_t size, const Step& step) noexcept;

  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_send(char* into, std::size_t size, std::size_t count, void* self);
  static int on_rewind(void* self, curl_off_t offset, int origin);

  CurlEasy easy_;
  const HttpCall& call_;
  HttpRequest request_;
  HttpSink* sink_;
  HttpDialect& dialect_;
  const double byte_usd_;
  std::unique_ptr<curl_slist, SlistDeleter> headers_;
  std::array<char, CURL_ERROR_SIZE> curl_text_{};
  HttpResponse response_;
  std::size_t header_bytes_ = 0;
  std::size_t sent_ = 0;
  bool has_head_ = false;
  bool follows_redirects_ = false;
  bool rewound_ = false;
  std::optional<Error> refusal_;
  Context::Clock::time_point progress_ = Context::Clock::now();
  std::optional<Context::Clock::time_point> moving_since_;
  std::uint64_t moved_ = 0;
};

}  // namespace cnf::storage
