// SPDX-License-Identifier: Apache-2.0
// Every source of credentials into every kind of failure: no error may show a secret.
#include <cstddef>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/storage/credentials/credentials_azure_internal.h"
#include "cnf/core/storage/credentials/credentials_google_internal.h"
#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/fake_environment_test.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/http_server.h"
#include "cnf/testing/issuers.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::storage {
namespace {

using testing::FakeAws;
using testing::FakeAzure;
using testing::FakeGoogle;
using testing::FakeIssuer;
using testing::HttpServer;
using testing::WireReply;
using testing::WireRequest;
using Texts = FakeEnvironment::Texts;
using Ending = WireReply::Ending;

struct Source {
  std::string name;
  FakeIssuer* issuer;
  std::function<void()> ask;  // throws Error
};

struct Fault {
  std::string name;
  std::function<WireReply(const std::string& echo)> reply;
};

class Secrets : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    const auto path = (folder_.path() / name).string();
    std::ofstream(path) << text;
    return path;
  }

  void add_aws(const std::string& name, Texts variables, const std::string& config = {}) {
    variables.insert({{"HOME", "/h"},
                      {"AWS_EC2_METADATA_SERVICE_ENDPOINT", aws_.endpoint()},
                      {"AWS_ENDPOINT_URL_STS", aws_.endpoint()}});
    sources_.push_back(
        {name, &aws_, [=] {
           const FakeEnvironment environment(variables, {{"/h/.aws/config", config}});
           const auto settings = resolve_s3_settings({}, environment);
           static_cast<void>(settings.credentials->wait({}));
         }});
  }
  void add_google(const std::string& name, const Texts& variables, const std::string& file) {
    sources_.push_back({name, &google_, [=] {
                          const FakeEnvironment environment(variables, {{"/c.json", file}});
                          static_cast<void>(find_google_credentials({}, environment)->wait({}));
                        }});
  }
  void add_azure(const std::string& name, Texts variables) {
    variables.insert({{"AZURE_AUTHORITY_HOST", azure_.endpoint()},
                      {"AZURE_POD_IDENTITY_AUTHORITY_HOST", azure_.endpoint()}});
    sources_.push_back(
        {name, &azure_,
         [=] { static_cast<void>(find_azure_token({}, FakeEnvironment(variables))->wait({})); }});
  }

  void add_all() {
    add_aws("web identity", {{"AWS_WEB_IDENTITY_TOKEN_FILE", write("web", FakeAws::kWebIdentity)},
                             {"AWS_ROLE_ARN", FakeAws::kRole}});
    add_aws("role", {{"AWS_PROFILE", "p"}},
            std::string("[profile p]\nrole_arn=") + FakeAws::kRole + "\nsource_profile=p\n" +
                "aws_access_key_id=" + FakeAws::kUser +
                "\naws_secret_access_key=" + FakeAws::kUserSecret + "\n");
    add_aws("container", {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", aws_.endpoint() + "/container"},
                          {"AWS_CONTAINER_AUTHORIZATION_TOKEN", FakeAws::kContainerToken}});
    add_aws("machine", {});
    const Texts named = {{"GOOGLE_APPLICATION_CREDENTIALS", "/c.json"}};
    const auto token = write("google", FakeGoogle::kSubjectToken);
    add_google("service account", named, google_.service_account());
    add_google("authorized user", named, google_.authorized_user());
    add_google("external account", named, google_.external_account(token, true));
    add_google("impersonation", named, google_.impersonated());
    add_google("Google's machine",
               {{"GCE_METADATA_HOST", google_.endpoint().substr(std::string("http://").size())}},
               "");
    add_azure("client secret", {{"AZURE_TENANT_ID", FakeAzure::kTenant},
                                {"AZURE_CLIENT_ID", FakeAzure::kClient},
                                {"AZURE_CLIENT_SECRET", FakeAzure::kClientSecret}});
    add_azure("workload", {{"AZURE_TENANT_ID", FakeAzure::kTenant},
                           {"AZURE_CLIENT_ID", FakeAzure::kClient},
                           {"AZURE_FEDERATED_TOKEN_FILE", write("azure", FakeAzure::kAssertion)}});
    add_azure("Azure's machine", {});
    add_azure("App Service", {{"IDENTITY_ENDPOINT", azure_.endpoint() + "/app"},
                              {"IDENTITY_HEADER", FakeAzure::kHeader}});
  }

  [[nodiscard]] std::vector<std::string> secrets() const {
    const auto key = google_.private_key();
    return {FakeAws::kUserSecret,
            FakeAws::kWebIdentity,
            FakeAws::kContainerToken,
            "Signature=",
            "secret-",
            "session-",
            "imds-token",
            FakeGoogle::kClientSecret,
            FakeGoogle::kRefreshToken,
            FakeGoogle::kSubjectToken,
            "google-token-",
            key.substr(100, 20),
            "eyJ",  // how a JWT begins
            FakeAzure::kClientSecret,
            FakeAzure::kAssertion,
            FakeAzure::kHeader,
            "azure-token-"};
  }

  testing::TempDir folder_;
  FakeAws aws_;
  FakeGoogle google_;
  FakeAzure azure_;
  std::vector<Source> sources_;
};

// All that came, and all that could have gone back, as words that errors are made of.
std::string echo_of(const WireRequest& request, const std::vector<std::string>& secrets) {
  std::string out = request.target + " " + request.body;
  for (const auto& [name, value] : request.headers) out += " " + value;
  for (const auto& secret : secrets) out += " " + secret;
  std::string quoted;
  for (const char c : out) {
    if (c != '"' && c != '\\' && c != '<' && c != '\n') quoted += c;
  }
  return quoted;
}

std::vector<Fault> all_faults(const std::string& elsewhere) {
  const auto in_json = [](const std::string& echo) {
    return R"({"error":")" + echo + R"(","code":")" + echo + R"(","error_description":")" + echo +
           R"(","message":")" + echo + R"("})";
  };
  const auto in_xml = [](const std::string& echo) {
    return "<ErrorResponse><Error><Code>" + echo + "</Code><Message>" + echo +
           "</Message></Error></ErrorResponse>";
  };
  std::vector<Fault> out;
  for (const int status : {400, 401, 403, 404, 503}) {
    const auto name = std::to_string(status);
    out.push_back({name + " JSON", [=](const std::string& echo) {
                     return WireReply{.status = status, .body = in_json(echo)};
                   }});
    if (status != 400 && status != 403) continue;  // a 503 is waited for, so it is sent once
    out.push_back({name + " XML", [=](const std::string& echo) {
                     return WireReply{.status = status, .body = in_xml(echo)};
                   }});
  }
  out.push_back({"code", [](const std::string&) {
                   return WireReply{.status = 400, .body = R"({"error":"google-refresh-token"})"};
                 }});
  out.push_back({"redirection", [=](const std::string&) {
                   return WireReply{.status = 307, .headers = {{"Location", elsewhere}}};
                 }});
  out.push_back({"good, but text", [](const std::string& echo) {
                   return WireReply{.headers = {{"Metadata-Flavor", "Google"}}, .body = echo};
                 }});
  out.push_back(
      {"good, but members are missing", [=](const std::string& echo) {
         return WireReply{.headers = {{"Metadata-Flavor", "Google"}}, .body = in_json(echo)};
       }});
  out.push_back({"good, but members are wrong", [](const std::string& echo) {
                   return WireReply{.headers = {{"Metadata-Flavor", "Google"}},
                                    .body = R"({"access_token":")" + echo + R"(","expires_in":")" +
                                            echo + R"(","AccessKeyId":")" + echo +
                                            R"(","SecretAccessKey":")" + echo +
                                            R"(","Expiration":")" + echo + R"(","accessToken":")" +
                                            echo + R"(","expireTime":")" + echo + R"("})"};
                 }});
  out.push_back({"too long", [](const std::string& echo) {
                   std::string body = echo;
                   body.resize(100'000, 'x');
                   return WireReply{.headers = {{"Metadata-Flavor", "Google"}}, .body = body};
                 }});
  out.push_back({"cut", [](const std::string& echo) {
                   return WireReply{.body = echo, .cut_at = 10, .ending = Ending::close};
                 }});
  out.push_back({"nothing", [](const std::string&) {
                   return WireReply{.without_head = true, .ending = Ending::reset};
                 }});
  return out;
}

TEST_F(Secrets, AreInNoErrorOfAnySource) {
  add_all();
  const HttpServer elsewhere([](const WireRequest&) { return WireReply{}; });
  const auto hidden = secrets();
  for (const auto& source : sources_) {
    source.issuer->spoil({});
    EXPECT_NO_THROW(source.ask()) << source.name << " works when nothing is wrong";
    for (const auto& fault : all_faults(elsewhere.endpoint() + "/x")) {
      // The first request, the second, … until none of the source's is left to fail.
      bool failed = true;
      for (std::size_t good = 0; failed; ++good) {
        auto seen = std::make_shared<std::size_t>(0);  // the server runs one script at a time
        source.issuer->spoil([=](const WireRequest& request) -> std::optional<WireReply> {
          if ((*seen)++ < good) return std::nullopt;
          return fault.reply(echo_of(request, hidden));
        });
        failed = false;
        try {
          source.ask();
        } catch (const Error& error) {
          failed = true;
          for (const auto& secret : hidden) {
            EXPECT_EQ(std::string(error.what()).find(secret), std::string::npos)
                << source.name << ", " << fault.name << ": " << error.what();
          }
        }
        EXPECT_TRUE(failed || good > 0) << source.name << " survived: " << fault.name;
        ASSERT_LT(good, 5U) << source.name << ", " << fault.name;
      }
    }
  }
  EXPECT_EQ(elsewhere.request_count(), 0U) << "no redirect is followed";
}

}  // namespace
}  // namespace cnf::storage
