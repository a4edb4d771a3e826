// SPDX-License-Identifier: Apache-2.0
#include "cnf/hts/feed.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::hts {
namespace {

constexpr int kPollMilliseconds = 100;

[[noreturn]] void fail(const char* why) {
  throw Error(Errc::unavailable, "feed", "input", std::string(why) + ": " + std::strerror(errno));
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this == &other) return *this;
  reset();
  fd_ = other.release();
  return *this;
}

void Descriptor::reset() noexcept {
  if (fd_ >= 0) ::close(release());
}

bool wait_for(int fd, short events) {
  pollfd entry{.fd = fd, .events = events, .revents = 0};
  const int ready = ::poll(&entry, 1, kPollMilliseconds);
  if (ready < 0 && errno != EINTR) fail("poll");
  return ready > 0;
}

Feed::Feed(Producer producer, const Context& context)
    : producer_(std::move(producer)),
      context_(context.with_stop(stop_.get_token())),
      forward_(context.stop(), [this] { stop_.request_stop(); }) {
  std::array<int, 2> ends{};
  // A socket pair and not a pipe: writing after the reader has gone raises no SIGPIPE.
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) fail("socketpair");
  reader_ = Descriptor(ends[0]);
  writer_ = Descriptor(ends[1]);
  thread_ = std::jthread([this] { run(); });
}

Feed::~Feed() {
  stop_.request_stop();
  thread_.join();
}

void Feed::check() const {
  const std::lock_guard lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
}

void Feed::run() {
  try {
    for (ByteSpan bytes = producer_(context_); !bytes.empty(); bytes = producer_(context_)) {
      send_all(bytes);
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
  }
  writer_.reset();  // last: whoever sees the end of input finds the failure stored
}

void Feed::send_all(ByteSpan bytes) {
  while (!bytes.empty()) {
    context_.check("read", "input");
    if (!wait_for(writer_.get(), POLLOUT)) continue;
    const ssize_t sent =
        ::send(writer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    } else if (errno == EPIPE || errno == ECONNRESET) {
      fail("the reader has gone");  // nobody is left to be told; it only ends the thread
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
      fail("send");
    }
  }
}

}  // namespace cnf::hts
