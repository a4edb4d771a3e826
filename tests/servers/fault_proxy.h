// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>

#include "cnf/testing/http_server.h"

namespace cnf::testing {

/// Stands before a real HTTP server and does to its answers, by a seed, what networks and stores
/// under load do.
class FaultProxy {
 public:
  struct Options {
    std::string upstream;  ///< "http://HOST:PORT", with whatever path.
    std::uint64_t seed = 0;
    double share = 0.3;  ///< Of the requests that something befalls.
    /// The body of an answer that says, with a status of 200, that the store failed.
    std::string error_in_200 = {};
    /// The whole object that a request is about, for a server that ignores ranges.
    std::function<std::string(const WireRequest&)> whole = {};
  };

  explicit FaultProxy(Options options);
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  /// As upstream's, with the host and the port of this.
  [[nodiscard]] std::string endpoint() const;
  /// What befell so far, by its name.
  [[nodiscard]] std::map<std::string, std::uint64_t, std::less<>> faults() const;
  [[nodiscard]] std::uint64_t fault_count() const;

 private:
  [[nodiscard]] WireReply answer(const WireRequest& request);
  [[nodiscard]] WireReply forward(const WireRequest& request);
  void count(std::string_view name);

  Options options_;
  std::string authority_;       // of upstream: "HOST:PORT"
  std::shared_ptr<void> curl_;  // one connection: requests come one at a time
  std::mt19937_64 random_;
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t, std::less<>> faults_;  // guarded by mutex_
  std::unique_ptr<HttpServer> server_;  // the last: its threads use all of the above
};

}  // namespace cnf::testing
