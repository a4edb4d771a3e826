// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cnf::testing {

/// A request as it came over the wire.
struct WireRequest {
  std::string method;
  std::string target;                          ///< Path and query, percent-encoded as sent.
  std::map<std::string, std::string> headers;  ///< Names in lower case; the last of a repeated one.
  std::string body;
  std::uint64_t connection = 0;  ///< Which connection it came over, from 1.

  /// The header's value, "" if there is none.
  [[nodiscard]] std::string header(const std::string& name) const;
};

/// What goes back, and how it goes wrong.
struct WireReply {
  enum class Ending : std::uint8_t {
    keep,   ///< The connection waits for the next request.
    close,  ///< Closed after what was sent.
    reset,  ///< Torn down (RST) after what was sent.
    stall,  ///< Nothing more comes until the client gives up or the server ends.
  };

  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  /// Only so many bytes of the body are sent; Content-Length still promises all.
  std::optional<std::size_t> cut_at = {};
  /// Promised instead of the body's size.
  std::optional<std::uint64_t> content_length = {};
  bool without_head = false;           ///< Nothing is sent at all.
  std::chrono::milliseconds delay{0};  ///< Before the first byte.
  std::size_t slice =
      0;  ///< Not 0: the body goes out so many bytes at a time, `delay` before each.
  Ending ending = Ending::keep;
};

/// An HTTP/1.1 server on a free port of 127.0.0.1 that says what a test tells it to: for what no
/// real server does on demand. It records every request, and of its body no more than it is told.
///
/// Threads: every member may be called concurrently. The script runs on the connections' threads,
/// one request at a time.
class HttpServer {
 public:
  using Script = std::function<WireReply(const WireRequest&)>;

  static constexpr std::size_t kWhole = std::string::npos;

  explicit HttpServer(Script script, std::size_t recorded_body = kWhole);
  /// Ends all connections.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// "http://127.0.0.1:PORT".
  [[nodiscard]] std::string endpoint() const;
  /// What came so far.
  [[nodiscard]] std::vector<WireRequest> requests() const;
  [[nodiscard]] std::size_t request_count() const;
  [[nodiscard]] std::uint64_t connection_count() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Replies in a fixed order; the last one repeats.
[[nodiscard]] HttpServer::Script in_order(std::vector<WireReply> replies);

}  // namespace cnf::testing
