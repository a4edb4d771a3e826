// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/storage/credentials/renewable_internal.h"
#include "cnf/core/storage/options.h"

namespace cnf::storage {

/// What signs requests. Never put into an error, a log or a URI.
struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token = {};  ///< Empty for keys that do not expire.

  bool operator==(const Credentials&) const = default;
};

/// What is looked at beside the options; tests give one of their own.
class Environment {
 public:
  virtual ~Environment() = default;
  /// nullopt if the variable is unset or empty.
  [[nodiscard]] virtual std::optional<std::string> variable(const std::string& name) const = 0;
  /// The text of a file, nullopt if it cannot be read.
  [[nodiscard]] virtual std::optional<std::string> file(const std::string& path) const = 0;

  /// This process's variables and files. Variables must not be changed while a store is opened.
  [[nodiscard]] static const Environment& system();
};

/// One section of the profile files: key to value; keys of a nested block are "block.key".
using Profile = std::map<std::string, std::string, std::less<>>;

/// The sections of one profile file by the name in brackets ("default", "profile a", "services b").
/// Lines that are neither a section, a comment nor key = value are skipped, as the vendor's tools
/// do.
[[nodiscard]] std::map<std::string, Profile, std::less<>> parse_profiles(std::string_view text);

/// ~/.aws/credentials over ~/.aws/config, or where AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE
/// say.
class ProfileFiles {
 public:
  explicit ProfileFiles(const Environment& environment);
  /// nullopt if neither file has it.
  [[nodiscard]] std::optional<Profile> find(const std::string& name) const;
  /// What [services NAME] says, for profiles that name one.
  [[nodiscard]] Profile services(const std::string& name) const;

 private:
  std::map<std::string, Profile, std::less<>> credentials_;
  std::map<std::string, Profile, std::less<>> config_;
};

/// What a store is opened with, once every source has been asked.
struct S3Settings {
  std::string region;
  std::string endpoint;   ///< Empty: AWS's own for the region.
  std::string ca_bundle;  ///< A file of certificates; empty: the system's.
  std::shared_ptr<Renewable<Credentials>> credentials;  ///< Null: sign nothing.
};

/// Region, endpoint and certificates: options, then the environment, then the profile.
///
/// Keys, from the first place that is set up: the options; the environment; a web identity
/// (AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN); the profile; the container; the machine. A profile
/// that the options name goes before the environment. Over what is found, options.role_arn is
/// assumed. That is the order of the SDKs for Java 2 (DefaultCredentialsProvider) and Go 2
/// (resolveCredentialChain); the command line and Rust look into the profile before the web
/// identity.
///
/// Reads variables and files and sends nothing: keys that are issued are asked for by the first
/// request. Throws Error invalid_argument and unsupported for what is set up wrongly,
/// unauthenticated if there is nowhere left to look and options.anonymous is not set; the message
/// says where was looked.
[[nodiscard]] S3Settings resolve_s3_settings(const Options& options,
                                             const Environment& environment);

}  // namespace cnf::storage
