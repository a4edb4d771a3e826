// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/storage/options.h"
#include "cnf/core/storage/renewable_internal.h"

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

/// One link of the chain: a place where credentials may be.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  /// nullopt if this place has none; throws Error invalid_argument if it has half of them, or
  /// unsupported if it names a kind that cannot be used.
  [[nodiscard]] virtual std::optional<Credentials> find() const = 0;
};

/// The keys that the caller gave.
class ExplicitCredentials final : public CredentialSource {
 public:
  explicit ExplicitCredentials(const Options& options) : options_(options) {}
  [[nodiscard]] std::optional<Credentials> find() const override;

 private:
  const Options& options_;
};

/// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.
class EnvironmentCredentials final : public CredentialSource {
 public:
  explicit EnvironmentCredentials(const Environment& environment) : environment_(environment) {}
  [[nodiscard]] std::optional<Credentials> find() const override;

 private:
  const Environment& environment_;
};

/// A section of the profile files.
class ProfileCredentials final : public CredentialSource {
 public:
  ProfileCredentials(const ProfileFiles& files, std::string name, bool required)
      : files_(files), name_(std::move(name)), required_(required) {}
  /// A required profile that is absent throws invalid_argument.
  [[nodiscard]] std::optional<Credentials> find() const override;

 private:
  const ProfileFiles& files_;
  std::string name_;
  bool required_;
};

/// What a store is opened with, once every source has been asked.
struct S3Settings {
  std::string region;
  std::string endpoint;   ///< Empty: AWS's own for the region.
  std::string ca_bundle;  ///< A file of certificates; empty: the system's.
  std::shared_ptr<Renewable<Credentials>> credentials;  ///< Null: sign nothing.
};

/// Options, then the environment, then the profile files; a profile that the options name goes
/// before the environment. Throws Error unauthenticated if there are no credentials and
/// options.anonymous is not set; the message says where was looked.
[[nodiscard]] S3Settings resolve_s3_settings(const Options& options,
                                             const Environment& environment);

}  // namespace cnf::storage
