// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/fake_environment_test.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

constexpr const char* kCredentialsFile =
    "# comment\n"
    "[default]\n"
    "aws_access_key_id = file-id\r\n"
    "aws_secret_access_key=file/secret=+\n"
    "\n"
    "[lab]\n"
    "aws_access_key_id=lab-id\n"
    "aws_secret_access_key=lab-secret\n"
    "aws_session_token=lab-token\n"
    "[half]\n"
    "aws_access_key_id=only-id\n";
constexpr const char* kConfigFile =
    "[default]\n"
    "region = eu-north-1\n"
    "ca_bundle = /ca.pem\n"
    "[profile lab]\n"
    "region=eu-west-3\n"
    "services = lab-services\n"
    "endpoint_url = http://general:1\n"
    "[services lab-services]\n"
    "s3 =\n"
    "  endpoint_url = http://lab:9000\n"
    "dynamodb =\n"
    "  endpoint_url = http://lab:9001\n"
    "[profile sso]\n"
    "sso_session = x\n";

const FakeEnvironment::Texts kFiles = {{"/home/u/.aws/credentials", kCredentialsFile},
                                       {"/home/u/.aws/config", kConfigFile}};

Errc code_of(const Options& options, const Environment& environment, std::string* what = nullptr) {
  try {
    static_cast<void>(resolve_s3_settings(options, environment));
  } catch (const Error& error) {
    if (what != nullptr) *what = error.what();
    return error.code();
  }
  return Errc::internal;
}

Credentials keys_of(const S3Settings& settings) {
  return *settings.credentials->wait(Context()).secret;
}

TEST(S3Settings, OptionsGoFirst) {
  const FakeEnvironment environment({{"HOME", "/home/u"},
                                     {"AWS_ACCESS_KEY_ID", "env-id"},
                                     {"AWS_SECRET_ACCESS_KEY", "env-secret"},
                                     {"AWS_REGION", "us-west-2"},
                                     {"AWS_ENDPOINT_URL", "http://env:1"}},
                                    kFiles);
  Options options;
  options.access_key_id = "option-id";
  options.secret_access_key = "option-secret";
  options.region = "ca-central-1";
  options.endpoint = "http://option:1";
  const auto settings = resolve_s3_settings(options, environment);
  EXPECT_EQ(keys_of(settings), (Credentials{"option-id", "option-secret"}));
  EXPECT_EQ(settings.region, "ca-central-1");
  EXPECT_EQ(settings.endpoint, "http://option:1");
}

TEST(S3Settings, ThenTheEnvironment) {
  const FakeEnvironment environment({{"HOME", "/home/u"},
                                     {"AWS_ACCESS_KEY_ID", "env-id"},
                                     {"AWS_SECRET_ACCESS_KEY", "env-secret"},
                                     {"AWS_SESSION_TOKEN", "env-token"},
                                     {"AWS_DEFAULT_REGION", "us-west-2"},
                                     {"AWS_ENDPOINT_URL", "http://env:1"},
                                     {"AWS_ENDPOINT_URL_S3", "http://env:2"}},
                                    kFiles);
  const auto settings = resolve_s3_settings({}, environment);
  EXPECT_EQ(keys_of(settings), (Credentials{"env-id", "env-secret", "env-token"}));
  EXPECT_EQ(settings.region, "us-west-2");
  EXPECT_EQ(settings.endpoint, "http://env:2") << "S3's own variable goes before the general one";
}

TEST(S3Settings, ThenTheDefaultProfile) {
  const auto settings = resolve_s3_settings({}, FakeEnvironment({{"HOME", "/home/u"}}, kFiles));
  EXPECT_EQ(keys_of(settings), (Credentials{"file-id", "file/secret=+"}));
  EXPECT_EQ(settings.region, "eu-north-1");
  EXPECT_EQ(settings.endpoint, "");
  EXPECT_EQ(settings.ca_bundle, "/ca.pem");
}

TEST(S3Settings, ProfileOfTheEnvironmentWithItsServices) {
  const auto settings = resolve_s3_settings(
      {}, FakeEnvironment({{"HOME", "/home/u"}, {"AWS_PROFILE", "lab"}}, kFiles));
  EXPECT_EQ(keys_of(settings), (Credentials{"lab-id", "lab-secret", "lab-token"}));
  EXPECT_EQ(settings.region, "eu-west-3");
  EXPECT_EQ(settings.endpoint, "http://lab:9000");
}

TEST(S3Settings, ProfileOfTheOptionsGoesBeforeKeysOfTheEnvironment) {
  const FakeEnvironment environment({{"HOME", "/home/u"},
                                     {"AWS_ACCESS_KEY_ID", "env-id"},
                                     {"AWS_SECRET_ACCESS_KEY", "env-secret"}},
                                    kFiles);
  Options options;
  options.profile = "lab";
  EXPECT_EQ(keys_of(resolve_s3_settings(options, environment)).access_key_id, "lab-id");
}

TEST(S3Settings, FilesMayLieElsewhere) {
  const FakeEnvironment environment(
      {{"AWS_SHARED_CREDENTIALS_FILE", "/x/keys"}, {"AWS_CONFIG_FILE", "/x/config"}},
      {{"/x/keys", "[default]\naws_access_key_id=a\n"},
       {"/x/config", "[default]\naws_secret_access_key=b\n"}});
  EXPECT_EQ(keys_of(resolve_s3_settings({}, environment)), (Credentials{"a", "b"}));
}

TEST(S3Settings, AnonymousNeedsNone) {
  Options options;
  options.anonymous = true;
  const auto settings =
      resolve_s3_settings(options, FakeEnvironment({{"HOME", "/home/u"}}, kFiles));
  EXPECT_EQ(settings.credentials, nullptr);
  EXPECT_EQ(settings.region, "eu-north-1");
}

TEST(S3Settings, NoneAtAllSaysWhereWasLooked) {
  std::string what;
  const FakeEnvironment environment(FakeEnvironment::Texts{{"AWS_EC2_METADATA_DISABLED", "True"}});
  EXPECT_EQ(code_of({}, environment, &what), Errc::unauthenticated);
  EXPECT_NE(what.find("AWS_ACCESS_KEY_ID"), std::string::npos) << what;
  EXPECT_NE(what.find("anonymous=true"), std::string::npos) << what;
}

TEST(S3Settings, HalfAKeyPairIsATypo) {
  std::string what;
  EXPECT_EQ(
      code_of({}, FakeEnvironment(FakeEnvironment::Texts{{"AWS_SECRET_ACCESS_KEY", "hidden"}}),
              &what),
      Errc::invalid_argument);
  EXPECT_EQ(what.find("hidden"), std::string::npos) << what;
  EXPECT_EQ(code_of({}, FakeEnvironment({{"HOME", "/home/u"}, {"AWS_PROFILE", "half"}}, kFiles)),
            Errc::invalid_argument);
}

TEST(S3Settings, ANamedProfileMustBeThere) {
  Options options;
  options.profile = "labb";
  EXPECT_EQ(code_of(options, FakeEnvironment({{"HOME", "/home/u"}}, kFiles)),
            Errc::invalid_argument);
  EXPECT_EQ(code_of({}, FakeEnvironment({{"HOME", "/home/u"}, {"AWS_PROFILE", "labb"}}, kFiles)),
            Errc::invalid_argument);
}

TEST(S3Settings, AProfileOfAnotherKindSaysHowToGoOn) {
  std::string what;
  EXPECT_EQ(
      code_of({}, FakeEnvironment({{"HOME", "/home/u"}, {"AWS_PROFILE", "sso"}}, kFiles), &what),
      Errc::unsupported);
  EXPECT_NE(what.find("export-credentials"), std::string::npos) << what;
}

TEST(ParseProfiles, SkipsWhatIsNeither) {
  const auto sections =
      parse_profiles("stray = 1\n[open\nkey = lost\n[a]\n=\nnoise\n k = v \n;c=1");
  ASSERT_EQ(sections.size(), 1U);
  EXPECT_EQ(sections.at("a").at("k"), "v");
}

}  // namespace
}  // namespace cnf::storage
