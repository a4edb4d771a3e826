// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "cnf/core/storage/credentials/credentials_google_file_internal.h"
#include "cnf/core/storage/credentials/issuer_internal.h"
#include "cnf/core/storage/credentials/jwt_internal.h"
#include "cnf/core/storage/credentials/renewable_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/s3/s3_xml_internal.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

using Source = Renewable<std::string>::Source;

constexpr const char* kStorageScope = "https://www.googleapis.com/auth/devstorage.read_write";
// What a caller needs who asks for the token of another.
constexpr const char* kPlatformScope = "https://www.googleapis.com/auth/cloud-platform";
constexpr const char* kTokenEndpoint = "https://oauth2.googleapis.com/token";

std::chrono::sys_seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::string either(std::string text, const char* otherwise) {
  return text.empty() ? std::string(otherwise) : std::move(text);
}

// A file of credentials, or the part of one, and the certificates that its endpoints are known by.
struct Given {
  const SecretJson& json;
  const std::string& ca_bundle;
};

IssuerRequest post_to(const std::string& ca_bundle, const std::string& url,
                      const std::string& subject, const char* content) {
  IssuerRequest out;
  out.method = "POST";
  set_safe_url(out, url, subject);
  out.name = out.endpoint.url();
  out.headers = {{"Content-Type", content}};
  out.ca_bundle = ca_bundle;
  return out;
}

IssuerRequest form_to(const std::string& ca_bundle, const std::string& url,
                      const std::string& subject) {
  return post_to(ca_bundle, url, subject, "application/x-www-form-urlencoded");
}

std::string send(const IssuerRequest& request, const Context& context, std::string_view remedy) {
  auto response = ask_issuer(request, context);
  const auto code = error_code_of(response.body);
  return take_body(request, std::move(response), code, remedy);
}

Source by_service_account(const Given& given, const std::string& scope) {
  const auto& json = given.json;
  const RsaKey key(json.text("private_key"), json.subject());
  const auto email = json.text("client_email");
  const auto key_id = json.optional_text("private_key_id");
  const auto audience = either(json.optional_text("token_uri"), kTokenEndpoint);
  const auto request = form_to(given.ca_bundle, audience, "the token_uri of " + json.subject());
  return [=](const Context& context) {
    nlohmann::json header = {{"alg", "RS256"}, {"typ", "JWT"}};
    if (!key_id.empty()) header["kid"] = key_id;
    const auto issued = now().time_since_epoch().count();
    const nlohmann::json claims = {{"iss", email},
                                   {"scope", scope},
                                   {"aud", audience},
                                   {"iat", issued},
                                   {"exp", issued + 3600}};
    auto full = request;
    full.body = form_of({{"assertion", key.sign_jwt(header.dump(), claims.dump())},
                         {"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"}});
    return access_token_of(
        send(full, context, "is the key still one of the service account's, and the clock right?"),
        request.name);
  };
}

Source by_refresh_token(const Given& given) {
  const auto& json = given.json;
  auto request = form_to(given.ca_bundle, either(json.optional_text("token_uri"), kTokenEndpoint),
                         "the token_uri of " + json.subject());
  request.body = form_of({{"client_id", json.text("client_id")},
                          {"client_secret", json.text("client_secret")},
                          {"grant_type", "refresh_token"},
                          {"refresh_token", json.text("refresh_token")}});
  return [request](const Context& context) {
    return access_token_of(send(request, context, "run: gcloud auth application-default login"),
                           request.name);
  };
}

// The text itself, or a member of it, as credential_source.format says.
std::string subject_token(std::string_view text, const std::string& member,
                          const std::string& where) {
  if (!member.empty()) {
    return SecretJson::parse(text, where, Errc::unauthenticated).text(member.c_str());
  }
  if (text.empty()) throw Error(Errc::unauthenticated, "read", where, "there is no token in it");
  return std::string(text);
}

std::function<std::string(const Context&)> find_subject_token(const SecretJson& json) {
  const auto source = json.object("credential_source");
  const auto refuse = [&](std::string_view why) {
    throw Error(Errc::unsupported, "read", json.subject(), why,
                "use one with a file or a url, or the key of a service account");
  };
  if (!source) refuse("it has no credential_source");
  std::string member;
  if (const auto format = source->object("format"); format && format->text("type") == "json") {
    member = format->text("subject_token_field_name");
  }
  if (const auto file = source->optional_text("file"); !file.empty()) {
    return [=](const Context&) {
      return subject_token(read_secret_file(file).value_or(""), member, file);
    };
  }
  const auto url = source->optional_text("url");
  if (url.empty() || !source->optional_text("environment_id").empty()) {
    refuse("its credential_source is neither a file nor a plain url");
  }
  IssuerRequest request;
  set_url(request, url, "the credential_source of " + json.subject());
  request.name = request.endpoint.url();
  if (const auto headers = source->object("headers")) request.headers = headers->texts();
  return [=](const Context& context) {
    return subject_token(send(request, context, "credential_source names it"), member,
                         request.name);
  };
}

Source by_exchange(const Given& given, const std::string& scope) {
  const auto& json = given.json;
  const auto find = find_subject_token(json);
  const auto request =
      form_to(given.ca_bundle, json.text("token_url"), "the token_url of " + json.subject());
  const auto audience = json.text("audience");
  const auto type = json.text("subject_token_type");
  return [=](const Context& context) {
    auto full = request;
    full.body = form_of({{"audience", audience},
                         {"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"},
                         {"requested_token_type", "urn:ietf:params:oauth:token-type:access_token"},
                         {"scope", scope},
                         {"subject_token", find(context)},
                         {"subject_token_type", type}});
    return access_token_of(send(full, context, "check the workload identity pool"), request.name);
  };
}

// The token of another service account, which `caller` may ask for.
Source impersonating(const Given& given, const std::string& url, const Source& caller) {
  const auto request = post_to(
      given.ca_bundle, url, "the impersonation url of " + given.json.subject(), "application/json");
  return [=](const Context& context) -> Expiring<std::string> {
    auto full = request;
    full.headers.emplace_back("Authorization", "Bearer " + caller(context).secret);
    full.body = nlohmann::json{{"scope", {kStorageScope}}, {"lifetime", "3600s"}}.dump();
    const auto answer = SecretJson::parse(
        send(full, context, "may the caller create tokens for the service account?"), request.name);
    const auto expires = parse_iso8601(answer.text("expireTime"));
    if (!expires) throw Error(Errc::corrupt_data, "read", request.name, "its expireTime is none");
    return {answer.text("accessToken"), *expires};
  };
}

Source source_of(const Given& given, const std::string& scope);

Source by_external_account(const Given& given, const std::string& scope) {
  const auto& json = given.json;
  const auto url = json.optional_text("service_account_impersonation_url");
  if (url.empty()) return by_exchange(given, scope);
  return impersonating(given, url, by_exchange(given, kPlatformScope));
}

Source by_impersonation(const Given& given) {
  const auto& json = given.json;
  const auto caller = json.object("source_credentials");
  if (!caller || caller->text("type") == "impersonated_service_account") {
    throw Error(Errc::invalid_argument, "read", json.subject(),
                "its source_credentials are not those of a caller");
  }
  return impersonating(given, json.text("service_account_impersonation_url"),
                       source_of({*caller, given.ca_bundle}, kPlatformScope));
}

Source source_of(const Given& given, const std::string& scope) {
  const auto& json = given.json;
  const auto type = json.text("type");
  if (type == "service_account") return by_service_account(given, scope);
  if (type == "authorized_user") return by_refresh_token(given);
  if (type == "external_account") return by_external_account(given, scope);
  if (type == "impersonated_service_account") return by_impersonation(given);
  throw Error(Errc::unsupported, "read", json.subject(), "credentials of its type are not spoken",
              "give a token: gcloud auth print-access-token");
}

}  // namespace

Expiring<std::string> access_token_of(std::string_view body, const std::string& name) {
  const auto json = SecretJson::parse(body, name);
  const auto life = json.seconds("expires_in");
  if (!life) {
    throw Error(Errc::corrupt_data, "read", name, "its answer does not say when the token expires");
  }
  return {json.text("access_token"), now() + *life};
}

Source google_token_source(std::string_view text, const std::string& path,
                           const std::string& ca_bundle) {
  return source_of({SecretJson::parse(text, path, Errc::invalid_argument), ca_bundle},
                   kStorageScope);
}

}  // namespace cnf::storage
