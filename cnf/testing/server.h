// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

namespace cnf::testing {

/// A real server in a process of its own, on a free port of 127.0.0.1; ended with this object.
///
/// The program is looked up in the folders of $CNF_SERVERS (separated by ':'), then in PATH. One
/// that is not there, ends at once or does not listen within 30 s throws std::runtime_error with
/// the end of its output: a test that needs a server fails without it.
class Server {
 public:
  struct Command {
    /// "{port}" and "{folder}" in an argument stand for the port and a new empty folder.
    std::vector<std::string> arguments;
    std::map<std::string, std::string> environment = {};  ///< On top of the present one.
    std::string install = {};  ///< How to get it, said when it is absent.
  };

  explicit Server(const Command& command);
  /// Ends the process by its pid and removes the folder.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// "http://127.0.0.1:PORT".
  [[nodiscard]] std::string endpoint() const;
  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return data_; }

 private:
  void start(const std::filesystem::path& program, const Command& command);
  void wait_until_ready(const std::string& name);
  void end() noexcept;
  [[nodiscard]] std::string last_output() const;

  std::filesystem::path root_;  // everything of this server: data_ and its output
  std::filesystem::path data_;
  std::uint16_t port_ = 0;
  pid_t pid_ = 0;
};

/// versitygw, an S3 server over a folder which checks every signature.
class VersityGateway {
 public:
  VersityGateway();

  [[nodiscard]] std::string endpoint() const { return server_.endpoint(); }
  [[nodiscard]] static std::string access_key_id() { return "cnf-test-key"; }
  [[nodiscard]] static std::string secret_access_key() { return "cnf-test-secret"; }

 private:
  Server server_;
};

}  // namespace cnf::testing
