// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace cnf::storage {

/// How a store is reached. Every field has a default; what a backend does not use it ignores.
struct Options {
  // S3
  std::string region = {};         ///< Default: AWS_REGION, the profile's, then "us-east-1".
  std::string endpoint = {};       ///< e.g. "http://127.0.0.1:9000"; default: the vendor's own.
  std::string profile = {};        ///< Section of ~/.aws/config; default: AWS_PROFILE, "default".
  std::string access_key_id = {};  ///< Explicit credentials go before all others.
  std::string secret_access_key = {};
  std::string session_token = {};
  std::string role_arn = {};     ///< A role to assume with the credentials that were found.
  std::string external_id = {};  ///< What the owner of that role asks for.
  bool anonymous = false;        ///< Sign nothing; of every store.
  enum class Addressing : std::uint8_t { automatic, path, virtual_host };
  Addressing addressing = Addressing::automatic;  ///< automatic: path with an endpoint, else host.
  bool requester_pays = false;      ///< These credentials pay for requests and traffic.
  std::string sse = {};             ///< Of new objects: "AES256", "aws:kms" or "aws:kms:dsse".
  std::string sse_kms_key_id = {};  ///< Default: the account's own key for S3.
  std::string sse_customer_key =
      {};  ///< 32 bytes in base64, to write and to read; the store keeps none.

  // Azure
  std::string account = {};      ///< The storage account; default: AZURE_STORAGE_ACCOUNT.
  std::string account_key = {};  ///< As the portal shows it, in base64.
  std::string sas_token = {};    ///< "sv=…&sig=…"
  std::string connection_string = {};

  // Google Cloud Storage and Azure
  std::string token = {};            ///< A bearer token; it is not renewed.
  std::string service_account = {};  ///< GCS: path of credentials as JSON.
  std::string user_project = {};     ///< GCS: the project billed where the requester pays.
  std::string tenant_id = {};        ///< Azure: the three of an application's client secret.
  std::string client_id = {};        ///< Also: which of several managed identities.
  std::string client_secret = {};

  // Common
  std::uint64_t part_size = std::uint64_t{8}
                            << 20;  ///< Bytes of an upload's part, at least 5 MiB on S3.
  unsigned concurrency = 16;        ///< Requests in flight per store.
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds stall_timeout{
      30'000};  ///< No byte for so long: the attempt has failed.
  int max_retries = 9;
  /// How far the store is, as providers bill transfer: within the region nothing, within the
  /// continent some, to the internet most. automatic: region if the endpoint is not the provider's
  /// own or this machine is the provider's (its firmware or container says so), else internet.
  enum class Network : std::uint8_t { automatic, region, continent, internet };
  Network network = Network::automatic;
  /// What a fetch of near ranges spares: automatic joins over 64 KiB, whatever it costs; latency
  /// joins where reading the gap takes no longer than another request, cost where it is no dearer.
  enum class Objective : std::uint8_t { automatic, latency, cost };
  Objective objective = Objective::automatic;
  /// Whether a read whose answer is late is sent a second time, at most 5 in 100. automatic: unless
  /// the store is on this machine.
  enum class Hedge : std::uint8_t { automatic, on, off };
  Hedge hedge = Hedge::automatic;
  enum class Durability : std::uint8_t { fsync, none };
  Durability durability = Durability::fsync;  ///< Local: whether commit waits for the disk.

  // Wrappers that from_uri and locate put around the store
  std::string cache =
      {};  ///< A folder for what was read, or "memory"; empty: no cache. See cache.h.
  std::uint64_t cache_size = std::uint64_t{1} << 30;  ///< Bytes that the cache may take.
  /// An object is taken to be unchanged for so long after the store was asked; 0: ask each time.
  std::chrono::milliseconds cache_ttl{60'000};
  double rate = 0;  ///< Requests a second, at most; 0: no limit. See limited.h.
  enum class Access : std::uint8_t { read_write, read_only };
  Access access = Access::read_write;  ///< read_only: every change is refused.

  /// Sets a field from text: region, endpoint, profile, anonymous (true|false), addressing
  /// (auto|path|virtual), access_key_id, secret_access_key, session_token, role_arn, external_id,
  /// requester_pays (true|false), sse, sse_kms_key_id, sse_customer_key,
  /// account, account_key, sas_token, connection_string,
  /// token, service_account, user_project, tenant_id, client_id, client_secret,
  /// part_size ("8M"), concurrency, connect_timeout and timeout ("500ms", "30s", "2m"; a number
  /// alone is seconds), max_retries, network (auto|region|continent|internet), objective
  /// (auto|latency|cost), hedge (auto|true|false), durability (fsync|none), cache, cache_size
  /// ("10G"), cache_ttl (as timeout, or 0), rate, read_only (true|false). Throws Error
  /// invalid_argument on any other name or value.
  void set(std::string_view name, std::string_view value);
};

}  // namespace cnf::storage
