// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cnf/testing/http_server.h"

namespace cnf::testing {

/// A server that issues secrets, as a cloud's do, and checks what it is asked with. What is wrong
/// with a request it answers as the cloud would, and tells in complaints().
///
/// Threads: every member may be called concurrently.
class FakeIssuer {
 public:
  /// Answers in place of the server; nullopt: the server does.
  using Spoil = std::function<std::optional<WireReply>(const WireRequest&)>;

  virtual ~FakeIssuer();
  FakeIssuer(const FakeIssuer&) = delete;
  FakeIssuer& operator=(const FakeIssuer&) = delete;

  /// "http://127.0.0.1:PORT".
  [[nodiscard]] std::string endpoint() const;
  [[nodiscard]] std::vector<WireRequest> requests() const;
  /// How many secrets were issued.
  [[nodiscard]] std::size_t issued() const;
  [[nodiscard]] std::vector<std::string> complaints() const;
  /// How long the secrets hold that are issued from now on; an hour unless said.
  void set_life(std::chrono::seconds life);
  void spoil(Spoil spoil);

 protected:
  FakeIssuer();
  /// One request at a time.
  [[nodiscard]] virtual WireReply answer(const WireRequest& request) = 0;
  void start();                       ///< To be called by the constructor of what is derived.
  void stop();                        ///< And by its destructor.
  [[nodiscard]] std::size_t issue();  ///< The number of a new secret, from 1.
  [[nodiscard]] std::chrono::seconds life() const;
  [[nodiscard]] WireReply refuse(int status, const std::string& complaint,
                                 const std::string& body = {});

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// AWS: the token service (POST /), IMDSv2 (/latest/…) and a container's endpoint (/container).
/// Keys are "ASIA-n", "secret-n" and "session-n".
class FakeAws final : public FakeIssuer {
 public:
  FakeAws();
  ~FakeAws() override;

  /// Keys that may assume roles, beside those that were issued.
  static constexpr const char* kUser = "AKIA-user";
  static constexpr const char* kUserSecret = "secret-of-the-user";
  static constexpr const char* kRole = "arn:aws:iam::123456789012:role/reader";
  static constexpr const char* kExternalId =
      "external-id-42";  ///< If one is sent, it must be this.
  static constexpr const char* kWebIdentity = "web-identity-token";
  static constexpr const char* kContainerToken = "container-token";

  /// Whether a request for S3 is signed by keys that were issued and have not been expired.
  [[nodiscard]] bool accepts(const WireRequest& request) const;
  /// What was issued so far is taken no longer.
  void expire();

 private:
  WireReply answer(const WireRequest& request) override;
  WireReply answer_sts(const WireRequest& request);
  WireReply answer_machine(const WireRequest& request);
  WireReply keys_as_json();
  [[nodiscard]] std::optional<std::string> secret_of(const std::string& id) const;

  std::atomic<std::size_t> expired_{0};  // keys up to this number
};

/// Google: a token endpoint (POST /token: signed JWTs, refresh tokens, exchanged tokens), that of
/// impersonation (POST /impersonate) and a metadata service. Tokens are "google-token-n".
class FakeGoogle final : public FakeIssuer {
 public:
  FakeGoogle();
  ~FakeGoogle() override;

  static constexpr const char* kEmail = "robot@project.iam.gserviceaccount.com";
  static constexpr const char* kClientSecret = "google-client-secret";
  static constexpr const char* kRefreshToken = "google-refresh-token";
  static constexpr const char* kSubjectToken = "google-subject-token";
  static constexpr const char* kAudience = "//iam.googleapis.com/projects/1/pools/p/providers/q";

  /// JSON files, as gcloud writes them.
  [[nodiscard]] std::string service_account() const;
  [[nodiscard]] std::string authorized_user() const;
  /// \param token_file  which has kSubjectToken; \param impersonates  also another account.
  [[nodiscard]] std::string external_account(const std::string& token_file,
                                             bool impersonates) const;
  [[nodiscard]] std::string impersonated() const;
  [[nodiscard]] std::string private_key() const;

 private:
  WireReply answer(const WireRequest& request) override;
  WireReply answer_token(const WireRequest& request);
  [[nodiscard]] std::string fault_of_jwt(const std::string& jwt) const;
  WireReply token_as_json();

  std::shared_ptr<void> key_;
};

/// Azure: tenants' token endpoint (client secrets and assertions), a machine's metadata service and
/// that of App Service (/app). Tokens are "azure-token-n".
class FakeAzure final : public FakeIssuer {
 public:
  FakeAzure();
  ~FakeAzure() override;

  static constexpr const char* kTenant = "11111111-2222-3333-4444-555555555555";
  static constexpr const char* kClient = "66666666-7777-8888-9999-000000000000";
  static constexpr const char* kClientSecret = "azure-client-secret";
  static constexpr const char* kAssertion = "azure-federated-token";
  static constexpr const char* kHeader = "app-service-header";

 private:
  WireReply answer(const WireRequest& request) override;
  WireReply answer_tenant(const WireRequest& request);
  WireReply answer_managed(const WireRequest& request, bool is_app);
};

}  // namespace cnf::testing
