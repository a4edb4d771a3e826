// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/credentials/credentials_azure_internal.h"
#include "cnf/core/storage/fake_environment_test.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/http_server.h"
#include "cnf/testing/issuers.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::storage {
namespace {

using testing::FakeAzure;
using ::testing::HasSubstr;
using testing::HttpServer;
using ::testing::IsEmpty;
using testing::WireReply;
using testing::WireRequest;
using Texts = FakeEnvironment::Texts;

std::string token_of(const Texts& variables, const Options& options = {}) {
  return *find_azure_token(options, FakeEnvironment(variables))->wait({}).secret;
}

std::pair<Errc, std::string> fault_of(const Texts& variables, const Options& options = {}) {
  try {
    static_cast<void>(token_of(variables, options));
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {Errc::internal, "nothing was thrown"};
}

Texts application(const FakeAzure& azure) {
  return {{"AZURE_TENANT_ID", FakeAzure::kTenant},
          {"AZURE_CLIENT_ID", FakeAzure::kClient},
          {"AZURE_AUTHORITY_HOST", azure.endpoint()}};
}

TEST(AzureToken, OptionsGoFirst) {
  FakeAzure azure;
  Options options;
  options.anonymous = true;
  EXPECT_EQ(find_azure_token(options, FakeEnvironment(application(azure))), nullptr);
  options.anonymous = false;
  options.token = "mine";
  EXPECT_EQ(token_of(application(azure), options), "mine");
  options.token.clear();
  options.tenant_id = FakeAzure::kTenant;
  options.client_id = FakeAzure::kClient;
  options.client_secret = FakeAzure::kClientSecret;
  EXPECT_EQ(token_of({{"AZURE_AUTHORITY_HOST", azure.endpoint()}, {"AZURE_CLIENT_SECRET", "other"}},
                     options),
            "azure-token-1");
  EXPECT_THAT(azure.complaints(), IsEmpty());
}

TEST(AzureToken, ByAClientSecret) {
  FakeAzure azure;
  auto variables = application(azure);
  variables["AZURE_CLIENT_SECRET"] = FakeAzure::kClientSecret;
  EXPECT_EQ(token_of(variables), "azure-token-1");
  variables["AZURE_CLIENT_SECRET"] = "wrong-and-hidden";
  const auto [code, what] = fault_of(variables);
  EXPECT_EQ(code, Errc::unauthenticated);
  EXPECT_THAT(what, HasSubstr("invalid_client_AADSTS7000215"));
  EXPECT_THAT(what, Not(HasSubstr("hidden")));
}

TEST(AzureToken, ByAFederatedTokenThatIsReadAnew) {
  FakeAzure azure;
  const testing::TempDir folder;
  const auto path = (folder.path() / "token").string();
  std::ofstream(path) << "outdated";
  auto variables = application(azure);
  variables["AZURE_FEDERATED_TOKEN_FILE"] = path;
  const auto token = find_azure_token({}, FakeEnvironment(variables));
  EXPECT_THROW(static_cast<void>(token->wait({})), Error);
  std::ofstream(path) << FakeAzure::kAssertion;
  EXPECT_EQ(token_of(variables), "azure-token-1");
  std::filesystem::remove(path);
  EXPECT_EQ(fault_of(variables).first, Errc::unauthenticated);
}

TEST(AzureToken, ByAManagedIdentity) {
  FakeAzure azure;
  EXPECT_EQ(token_of({{"AZURE_POD_IDENTITY_AUTHORITY_HOST", azure.endpoint()}}), "azure-token-1");
  EXPECT_EQ(token_of({{"AZURE_POD_IDENTITY_AUTHORITY_HOST", azure.endpoint()},
                      {"AZURE_CLIENT_ID", FakeAzure::kClient}}),
            "azure-token-2");
  EXPECT_EQ(token_of({{"IDENTITY_ENDPOINT", azure.endpoint() + "/app"},
                      {"IDENTITY_HEADER", FakeAzure::kHeader}}),
            "azure-token-3");
  EXPECT_THAT(azure.complaints(), IsEmpty());
}

TEST(AzureToken, NoMetadataServiceIsAnErrorThatSaysWhereWasLooked) {
  std::string endpoint;
  {
    endpoint = HttpServer([](const WireRequest&) { return WireReply{}; }).endpoint();
  }
  const auto [code, what] = fault_of({{"AZURE_POD_IDENTITY_AUTHORITY_HOST", endpoint}});
  EXPECT_EQ(code, Errc::unauthenticated);
  EXPECT_THAT(what, HasSubstr("AZURE_CLIENT_SECRET"));
}

TEST(AzureToken, HalfASettingIsATypo) {
  EXPECT_EQ(fault_of({{"AZURE_CLIENT_SECRET", "x"}, {"AZURE_CLIENT_ID", "x"}}).first,
            Errc::invalid_argument);
  EXPECT_EQ(fault_of({{"AZURE_FEDERATED_TOKEN_FILE", "x"}, {"AZURE_TENANT_ID", "x"}}).first,
            Errc::invalid_argument);
  const Texts full = {
      {"AZURE_CLIENT_SECRET", "hidden"}, {"AZURE_CLIENT_ID", "c"}, {"AZURE_TENANT_ID", "t"}};
  for (const auto& [name, value] :
       {std::pair{"AZURE_AUTHORITY_HOST", "http://evil.example"}, {"AZURE_TENANT_ID", "a/b"}}) {
    auto variables = full;
    variables[name] = value;
    const auto [code, what] = fault_of(variables);
    EXPECT_EQ(code, Errc::invalid_argument) << name;
    EXPECT_THAT(what, Not(HasSubstr("hidden")));
  }
  EXPECT_EQ(fault_of({{"IDENTITY_ENDPOINT", "http://x"}}).first, Errc::unsupported);
}

}  // namespace
}  // namespace cnf::storage
