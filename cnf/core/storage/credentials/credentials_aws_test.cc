// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/credentials/credentials_aws_internal.h"
#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/fake_environment_test.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/s3/s3_client_internal.h"
#include "cnf/core/storage/s3/s3_storage_internal.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/retry.h"
#include "cnf/testing/http_server.h"
#include "cnf/testing/issuers.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::storage {
namespace {

using testing::FakeAws;
using ::testing::HasSubstr;
using testing::HttpServer;
using testing::WireReply;
using testing::WireRequest;
using Texts = FakeEnvironment::Texts;

std::string write_file(const testing::TempDir& folder, const std::string& name,
                       const std::string& text) {
  const auto path = (folder.path() / name).string();
  std::ofstream(path) << text;
  return path;
}

Credentials keys_of(const Texts& variables, const std::string& config = {},
                    const Options& options = {}) {
  auto all = variables;
  all.insert({{"HOME", "/h"}, {"AWS_EC2_METADATA_DISABLED", "true"}});
  const FakeEnvironment environment(all, {{"/h/.aws/config", config}});
  return *resolve_s3_settings(options, environment).credentials->wait({}).secret;
}

std::pair<Errc, std::string> fault_of(const Texts& variables, const std::string& config = {},
                                      const Options& options = {}) {
  try {
    static_cast<void>(keys_of(variables, config, options));
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {Errc::internal, "nothing was thrown"};
}

const Credentials kFirst{"ASIA-1", "secret-1", "session-1"};
const Credentials kSecond{"ASIA-2", "secret-2", "session-2"};

std::string user_keys() {
  return std::string("aws_access_key_id=") + FakeAws::kUser +
         "\naws_secret_access_key=" + FakeAws::kUserSecret + "\n";
}

std::string role_line() { return std::string("role_arn=") + FakeAws::kRole + "\n"; }

TEST(AwsKeysFound, ByWebIdentityOfTheEnvironment) {
  FakeAws aws;
  const testing::TempDir folder;
  const Texts variables = {
      {"AWS_WEB_IDENTITY_TOKEN_FILE", write_file(folder, "token", FakeAws::kWebIdentity)},
      {"AWS_ROLE_ARN", FakeAws::kRole},
      {"AWS_ROLE_SESSION_NAME", "me"},
      {"AWS_ENDPOINT_URL_STS", aws.endpoint()}};
  EXPECT_EQ(keys_of(variables), kFirst);
  EXPECT_THAT(aws.requests().at(0).body, HasSubstr("RoleSessionName=me"));
  EXPECT_EQ(aws.requests().at(0).header("authorization"), "") << "the token is all";
  EXPECT_EQ(fault_of({{"AWS_WEB_IDENTITY_TOKEN_FILE", "/x"}}).first, Errc::invalid_argument);
  EXPECT_THAT(aws.complaints(), ::testing::IsEmpty());
}

TEST(AwsKeysFound, ByARoleOverAnotherProfilesKeys) {
  FakeAws aws;
  const Texts variables = {{"AWS_PROFILE", "far"}, {"AWS_ENDPOINT_URL_STS", aws.endpoint()}};
  const auto far = "[profile far]\nsource_profile=near\nregion=eu-west-1\nexternal_id=" +
                   std::string(FakeAws::kExternalId) +
                   "\nduration_seconds=900\nrole_session_name=mine\n" + role_line();
  EXPECT_EQ(keys_of(variables, far + "[profile near]\n" + user_keys()), kFirst);
  const auto request = aws.requests().at(0);
  EXPECT_THAT(request.body, HasSubstr("DurationSeconds=900"));
  EXPECT_THAT(request.body, HasSubstr("RoleSessionName=mine"));
  EXPECT_THAT(request.header("authorization"), HasSubstr("/eu-west-1/sts/aws4_request"));
  // And a chain of two roles.
  const auto near = "[profile near]\nsource_profile=base\n" + role_line();
  EXPECT_EQ(keys_of(variables, far + near + "[profile base]\n" + user_keys()),
            (Credentials{"ASIA-3", "secret-3", "session-3"}));
  EXPECT_THAT(aws.complaints(), ::testing::IsEmpty());
}

TEST(AwsKeysFound, ByARoleOverWhatACredentialSourceSays) {
  FakeAws aws;
  Texts variables = {{"AWS_PROFILE", "far"},
                     {"AWS_ENDPOINT_URL_STS", aws.endpoint()},
                     {"AWS_CONTAINER_CREDENTIALS_FULL_URI", aws.endpoint() + "/container"},
                     {"AWS_CONTAINER_AUTHORIZATION_TOKEN", FakeAws::kContainerToken}};
  const auto config = [](const std::string& source) {
    return "[profile far]\ncredential_source=" + source + "\n" + role_line();
  };
  EXPECT_EQ(keys_of(variables, config("EcsContainer")), kSecond) << "the first are the container's";
  variables["AWS_EC2_METADATA_DISABLED"] = "false";
  variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = aws.endpoint();
  EXPECT_EQ(keys_of(variables, config("Ec2InstanceMetadata")).access_key_id, "ASIA-4");
  EXPECT_EQ(fault_of(variables, config("Environment")).first, Errc::invalid_argument);
  EXPECT_EQ(fault_of(variables, config("Elsewhere")).first, Errc::invalid_argument);
  EXPECT_THAT(aws.complaints(), ::testing::IsEmpty());
}

TEST(AwsKeysFound, ByTheRoleOfTheOptionsOverAllElse) {
  FakeAws aws;
  Options options;
  options.role_arn = FakeAws::kRole;
  options.external_id = FakeAws::kExternalId;
  options.access_key_id = FakeAws::kUser;
  options.secret_access_key = FakeAws::kUserSecret;
  EXPECT_EQ(keys_of({{"AWS_ENDPOINT_URL", aws.endpoint()}}, {}, options), kFirst);
  options.external_id = "wrong";
  const auto [code, what] = fault_of({{"AWS_ENDPOINT_URL", aws.endpoint()}}, {}, options);
  EXPECT_EQ(code, Errc::permission_denied);
  EXPECT_THAT(what, HasSubstr("AccessDenied"));
  options.role_arn.clear();
  EXPECT_EQ(fault_of({}, {}, options).first, Errc::invalid_argument);
}

TEST(AwsKeysFound, ByTheContainersEndpoint) {
  FakeAws aws;
  const testing::TempDir folder;
  const Texts variables = {
      {"AWS_CONTAINER_CREDENTIALS_FULL_URI", aws.endpoint() + "/container"},
      {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "overruled"},
      {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
       write_file(folder, "token", std::string(FakeAws::kContainerToken) + "\n")}};
  EXPECT_EQ(keys_of(variables), kFirst);
  for (const char* uri : {"http://example.com/x", "http://127.evil.example/x", "ftp://127.0.0.1/",
                          "http://169.254.170.3/x", "x"}) {
    EXPECT_EQ(fault_of({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", uri}}).first, Errc::invalid_argument)
        << uri;
  }
  // Whose hosts may be asked without TLS: none of these is asked here.
  for (const char* uri : {"http://169.254.170.23/v1/credentials", "http://[fd00:ec2::23]/x",
                          "https://example.com/x", "http://localhost/x"}) {
    EXPECT_NE(
        find_container_keys(FakeEnvironment(Texts{{"AWS_CONTAINER_CREDENTIALS_FULL_URI", uri}})),
        nullptr)
        << uri;
  }
}

TEST(AwsKeysFound, ByTheMachinesMetadataServiceVersion2) {
  FakeAws aws;
  const Texts variables = {{"AWS_EC2_METADATA_DISABLED", "false"},
                           {"AWS_EC2_METADATA_SERVICE_ENDPOINT", aws.endpoint()}};
  EXPECT_EQ(keys_of(variables), kFirst);
  const auto requests = aws.requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[0].method, "PUT");
  EXPECT_THAT(aws.complaints(), ::testing::IsEmpty());
}

TEST(AwsKeysFound, NeverByVersion1OfTheMetadataService) {
  FakeAws aws;
  aws.spoil([](const WireRequest& request) -> std::optional<WireReply> {
    if (request.method != "PUT") return std::nullopt;
    return WireReply{.status = 404};
  });
  const Texts variables = {{"AWS_EC2_METADATA_DISABLED", "false"},
                           {"AWS_EC2_METADATA_SERVICE_ENDPOINT", aws.endpoint()}};
  const auto [code, what] = fault_of(variables);
  EXPECT_EQ(code, Errc::unauthenticated);
  EXPECT_THAT(what, HasSubstr("AWS_ACCESS_KEY_ID")) << "it may be another cloud's";
  EXPECT_EQ(aws.requests().size(), 1U);
}

TEST(AwsKeysFound, NoMetadataServiceIsAnErrorThatSaysWhereWasLooked) {
  std::string endpoint;
  {
    endpoint = HttpServer([](const WireRequest&) { return WireReply{}; }).endpoint();
  }
  const auto [code, what] = fault_of(
      {{"AWS_EC2_METADATA_DISABLED", "false"}, {"AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint}});
  EXPECT_EQ(code, Errc::unauthenticated);
  EXPECT_THAT(what, HasSubstr("AWS_ACCESS_KEY_ID"));
  EXPECT_THAT(what, HasSubstr("anonymous=true"));
}

TEST(AwsKeysFound, NothingIsAskedBeforeTheFirstRequest) {
  FakeAws aws;
  const FakeEnvironment environment(Texts{{"AWS_EC2_METADATA_SERVICE_ENDPOINT", aws.endpoint()}});
  static_cast<void>(resolve_s3_settings({}, environment));
  EXPECT_EQ(aws.requests().size(), 0U);
}

TEST(AwsProfiles, ThatCannotBeUsedSayWhy) {
  const struct {
    const char* config;
    Errc want;
    const char* says;
  } rows[] = {
      {"[profile p]\nrole_arn=r\nsource_profile=q\n[profile q]\nrole_arn=r\nsource_profile=p\n",
       Errc::invalid_argument, "leads back"},
      {"[profile p]\nrole_arn=r\nsource_profile=p\n", Errc::invalid_argument, "leads back"},
      {"[profile p]\nrole_arn=r\nsource_profile=q\n", Errc::invalid_argument, "no profile file"},
      {"[profile p]\nrole_arn=r\nsource_profile=q\n[profile q]\nregion=x\n", Errc::invalid_argument,
       "no credentials"},
      {"[profile p]\nrole_arn=r\n", Errc::invalid_argument, "needs one of"},
      {"[profile p]\nrole_arn=r\nsource_profile=q\ncredential_source=Environment\n",
       Errc::invalid_argument, "needs one of"},
      {"[profile p]\nrole_arn=r\nsource_profile=q\nduration_seconds=1h\n[profile q]\n",
       Errc::invalid_argument, "duration_seconds"},
      {"[profile p]\nrole_arn=r\nsource_profile=q\nmfa_serial=x\n[profile q]\n", Errc::unsupported,
       "export-credentials"},
      {"[profile p]\nsso_start_url=https://x\n", Errc::unsupported, "export-credentials"},
      {"[profile p]\ncredential_process=a 'b\n", Errc::invalid_argument, "quote"},
  };
  for (const auto& row : rows) {
    const auto [code, what] = fault_of({{"AWS_PROFILE", "p"}}, row.config);
    EXPECT_EQ(code, row.want) << row.config << what;
    EXPECT_THAT(what, HasSubstr(row.says)) << row.config;
  }
}

TEST(AwsProfiles, OneMayNameItselfIfItHasKeys) {
  FakeAws aws;
  EXPECT_EQ(keys_of({{"AWS_PROFILE", "p"}, {"AWS_ENDPOINT_URL_STS", aws.endpoint()}},
                    "[profile p]\nsource_profile=p\n" + role_line() + user_keys()),
            kFirst);
}

TEST(AwsProcess, IsRunWithoutAShell) {
  const testing::TempDir folder;
  const auto marker = folder.path() / "made";
  const auto program = write_file(
      folder, "my keys",
      "#!/bin/sh\n[ \"$1\" = '; touch " + marker.string() +
          "' ] || exit 3\necho '{\"Version\": 1, \"AccessKeyId\": \"a\", \"SecretAccessKey\": "
          "\"b\", \"SessionToken\": \"c\", \"Expiration\": \"2999-01-01T00:00:00+00:00\"}'\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  const auto config =
      "[profile p]\ncredential_process=\"" + program + "\" '; touch " + marker.string() + "'\n";
  EXPECT_EQ(keys_of({{"AWS_PROFILE", "p"}}, config), (Credentials{"a", "b", "c"}));
  EXPECT_FALSE(std::filesystem::exists(marker));
}

TEST(AwsProcess, ThatFailsSaysSoWithoutItsOutput) {
  const struct {
    const char* script;
    Errc want;
  } rows[] = {{"echo hidden; exit 1", Errc::unauthenticated},
              {"echo hidden", Errc::corrupt_data},
              {R"(echo '{\"Version\": 2, \"x\": \"hidden\"}')", Errc::unsupported},
              {"while :; do echo hidden hidden hidden; done", Errc::corrupt_data},
              {"kill -9 $$", Errc::unauthenticated}};
  for (const auto& row : rows) {
    const auto config =
        std::string("[profile p]\ncredential_process=/bin/sh -c \"") + row.script + "\"\n";
    const auto [code, what] = fault_of({{"AWS_PROFILE", "p"}}, config);
    EXPECT_EQ(code, row.want) << row.script << what;
    EXPECT_THAT(what, Not(HasSubstr("hidden")));
  }
  EXPECT_EQ(
      fault_of({{"AWS_PROFILE", "p"}}, "[profile p]\ncredential_process=/no/such/program\n").first,
      Errc::unavailable);
}

TEST(AwsProcess, IsEndedWithItsChildrenWhenNobodyWaitsAnyMore) {
  const testing::TempDir folder;
  const auto started = folder.path() / "pid";
  std::stop_source stop;
  std::thread other([&] {
    while (!std::filesystem::exists(started)) std::this_thread::yield();
    stop.request_stop();
  });
  Errc code = Errc::internal;
  try {
    static_cast<void>(run_process({"/bin/sh", "-c",
                                   "sleep 600 & echo $! > " + started.string() + ".part; mv " +
                                       started.string() + ".part " + started.string() + "; wait"},
                                  "a process", Context(stop.get_token())));
  } catch (const Error& error) {
    code = error.code();
  }
  other.join();
  EXPECT_EQ(code, Errc::cancelled);
  std::string child;
  std::ifstream(started) >> child;
  const std::filesystem::path proc = "/proc/" + child;
  // Killed; whoever adopts it reaps it.
  const auto is_running = [&] {
    std::string id;
    std::string name;
    std::string state;
    std::ifstream(proc / "stat") >> id >> name >> state;
    return !state.empty() && state != "Z";
  };
  while (is_running()) std::this_thread::yield();
}

TEST(AwsProcess, CommandsAreSplitAsAShellWould) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(split_command("a  b\tc"), (Words{"a", "b", "c"}));
  EXPECT_EQ(split_command("'a b' \"c \\\" d\" e\\ f ''"), (Words{"a b", "c \" d", "e f", ""}));
  EXPECT_EQ(split_command("a'b'\"c\"d '\\n' \"\\n\""), (Words{"abcd", "\\n", "\\n"}));
  EXPECT_EQ(split_command(""), Words());
  EXPECT_EQ(split_command("'a"), std::nullopt);
  EXPECT_EQ(split_command("\"a"), std::nullopt);
}

TEST(Sts, TimesOfExpirationMayHaveAnOffset) {
  using std::chrono::sys_days;
  using std::chrono::year;
  const auto day = sys_days(year(2024) / 2 / 29);
  EXPECT_EQ(parse_expiration("2024-02-29T00:00:00Z", "x"), day);
  EXPECT_EQ(parse_expiration("2024-02-29T01:30:00+01:30", "x"), day);
  EXPECT_EQ(parse_expiration("2024-02-28T22:00:00.5-02:00", "x"), day);
  for (const char* text :
       {"", "2024", "2024-02-29T00:00:00", "2024-02-29T00:00:00+1:00", "+00:00"}) {
    EXPECT_THROW(static_cast<void>(parse_expiration(text, "x")), Error) << text;
  }
}

TEST(S3OnIssuedKeys, RenewsWhatExpiresWhileItWorks) {
  FakeAws aws;
  HttpServer store([&](const WireRequest& request) {
    if (aws.accepts(request)) return WireReply{.headers = {{"ETag", "\"e\""}}, .body = "data"};
    return WireReply{.status = 400, .body = "<Error><Code>ExpiredToken</Code></Error>"};
  });
  const FakeEnvironment environment(Texts{{"AWS_EC2_METADATA_SERVICE_ENDPOINT", aws.endpoint()}});
  Options options;
  options.endpoint = store.endpoint();
  const auto client = std::make_shared<S3Client>("bucket", options, environment, RetryPolicy{});
  S3Storage storage(client);
  EXPECT_EQ(storage.read_all("k", 10).bytes.size(), 4U);
  EXPECT_EQ(storage.read_all("k", 10).bytes.size(), 4U);
  EXPECT_EQ(aws.issued(), 1U);
  aws.expire();
  EXPECT_EQ(storage.read_all("k", 10).bytes.size(), 4U);
  EXPECT_EQ(aws.issued(), 2U);
  EXPECT_EQ(store.request_count(), 4U);
}

}  // namespace
}  // namespace cnf::storage
