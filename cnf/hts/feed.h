// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"

namespace cnf::hts {

/// A file descriptor that is closed once.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  void reset() noexcept;

 private:
  int fd_ = -1;
};

/// Waits for `events` on `fd`, at most a tenth of a second, so that a caller that loops can look at
/// its Context in between. False if it is time to look.
[[nodiscard]] bool wait_for(int fd, short events);

/// Bytes that come from anywhere but a regular file, as a descriptor that htslib can read: a thread
/// takes them from a producer and sends them through a socket pair.
///
/// When the producer fails, or the context says stop, the reader meets the end of its input;
/// check() then says why, so that a broken download never looks like a whole file.
class Feed {
 public:
  /// The next bytes, valid until the next call; none at the end. Throws Error; blocks no longer
  /// than a fraction of a second after `context` says stop.
  using Producer = std::function<ByteSpan(const Context& context)>;

  Feed(Producer producer, const Context& context);
  ~Feed();  ///< Stops the thread.
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  /// The end to read from; the caller's from now on. Once.
  [[nodiscard]] Descriptor take_reader() noexcept { return std::move(reader_); }
  /// Rethrows what ended the feed early, if anything did. Call it at every end or failure of input.
  void check() const;

 private:
  void run();
  void send_all(ByteSpan bytes);

  const Producer producer_;
  std::stop_source stop_;
  const Context context_;  // the caller's, with stop_ for its token
  std::stop_callback<std::function<void()>> forward_;
  Descriptor reader_, writer_;
  mutable std::mutex mutex_;
  std::exception_ptr failure_;  // guarded by mutex_
  std::jthread thread_;
};

}  // namespace cnf::hts
