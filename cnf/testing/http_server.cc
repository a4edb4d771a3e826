// SPDX-License-Identifier: Apache-2.0
#include "cnf/testing/http_server.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cnf::testing {
namespace {

[[noreturn]] void fail(const char* doing) {
  throw std::system_error(errno, std::generic_category(), doing);
}

// Owns a socket. Any thread may shut it down; only the one that reads and writes may close it.
class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket() { close(); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  [[nodiscard]] int get() const noexcept { return descriptor_; }
  void shut_down() noexcept {
    const std::lock_guard lock(mutex_);
    if (descriptor_ >= 0) ::shutdown(descriptor_, SHUT_RDWR);
  }
  void close() noexcept {
    const std::lock_guard lock(mutex_);
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }
  void make_close_a_reset() const noexcept {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  [[nodiscard]] bool send(std::string_view bytes) const noexcept {
    while (!bytes.empty()) {
      const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// Appends what is there; false at the end.
  [[nodiscard]] bool receive(std::string& into) const {
    char buffer[64 << 10];
    const auto got = ::recv(descriptor_, buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    into.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

 private:
  std::mutex mutex_;  // between shut_down() and close()
  int descriptor_;
};

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

WireRequest parse_head(std::string_view head) {
  WireRequest out;
  const auto line = head.substr(0, head.find("\r\n"));
  const auto first = line.find(' ');
  const auto second = line.rfind(' ');
  out.method = line.substr(0, first);
  out.target = line.substr(first + 1, second - first - 1);
  head.remove_prefix(line.size());
  while (head.starts_with("\r\n")) {
    head.remove_prefix(2);
    const auto field = head.substr(0, head.find("\r\n"));
    head.remove_prefix(field.size());
    const auto colon = field.find(':');
    if (colon == std::string_view::npos) continue;
    auto value = field.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    out.headers[lower_case(field.substr(0, colon))] = value;
  }
  return out;
}

std::string head_of(const WireReply& reply) {
  std::string out = "HTTP/1.1 " + std::to_string(reply.status) + " Scripted\r\n";
  for (const auto& [name, value] : reply.headers) out += name + ": " + value + "\r\n";
  const auto length = reply.content_length.value_or(reply.body.size());
  if (reply.status != 204) out += "Content-Length: " + std::to_string(length) + "\r\n";
  return out + "\r\n";
}

}  // namespace

std::string WireRequest::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

class HttpServer::Impl {
 public:
  Impl(Script script, std::size_t recorded_body)
      : script_(std::move(script)),
        recorded_body_(recorded_body),
        listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_.get(), generic, size) != 0) fail("bind");
    if (::listen(listener_.get(), 128) != 0) fail("listen");
    if (::getsockname(listener_.get(), generic, &size) != 0) fail("getsockname");
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
      for (const auto& connection : connections_) connection.socket->shut_down();
    }
    changed_.notify_all();
    listener_.shut_down();
    acceptor_.join();
    for (auto& connection : connections_) connection.thread.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::vector<WireRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  [[nodiscard]] std::uint64_t connection_count() const {
    const std::lock_guard lock(mutex_);
    return connections_.size();
  }

 private:
  struct Connection {
    std::unique_ptr<Socket> socket;
    std::thread thread;
  };

  void accept_all();
  void serve(Socket& socket, std::uint64_t number);
  [[nodiscard]] bool receive_request(const Socket& socket, std::string& pending,
                                     WireRequest& request) const;
  [[nodiscard]] bool reply_to(Socket& socket, const WireRequest& request);
  void wait_for_end(const Socket& socket) const;

  [[nodiscard]] bool send_body(const Socket& socket, const WireReply& reply);
  [[nodiscard]] bool pause(std::chrono::milliseconds length);

  const Script script_;
  const std::size_t recorded_body_;
  Socket listener_;
  std::uint16_t port_ = 0;
  std::thread acceptor_;
  std::mutex scripting_;  // one request at a time
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;                // guarded by mutex_
  std::list<Connection> connections_;  // guarded by mutex_
  std::vector<WireRequest> requests_;  // guarded by mutex_
};

void HttpServer::Impl::accept_all() {
  for (;;) {
    const int descriptor = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    auto socket = std::make_unique<Socket>(descriptor);
    const std::lock_guard lock(mutex_);
    if (ending_) return;
    auto& connection = connections_.emplace_back();
    connection.socket = std::move(socket);
    const std::uint64_t number = connections_.size();
    connection.thread =
        std::thread([this, number, held = connection.socket.get()] { serve(*held, number); });
  }
}

bool HttpServer::Impl::receive_request(const Socket& socket, std::string& pending,
                                       WireRequest& request) const {
  std::size_t end = pending.find("\r\n\r\n");
  while (end == std::string::npos) {
    if (!socket.receive(pending)) return false;
    end = pending.find("\r\n\r\n");
  }
  request = parse_head(std::string_view(pending).substr(0, end + 2));
  pending.erase(0, end + 4);
  const auto length = request.header("content-length");
  const std::size_t size = length.empty() ? 0 : std::stoull(length);
  if (lower_case(request.header("expect")) == "100-continue" &&
      !socket.send("HTTP/1.1 100 Continue\r\n\r\n")) {
    return false;
  }
  while (pending.size() < size) {
    if (!socket.receive(pending)) return false;
  }
  request.body = pending.substr(0, size);
  pending.erase(0, size);
  return true;
}

void HttpServer::Impl::serve(Socket& socket, std::uint64_t number) {
  std::string pending;
  WireRequest request;
  while (receive_request(socket, pending, request)) {
    request.connection = number;
    if (!reply_to(socket, request)) break;
  }
  socket.close();
}

// False if the server ended meanwhile.
bool HttpServer::Impl::pause(std::chrono::milliseconds length) {
  if (length.count() == 0) return true;
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, length, [this] { return ending_; });
}

bool HttpServer::Impl::send_body(const Socket& socket, const WireReply& reply) {
  auto body = std::string_view(reply.body).substr(0, reply.cut_at.value_or(std::string::npos));
  if (reply.slice == 0) return socket.send(body);
  while (!body.empty()) {
    const auto now = std::min(reply.slice, body.size());
    if (!pause(reply.delay) || !socket.send(body.substr(0, now))) return false;
    body.remove_prefix(now);
  }
  return true;
}

bool HttpServer::Impl::reply_to(Socket& socket, const WireRequest& request) {
  WireReply reply;
  {
    const std::lock_guard one(scripting_);
    {
      const std::lock_guard lock(mutex_);
      auto& recorded = requests_.emplace_back(request);
      if (recorded.body.size() > recorded_body_) recorded.body.resize(recorded_body_);
    }
    reply = script_(request);
  }
  if (!pause(reply.delay)) return false;
  if (!reply.without_head) {
    const bool sent =
        socket.send(head_of(reply)) && (request.method == "HEAD" || send_body(socket, reply));
    if (!sent) return false;
  }
  switch (reply.ending) {
    case WireReply::Ending::keep:
      return true;
    case WireReply::Ending::close:
      return false;
    case WireReply::Ending::reset:
      socket.make_close_a_reset();
      return false;
    case WireReply::Ending::stall:
      wait_for_end(socket);
      return false;
  }
  return false;
}

// Until the client hangs up or the server ends, which shuts the socket down.
void HttpServer::Impl::wait_for_end(const Socket& socket) const {
  std::string ignored;
  while (socket.receive(ignored)) ignored.clear();
}

HttpServer::HttpServer(Script script, std::size_t recorded_body)
    : impl_(std::make_unique<Impl>(std::move(script), recorded_body)) {}

HttpServer::~HttpServer() = default;

std::string HttpServer::endpoint() const {
  return "http://127.0.0.1:" + std::to_string(impl_->port());
}

std::vector<WireRequest> HttpServer::requests() const { return impl_->requests(); }

std::size_t HttpServer::request_count() const { return impl_->requests().size(); }

std::uint64_t HttpServer::connection_count() const { return impl_->connection_count(); }

HttpServer::Script in_order(std::vector<WireReply> replies) {
  auto next = std::make_shared<std::size_t>(0);  // the server runs one script call at a time
  return [replies = std::move(replies), next](const WireRequest&) {
    const auto at = std::min(*next, replies.size() - 1);
    ++*next;
    return replies[at];
  };
}

}  // namespace cnf::testing
