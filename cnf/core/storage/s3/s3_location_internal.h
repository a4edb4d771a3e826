// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/util/context.h"

namespace cnf::storage {

/// Where one bucket is: the region that requests for it are signed for, and the host they go to.
/// Both may turn out to be others than the caller believed; answers say so.
///
/// Threads: every member may be called concurrently.
class S3Location {
 public:
  struct Place {
    std::string region;
    Endpoint endpoint;  ///< Without the bucket.
    bool path_style = true;
  };
  /// What an answer says.
  struct Hint {
    std::string region = {};  ///< Empty: nothing.
    std::string url = {};     ///< Of the request elsewhere, or its host alone; empty: nothing.
    bool temporary = false;   ///< Holds for some minutes.
  };

  S3Location(std::string bucket, Place place)
      : bucket_(std::move(bucket)), first_(place), place_(std::move(place)) {}

  [[nodiscard]] const std::string& bucket() const noexcept { return bucket_; }
  /// As far as is known now.
  [[nodiscard]] Place place() const;

  /// A request about an object, or about the bucket for "".
  [[nodiscard]] HttpRequest request(std::string_view method, std::string_view key) const;
  /// Sends a request that request() made to where the bucket is now known to be.
  void readdress(HttpRequest& request) const;

  /// True if `sent` would now go elsewhere or be signed for another region. A host that the answer
  /// names is believed only if it belongs to the endpoint: else whoever answers could have
  /// requests, with their signatures, sent to any host.
  bool learn(const Hint& hint, const HttpRequest& sent);

 private:
  [[nodiscard]] Place now() const;  // with mutex_ held
  [[nodiscard]] std::string spelled(const Place& place, std::string_view key) const;
  [[nodiscard]] std::string authority(const Place& place) const;
  [[nodiscard]] std::string_view key_of(const HttpRequest& request) const;  // with mutex_ held
  [[nodiscard]] std::optional<Place> read_url(const std::string& url, std::string_view key,
                                              Place from) const;
  [[nodiscard]] bool trusts(const Endpoint& endpoint) const;

  const std::string bucket_;
  const Place first_;
  mutable std::mutex mutex_;
  Place place_;                                 // guarded by mutex_
  std::optional<Place> temporary_;              // guarded by mutex_
  Context::Clock::time_point temporary_until_;  // guarded by mutex_
};

/// "a-z", "0-9" and '-': what a region's name is made of.
[[nodiscard]] bool is_region(std::string_view text) noexcept;

/// Asks for the bucket's head, unsigned: S3 names the region even where it refuses the rest.
/// \return  empty if it does not. Throws Error if nothing comes back.
[[nodiscard]] std::string find_region(const S3Location& location, const HttpEngineOptions& options,
                                      const Context& context);

}  // namespace cnf::storage
