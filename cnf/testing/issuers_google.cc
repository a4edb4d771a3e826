// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include <nlohmann/json.hpp>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/testing/http_server.h"
#include "cnf/testing/issuers.h"
#include "cnf/testing/issuers_internal.h"

namespace cnf::testing {
namespace {

constexpr const char* kStorageScope = "https://www.googleapis.com/auth/devstorage.read_write";
constexpr const char* kPlatformScope = "https://www.googleapis.com/auth/cloud-platform";

Buffer from_base64url(std::string text) {
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  while (text.size() % 4 != 0) text += '=';
  return from_base64(text);
}

nlohmann::json json_in(const std::string& base64url) {
  const auto text = from_base64url(base64url);
  return nlohmann::json::parse(as_text(text.span()), nullptr, false);
}

bool is_signed(EVP_PKEY* key, const std::string& text, ByteSpan signature) {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> digest(EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free);
  return EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
         EVP_DigestVerify(digest.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(), reinterpret_cast<const unsigned char*>(text.data()),
                          text.size()) == 1;
}

}  // namespace

FakeGoogle::FakeGoogle()
    : key_(EVP_RSA_gen(2048), [](void* key) { EVP_PKEY_free(static_cast<EVP_PKEY*>(key)); }) {
  if (!key_) throw std::runtime_error("no RSA key could be made");
  start();
}

FakeGoogle::~FakeGoogle() { stop(); }

std::string FakeGoogle::private_key() const {
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_PrivateKey(bio.get(), static_cast<EVP_PKEY*>(key_.get()), nullptr, nullptr, 0,
                           nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string FakeGoogle::service_account() const {
  return nlohmann::json{{"type", "service_account"},
                        {"private_key", private_key()},
                        {"private_key_id", "key-1"},
                        {"client_email", kEmail},
                        {"token_uri", endpoint() + "/token"}}
      .dump();
}

std::string FakeGoogle::authorized_user() const {
  return nlohmann::json{{"type", "authorized_user"},
                        {"client_id", "some-client"},
                        {"client_secret", kClientSecret},
                        {"refresh_token", kRefreshToken},
                        {"token_uri", endpoint() + "/token"}}
      .dump();
}

std::string FakeGoogle::external_account(const std::string& token_file, bool impersonates) const {
  nlohmann::json out = {{"type", "external_account"},
                        {"audience", kAudience},
                        {"subject_token_type", "urn:ietf:params:oauth:token-type:jwt"},
                        {"token_url", endpoint() + "/token"},
                        {"credential_source", {{"file", token_file}}}};
  if (impersonates) out["service_account_impersonation_url"] = endpoint() + "/impersonate";
  return out.dump();
}

std::string FakeGoogle::impersonated() const {
  return nlohmann::json{{"type", "impersonated_service_account"},
                        {"service_account_impersonation_url", endpoint() + "/impersonate"},
                        {"source_credentials", nlohmann::json::parse(service_account())}}
      .dump();
}

WireReply FakeGoogle::answer(const WireRequest& request) {
  const auto path = path_of(request);
  if (path == "/token" && request.method == "POST") return answer_token(request);
  if (path == "/impersonate" && request.method == "POST") {
    const auto body = nlohmann::json::parse(request.body, nullptr, false);
    if (!request.header("authorization").starts_with("Bearer google-token-") ||
        body != nlohmann::json{{"scope", {kStorageScope}}, {"lifetime", "3600s"}}) {
      return refuse(403, "an impersonation by nobody", R"({"error":{"code":403}})");
    }
    return json_reply(R"({"accessToken":"google-token-)" + std::to_string(issue()) +
                      R"(","expireTime":")" + time_after(life()) + R"("})");
  }
  if (path == "/computeMetadata/v1/instance/service-accounts/default/token") {
    if (request.header("metadata-flavor") != "Google") return refuse(403, "no Metadata-Flavor");
    auto reply = token_as_json();
    reply.headers.emplace_back("Metadata-Flavor", "Google");
    return reply;
  }
  return refuse(404, "no such path: " + path);
}

WireReply FakeGoogle::answer_token(const WireRequest& request) {
  auto fields = fields_of(request.body);
  const auto grant = fields["grant_type"];
  std::string fault;
  if (request.header("content-type") != "application/x-www-form-urlencoded") {
    fault = "not a form";
  } else if (grant == "urn:ietf:params:oauth:grant-type:jwt-bearer") {
    fault = fault_of_jwt(fields["assertion"]);
  } else if (grant == "refresh_token") {
    const bool is_known = fields["client_secret"] == kClientSecret &&
                          fields["refresh_token"] == kRefreshToken &&
                          fields["client_id"] == "some-client";
    if (!is_known) fault = "a wrong refresh token";
  } else if (grant == "urn:ietf:params:oauth:grant-type:token-exchange") {
    const bool is_known =
        fields["subject_token"] == kSubjectToken && fields["audience"] == kAudience &&
        fields["requested_token_type"] == "urn:ietf:params:oauth:token-type:access_token" &&
        (fields["scope"] == kStorageScope || fields["scope"] == kPlatformScope);
    if (!is_known) fault = "a wrong subject token";
  } else {
    fault = "an unknown grant";
  }
  if (fault.empty()) return token_as_json();
  return refuse(400, fault,
                R"({"error":"invalid_grant","error_description":"you sent )" +
                    fields["refresh_token"] + R"("})");
}

// RFC 7515: header.claims.signature, the first two signed as they are written.
std::string FakeGoogle::fault_of_jwt(const std::string& jwt) const {
  const auto first = jwt.find('.');
  const auto second = jwt.rfind('.');
  if (first == std::string::npos || first == second) return "a JWT of less than three parts";
  const auto header = json_in(jwt.substr(0, first));
  const auto claims = json_in(jwt.substr(first + 1, second - first - 1));
  if (header != nlohmann::json{{"alg", "RS256"}, {"typ", "JWT"}, {"kid", "key-1"}}) {
    return "a JWT with another header";
  }
  const auto signature = from_base64url(jwt.substr(second + 1));
  if (!is_signed(static_cast<EVP_PKEY*>(key_.get()), jwt.substr(0, second), signature.span())) {
    return "a JWT that is not signed by the key";
  }
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  const bool is_meant =
      claims.value("iss", "") == kEmail && claims.value("aud", "") == endpoint() + "/token" &&
      (claims.value("scope", "") == kStorageScope || claims.value("scope", "") == kPlatformScope) &&
      claims.value("iat", 0LL) <= now && claims.value("exp", 0LL) > now &&
      claims.value("exp", 0LL) <= claims.value("iat", 0LL) + 3600;
  return is_meant ? "" : "a JWT with other claims";
}

WireReply FakeGoogle::token_as_json() {
  return json_reply(R"({"token_type":"Bearer","expires_in":)" + std::to_string(life().count()) +
                    R"(,"access_token":"google-token-)" + std::to_string(issue()) + R"("})");
}

}  // namespace cnf::testing
