// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cnf/core/storage/credentials/credentials_aws_internal.h"
#include "cnf/core/storage/credentials/issuer_internal.h"
#include "cnf/core/storage/credentials/renewable_internal.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

constexpr std::size_t kMostOutput = std::size_t{64} << 10;
constexpr std::chrono::seconds kLongestRun{60};

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return value_; }
  void close() noexcept {
    if (value_ >= 0) ::close(std::exchange(value_, -1));
  }

 private:
  int value_;
};

// A program in a process group of its own, with its output in a pipe and nothing else of ours. It
// and its children are ended with this object.
class Process {
 public:
  Process(const std::vector<std::string>& arguments, const std::string& name) {
    std::array<int, 2> ends = {-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail(name);
    output_ = std::make_unique<Descriptor>(ends[0]);
    const Descriptor input(ends[1]);
    std::vector<char*> words;
    words.reserve(arguments.size() + 1);
    for (const auto& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, input.get(), STDOUT_FILENO);
    // What it says there might be a secret, and a library prints nothing.
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    const int failed =
        ::posix_spawnp(&pid_, words.front(), &actions, &attributes, words.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
      pid_ = -1;
      fail(name);
    }
  }
  ~Process() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] int output() const noexcept { return output_->get(); }
  /// Its exit status, 128 if a signal ended it; nullopt while it runs.
  [[nodiscard]] std::optional<int> status() noexcept {
    int status = 0;
    const auto ended = ::waitpid(pid_, &status, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) return std::nullopt;
    pid_ = -1;
    if (ended < 0) return 0;  // somebody else waited for it: what it printed will tell
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  }

 private:
  [[noreturn]] static void fail(const std::string& name) {
    throw Error(Errc::unavailable, "run", name, "the program cannot be started",
                "is it there, and may it be run?");
  }

  std::unique_ptr<Descriptor> output_;
  pid_t pid_ = -1;
};

void check(const Context& context, const std::string& name) {
  if (context.stop().stop_requested()) context.check("run", name);
  if (Context::Clock::now() < context.deadline()) return;
  throw Error(Errc::unavailable, "run", name, "it took over 60 s");
}

std::string read_output(const Process& process, const std::string& name, const Context& context) {
  std::string out;
  std::array<char, 4096> buffer{};
  for (;;) {
    check(context, name);
    pollfd waits{.fd = process.output(), .events = POLLIN, .revents = 0};
    constexpr int kMilliseconds = 50;  // a stop is answered within 250 ms
    if (::poll(&waits, 1, kMilliseconds) <= 0) continue;
    const auto got = ::read(process.output(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return out;
    out.append(buffer.data(), static_cast<std::size_t>(got));
    if (out.size() > kMostOutput) {
      throw Error(Errc::corrupt_data, "run", name, "it printed over 64 KiB");
    }
  }
}

}  // namespace

std::optional<std::vector<std::string>> split_command(std::string_view command) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = '\0';
  for (std::size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    const bool is_blank = c == ' ' || c == '\t';
    if (quote == '\0' && is_blank) {
      in_word = false;
      continue;
    }
    if (!std::exchange(in_word, true)) words.emplace_back();
    // Between double quotes a backslash stays, unless it stands before what it protects there.
    const bool protects = c == '\\' && quote != '\'' && i + 1 < command.size() &&
                          (quote == '\0' || command[i + 1] == '"' || command[i + 1] == '\\');
    if (protects) {
      words.back() += command[++i];
    } else if (quote == '\0' && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = '\0';
    } else {
      words.back() += c;
    }
  }
  if (quote != '\0') return std::nullopt;
  return words;
}

std::string run_process(const std::vector<std::string>& arguments, const std::string& name,
                        const Context& context) {
  const auto bounded = context.with_deadline(Context::Clock::now() + kLongestRun);
  Process process(arguments, name);
  auto out = read_output(process, name, bounded);
  auto status = process.status();
  while (!status) {  // it has closed its output, so it is about to end
    check(bounded, name);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    status = process.status();
  }
  if (*status == 0) return out;
  throw Error(Errc::unauthenticated, "run", name,
              "it ended with exit status " + std::to_string(*status), "run it by hand");
}

AwsKeys keys_of_process(std::string_view command, const std::string& profile) {
  const auto name = "the credential_process of " + profile;
  const auto words = split_command(command);
  if (!words || words->empty()) {
    throw Error(Errc::invalid_argument, "read", name, "a quote in it is not closed",
                "write it as for a shell");
  }
  return std::make_shared<Renewable<Credentials>>([words = *words, name](const Context& context) {
    const auto json = SecretJson::parse(run_process(words, name, context), name);
    const auto version = json.seconds("Version");  // a number like any other
    if (version != std::chrono::seconds(1)) {
      throw Error(Errc::unsupported, "read", name, "its output is not of Version 1");
    }
    return parse_keys(json);
  });
}

}  // namespace cnf::storage
