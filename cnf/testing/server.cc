// SPDX-License-Identifier: Apache-2.0
#include "cnf/testing/server.h"

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cnf::testing {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kLongestStart{60};
constexpr std::chrono::seconds kLongestEnd{5};
constexpr std::chrono::milliseconds kBetweenLooks{20};

[[noreturn]] void fail(const char* doing) {
  throw std::system_error(errno, std::generic_category(), doing);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return out;
}

// Free now; the server binds it a moment later.
std::uint16_t free_port() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) fail("socket");
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound =
      ::bind(descriptor, generic, size) == 0 && ::getsockname(descriptor, generic, &size) == 0;
  ::close(descriptor);
  if (!bound) fail("bind");
  return ntohs(address.sin_port);
}

bool listens(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) fail("socket");
  const sockaddr_in address = loopback(port);
  const bool connected =
      ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(descriptor);
  return connected;
}

std::vector<fs::path> folders_of(const char* variable) {
  std::vector<fs::path> out;
  const char* const value = std::getenv(variable);
  std::string_view rest = value == nullptr ? "" : value;
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    if (colon != 0) out.emplace_back(rest.substr(0, colon));
    rest = colon == std::string_view::npos ? std::string_view{} : rest.substr(colon + 1);
  }
  return out;
}

fs::path find_program(const std::string& name, const std::string& install) {
  for (const char* variable : {"CNF_SERVERS", "PATH"}) {
    for (const auto& folder : folders_of(variable)) {
      if (::access((folder / name).c_str(), X_OK) == 0) return folder / name;
    }
  }
  throw std::runtime_error("the server '" + name + "' is neither in $CNF_SERVERS nor in PATH" +
                           (install.empty() ? "" : "; get it by: " + install));
}

std::string replaced(std::string text, std::string_view what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& more) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!more.contains(std::string(text.substr(0, text.find('='))))) out.emplace_back(text);
  }
  for (const auto& [name, value] : more) out.push_back(name + "=" + value);
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

Server::Server(const Command& command) {
  const auto program = find_program(command.arguments.at(0), command.install);
  std::string pattern = (fs::temp_directory_path() / "cnf-server-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) fail("mkdtemp");
  root_ = pattern;
  data_ = root_ / "data";
  fs::create_directory(data_);
  try {
    start(program, command);
    wait_until_ready(command.arguments.at(0));
  } catch (...) {
    end();
    throw;
  }
}

Server::~Server() { end(); }

void Server::start(const fs::path& program, const Command& command) {
  port_ = free_port();
  std::vector<std::string> arguments;
  for (const auto& argument : command.arguments) {
    arguments.push_back(
        replaced(replaced(argument, "{port}", std::to_string(port_)), "{folder}", data_.string()));
  }
  auto environment = environment_with(command.environment);
  const auto argument_pointers = pointers(arguments);
  const auto environment_pointers = pointers(environment);
  const std::string output = (root_ / "output").string();
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) fail("fork");
  if (pid_ > 0) return;
  // Only calls that are safe after a fork of a process with threads.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves no server behind
  if (::getppid() != parent) ::_exit(126);
  const int log = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execve(program.c_str(), argument_pointers.data(), environment_pointers.data());
  ::_exit(127);
}

void Server::wait_until_ready(const std::string& name) {
  const auto until = steady_clock::now() + kLongestStart;
  while (!listens(port_)) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = 0;
      throw std::runtime_error("the server '" + name + "' ended at once: " + last_output());
    }
    if (steady_clock::now() > until) {
      throw std::runtime_error("the server '" + name + "' does not listen: " + last_output());
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

void Server::end() noexcept {
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    const auto until = steady_clock::now() + kLongestEnd;
    while (::waitpid(pid_, nullptr, WNOHANG) == 0) {
      if (steady_clock::now() > until) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        break;
      }
      std::this_thread::sleep_for(kBetweenLooks);
    }
    pid_ = 0;
  }
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

std::string Server::last_output() const {
  constexpr std::size_t kMost = 2000;
  std::ifstream in(root_ / "output");
  std::string const text(std::istreambuf_iterator<char>(in), {});
  return text.size() <= kMost ? text : text.substr(text.size() - kMost);
}

std::string Server::endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }

}  // namespace cnf::testing
