// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/credentials/credentials_google_internal.h"
#include "cnf/core/storage/fake_environment_test.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/http_server.h"
#include "cnf/testing/issuers.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::storage {
namespace {

using testing::FakeGoogle;
using ::testing::HasSubstr;
using testing::HttpServer;
using ::testing::IsEmpty;
using testing::WireReply;
using testing::WireRequest;
using Texts = FakeEnvironment::Texts;

std::string token_of(const Texts& variables, const Texts& files = {}, const Options& options = {}) {
  const auto token = find_google_credentials(options, FakeEnvironment(variables, files));
  return *token->wait({}).secret;
}

std::pair<Errc, std::string> fault_of(const Texts& variables, const Texts& files = {},
                                      const Options& options = {}) {
  try {
    static_cast<void>(token_of(variables, files, options));
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {Errc::internal, "nothing was thrown"};
}

std::string without_scheme(const std::string& endpoint) {
  return endpoint.substr(std::string("http://").size());
}

const Texts kNamed = {{"GOOGLE_APPLICATION_CREDENTIALS", "/c.json"}};

TEST(GoogleCredentials, OptionsGoFirst) {
  FakeGoogle google;
  Options options;
  options.anonymous = true;
  EXPECT_EQ(find_google_credentials(options, FakeEnvironment(kNamed)), nullptr);
  options.anonymous = false;
  options.token = "mine";
  EXPECT_EQ(token_of(kNamed, {}, options), "mine");
  options.token.clear();
  options.service_account = "/other.json";
  EXPECT_EQ(token_of(kNamed, {{"/other.json", google.service_account()}}, options),
            "google-token-1");
}

TEST(GoogleCredentials, AServiceAccountSignsAJwt) {
  FakeGoogle google;
  EXPECT_EQ(token_of(kNamed, {{"/c.json", google.service_account()}}), "google-token-1");
  EXPECT_THAT(google.complaints(), IsEmpty());
}

TEST(GoogleCredentials, AnotherKeyIsRefused) {
  FakeGoogle google;
  const FakeGoogle other;
  auto file = google.service_account();
  const auto key = google.service_account().find("-----BEGIN");
  const auto mine = other.service_account();
  const auto begin = mine.find("-----BEGIN");
  file.replace(key, file.find('"', key) - key, mine.substr(begin, mine.find('"', begin) - begin));
  const auto [code, what] = fault_of(kNamed, {{"/c.json", file}});
  EXPECT_EQ(code, Errc::unauthenticated);
  EXPECT_THAT(what, HasSubstr("invalid_grant"));
  EXPECT_THAT(google.complaints(), ::testing::ElementsAre("a JWT that is not signed by the key"));
}

TEST(GoogleCredentials, AnAuthorizedUserRefreshes) {
  FakeGoogle google;
  // Where gcloud leaves it.
  EXPECT_EQ(token_of({{"HOME", "/h"}}, {{"/h/.config/gcloud/application_default_credentials.json",
                                         google.authorized_user()}}),
            "google-token-1");
  EXPECT_EQ(token_of({{"HOME", "/h"}, {"CLOUDSDK_CONFIG", "/cloud"}},
                     {{"/cloud/application_default_credentials.json", google.authorized_user()}}),
            "google-token-2");
  EXPECT_THAT(google.complaints(), IsEmpty());
}

TEST(GoogleCredentials, AFederatedIdentityExchangesItsToken) {
  FakeGoogle google;
  const testing::TempDir folder;
  const auto path = (folder.path() / "token").string();
  std::ofstream(path) << FakeGoogle::kSubjectToken;
  EXPECT_EQ(token_of(kNamed, {{"/c.json", google.external_account(path, false)}}),
            "google-token-1");
  EXPECT_EQ(token_of(kNamed, {{"/c.json", google.external_account(path, true)}}), "google-token-3")
      << "the second one asks for the third";
  EXPECT_THAT(google.complaints(), IsEmpty());
  std::ofstream(path) << "outdated";
  EXPECT_EQ(fault_of(kNamed, {{"/c.json", google.external_account(path, false)}}).first,
            Errc::unauthenticated);
}

TEST(GoogleCredentials, OneServiceAccountActsAsAnother) {
  FakeGoogle google;
  EXPECT_EQ(token_of(kNamed, {{"/c.json", google.impersonated()}}), "google-token-2");
  EXPECT_THAT(google.complaints(), IsEmpty());
}

TEST(GoogleCredentials, TheMachinesMetadataServiceIsTheLast) {
  FakeGoogle google;
  EXPECT_EQ(token_of({{"GCE_METADATA_HOST", without_scheme(google.endpoint())}}), "google-token-1");
  EXPECT_THAT(google.complaints(), IsEmpty());
  // What answers there may be another cloud's, or a proxy.
  const HttpServer other([](const WireRequest&) {
    return WireReply{.body = R"({"access_token":"x","expires_in":3600})"};
  });
  const auto [code, what] = fault_of({{"GCE_METADATA_HOST", without_scheme(other.endpoint())}});
  EXPECT_EQ(code, Errc::unauthenticated);
  EXPECT_THAT(what, HasSubstr("GOOGLE_APPLICATION_CREDENTIALS"));
  EXPECT_EQ(fault_of({{"NO_GCE_CHECK", "true"}}).first, Errc::unauthenticated);
}

TEST(GoogleCredentials, AreRenewedForAllBeforeTheirEnd) {
  FakeGoogle google;
  const auto token =
      find_google_credentials({}, FakeEnvironment(kNamed, {{"/c.json", google.authorized_user()}}));
  EXPECT_EQ(*token->wait({}).secret, "google-token-1");
  EXPECT_TRUE(token->reject(token->current().number));
  EXPECT_EQ(*token->wait({}).secret, "google-token-2");
  EXPECT_EQ(google.issued(), 2U);
}

TEST(GoogleCredentials, FilesThatCannotBeUsedSayWhy) {
  const struct {
    std::string file;
    Errc want;
    const char* says;
  } rows[] = {
      {"", Errc::invalid_argument, "not an object"},
      {"[]", Errc::invalid_argument, "not an object"},
      {"{}", Errc::invalid_argument, "'type'"},
      {R"({"type": 1})", Errc::invalid_argument, "'type'"},
      {R"({"type": "gdch_service_account"})", Errc::unsupported, "print-access-token"},
      {R"({"type": "service_account"})", Errc::invalid_argument, "'private_key'"},
      {R"({"type": "service_account", "private_key": "hidden"})", Errc::invalid_argument, "PEM"},
      {R"({"type": "authorized_user", "client_id": "a", "client_secret": "hidden",
           "refresh_token": "hidden", "token_uri": "http://evil.example/token"})",
       Errc::invalid_argument, "https"},
      {R"({"type": "external_account", "credential_source": {"environment_id": "aws1"}})",
       Errc::unsupported, "file"},
      {R"({"type": "impersonated_service_account", "source_credentials":
           {"type": "impersonated_service_account"}})",
       Errc::invalid_argument, "caller"},
  };
  for (const auto& row : rows) {
    const auto [code, what] = fault_of(kNamed, {{"/c.json", row.file}});
    EXPECT_EQ(code, row.want) << row.file << what;
    EXPECT_THAT(what, HasSubstr(row.says));
    EXPECT_THAT(what, HasSubstr("/c.json"));
    EXPECT_THAT(what, Not(HasSubstr("hidden")));
  }
  EXPECT_EQ(fault_of(kNamed).first, Errc::invalid_argument) << "one that is named must be there";
}

}  // namespace
}  // namespace cnf::storage
