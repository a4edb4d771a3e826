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
/// that is not there, ends at once or does not listen within 60 s throws std::runtime_error with
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

/// rclone's S3 server over a folder: an odd peer, which takes parts of any size and gives ETags
/// without a count of parts.
class RcloneS3 {
 public:
  RcloneS3();

  [[nodiscard]] std::string endpoint() const { return server_.endpoint(); }
  [[nodiscard]] static std::string access_key_id() { return "cnf-test-key"; }
  [[nodiscard]] static std::string secret_access_key() { return "cnf-test-secret"; }

 private:
  Server server_;
};

/// fake-gcs-server, Google Cloud Storage in memory; asks nobody who he is. A status query of a
/// resumable upload ends the upload there: see GcpStorageEmulator.
class FakeGcsServer {
 public:
  FakeGcsServer();

  [[nodiscard]] std::string endpoint() const { return server_.endpoint(); }
  /// Makes an empty bucket of that name.
  void make_bucket(const std::string& name) const;

 private:
  Server server_;
};

/// gcp-storage-emulator, Google Cloud Storage in memory: right about the status of resumable
/// uploads, and not to be trusted about conditions, suffix ranges and lists.
class GcpStorageEmulator {
 public:
  GcpStorageEmulator();

  [[nodiscard]] std::string endpoint() const { return server_.endpoint(); }
  /// Makes an empty bucket of that name.
  void make_bucket(const std::string& name) const;

 private:
  Server server_;
};

/// Azurite, Azure Blob Storage in memory, which checks every signature.
class Azurite {
 public:
  Azurite();

  /// "http://127.0.0.1:PORT/ACCOUNT".
  [[nodiscard]] std::string endpoint() const { return server_.endpoint() + "/" + account(); }
  /// The account and the key that every installation of it has.
  [[nodiscard]] static std::string account() { return "devstoreaccount1"; }
  [[nodiscard]] static std::string account_key();
  [[nodiscard]] std::string connection_string() const;
  /// Makes an empty container of that name.
  void make_container(const std::string& name) const;

 private:
  Server server_;
};

/// toxiproxy: a server's connections go through it, and suffer on the way.
class Toxiproxy {
 public:
  /// What befalls the bytes of a connection; see toxiproxy's own list of types and attributes.
  struct Toxic {
    std::string type;  ///< latency, bandwidth, limit_data, reset_peer, timeout, slicer, slow_close
    std::map<std::string, std::uint64_t> attributes = {};  ///< E.g. latency in ms, rate in KB/s.
    enum class Stream : std::uint8_t { down, up };
    Stream stream = Stream::down;  ///< down: from the server to its client.
    double toxicity = 1.0;         ///< The share of connections that it befalls.
  };

  Toxiproxy();

  /// Opens a port of 127.0.0.1 that leads to `upstream`, an endpoint "http://HOST:PORT" with
  /// whatever path; gives the endpoint that leads there by way of it.
  [[nodiscard]] std::string add(const std::string& name, const std::string& upstream) const;
  /// Connections that are already open suffer, too.
  void befall(const std::string& name, const Toxic& toxic) const;
  /// Closes the port and every connection through it.
  void down(const std::string& name) const;
  /// All proxies are open again, and no toxic is left.
  void reset() const;

 private:
  Server server_;
};

}  // namespace cnf::testing
