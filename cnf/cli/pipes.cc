// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/pipes.h"

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/poll.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::cli {
namespace {

constexpr int kPollMilliseconds = 100;  // how long a stop request may go unseen

[[noreturn]] void fail(std::string_view doing, const std::string& name, int error) {
  const Errc code = error == ENOSPC || error == EDQUOT  ? Errc::out_of_space
                    : error == EACCES || error == EPERM ? Errc::permission_denied
                    : error == ENOENT                   ? Errc::not_found
                                                        : Errc::unavailable;
  throw Error(code, doing, name, std::generic_category().message(error));
}

// The same pipe through a description of its own, which may be non-blocking without the other
// processes that share ours noticing; -1 if that cannot be had.
int reopen_non_blocking(int descriptor) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0 || !S_ISFIFO(status.st_mode)) return -1;
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  return open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

}  // namespace

Pipe Pipe::standard_input() { return {STDIN_FILENO, false, "standard input"}; }

Pipe Pipe::standard_output() {
  const int own = reopen_non_blocking(STDOUT_FILENO);
  if (own < 0) return {STDOUT_FILENO, false, "standard output"};
  return {own, true, "standard output"};
}

Pipe Pipe::open_for_writing(const std::string& path) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) fail("open", path, errno);
  return {descriptor, true, path};
}

Pipe::Pipe(Pipe&& other) noexcept
    : descriptor_(other.descriptor_),
      owned_(std::exchange(other.owned_, false)),
      name_(std::move(other.name_)) {}

Pipe::~Pipe() {
  if (owned_) close(descriptor_);
}

bool Pipe::is_terminal() const noexcept { return isatty(descriptor_) == 1; }

void Pipe::wait(short events, const Context& context) const {
  pollfd request{.fd = descriptor_, .events = events, .revents = 0};
  for (;;) {
    context.check((events & POLLIN) != 0 ? "read" : "write", name_);
    const int ready = poll(&request, 1, kPollMilliseconds);
    if (ready > 0 || (ready < 0 && errno != EINTR)) return;
  }
}

void Pipe::write(ByteSpan bytes, const Context& context) {
  while (!bytes.empty()) {
    wait(POLLOUT, context);
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    } else if (errno == EPIPE) {
      throw BrokenPipe();
    } else if (errno != EAGAIN && errno != EINTR) {
      fail("write", name_, errno);
    }
  }
}

std::size_t Pipe::read(MutableByteSpan into, const Context& context) {
  for (;;) {
    wait(POLLIN, context);
    const ssize_t count = ::read(descriptor_, into.data(), into.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EAGAIN && errno != EINTR) fail("read", name_, errno);
  }
}

}  // namespace cnf::cli
