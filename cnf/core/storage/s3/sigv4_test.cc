// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cnf/core/storage/s3/s3_xml_internal.h"
#include "cnf/core/storage/s3/sigv4_internal.h"
#include "cnf/core/util/checksum.h"

namespace cnf::storage {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

// What a suite's case asks for. Source: awslabs/aws-c-auth, tests/aws-signing-test-suite.
struct Case {
  SigningInput input;
  SigningScope scope;
  Credentials credentials;
  std::chrono::seconds ttl{};
  std::string body;
  bool signs_body = false;
};

void read_query(std::string_view text, QueryParameters& into) {
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    const auto equals = pair.find('=');
    const auto value = equals == std::string_view::npos ? "" : pair.substr(equals + 1);
    into.emplace_back(percent_decode(pair.substr(0, equals)).value(),
                      percent_decode(value).value());
  }
}

// The suite's rules: the path stands there raw; a line that begins with a blank goes on with the
// header before it.
void read_request(const std::string& text, Case& out) {
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  const auto first = line.find(' ');
  const auto target = line.substr(first + 1, line.rfind(" HTTP/") - first - 1);
  const auto mark = target.find('?');
  out.input.method = line.substr(0, first);
  out.input.path = target.substr(0, mark);
  if (mark != std::string::npos)
    read_query(std::string_view(target).substr(mark + 1), out.input.query);
  while (std::getline(lines, line) && !line.empty()) {
    if (line.front() == ' ') {
      out.input.headers.back().second += "\n" + line;
      continue;
    }
    const auto colon = line.find(':');
    out.input.headers.emplace_back(line.substr(0, colon), line.substr(colon + 1));
  }
  out.body.assign(std::istreambuf_iterator<char>(lines), {});
}

Case read_case(const fs::path& folder) {
  const auto context = nlohmann::json::parse(read_text(folder / "context.json"));
  const auto& keys = context.at("credentials");
  Case out;
  out.credentials.access_key_id = keys.at("access_key_id");
  out.credentials.secret_access_key = keys.at("secret_access_key");
  if (!context.value("omit_session_token", false)) {
    out.credentials.session_token = keys.value("token", "");
  }
  out.scope.time = parse_iso8601(context.at("timestamp").get<std::string>()).value();
  out.scope.region = context.at("region");
  out.scope.service = context.at("service");
  out.scope.path_rule =
      context.at("normalize").get<bool>() ? PathRule::normalized : PathRule::as_is;
  out.ttl = std::chrono::seconds(context.at("expiration_in_seconds").get<int>());
  out.signs_body = context.at("sign_body");
  read_request(read_text(folder / "request.txt"), out);
  out.input.payload_hash = to_hex(sha256(as_bytes(out.body)));
  return out;
}

// What was signed is the input without what signing added last.
std::string canonical_of(SigningInput signed_input, PathRule rule) {
  std::erase_if(signed_input.headers,
                [](const auto& header) { return header.first == "Authorization"; });
  std::erase_if(signed_input.query,
                [](const auto& pair) { return pair.first == "X-Amz-Signature"; });
  return canonical_request(signed_input, rule);
}

// One key for all cases: it must notice each of their scopes and secrets.
void check_header_signature(const fs::path& folder, SigningKey& key) {
  auto [input, scope, credentials, ttl, body, signs_body] = read_case(folder);
  if (signs_body) input.headers.emplace_back("x-amz-content-sha256", input.payload_hash);
  sign_headers(input, scope, credentials, key);
  const auto canonical = canonical_of(input, scope.path_rule);
  EXPECT_EQ(canonical, read_text(folder / "header-canonical-request.txt"));
  EXPECT_EQ(string_to_sign(scope, canonical), read_text(folder / "header-string-to-sign.txt"));
  EXPECT_TRUE(input.headers.back().second.ends_with("Signature=" +
                                                    read_text(folder / "header-signature.txt")));
}

void check_query_signature(const fs::path& folder) {
  auto [input, scope, credentials, ttl, body, signs_body] = read_case(folder);
  sign_query(input, scope, credentials, ttl);
  const auto canonical = canonical_of(input, scope.path_rule);
  EXPECT_EQ(canonical, read_text(folder / "query-canonical-request.txt"));
  EXPECT_EQ(string_to_sign(scope, canonical), read_text(folder / "query-string-to-sign.txt"));
  EXPECT_EQ(input.query.back().second, read_text(folder / "query-signature.txt"));
}

TEST(SigV4, AllCasesOfTheSigningTestSuite) {
  const char* const shared = std::getenv("CNF_SHARED_DATA");
  ASSERT_NE(shared, nullptr) << "CNF_SHARED_DATA is not set; run this test by ctest";
  const auto suite = fs::path(shared) / "sigv4" / "v4";
  ASSERT_TRUE(fs::is_directory(suite))
      << suite << " is absent: put aws-c-auth's tests/aws-signing-test-suite there";
  int cases = 0;
  SigningKey key;
  for (const auto& entry : fs::directory_iterator(suite)) {
    SCOPED_TRACE(entry.path().filename().string());
    check_header_signature(entry.path(), key);
    check_query_signature(entry.path());
    ++cases;
  }
  EXPECT_EQ(cases, 38);
}

// Source: "Examples: Signature Calculations" and "Authenticating Requests: Using Query Parameters",
// Amazon S3 API Reference: bucket examplebucket, 24 May 2013 00:00:00 UTC.
const Credentials kExampleKeys{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
const SigningScope kExampleScope{.time = std::chrono::sys_days(std::chrono::year(2013) / 5 / 24),
                                 .region = "us-east-1"};
constexpr std::string_view kExampleHost = "examplebucket.s3.amazonaws.com";

struct S3Example {
  std::string name;
  std::string method;
  std::string path;
  QueryParameters query;
  HttpHeaders headers;
  std::string body;
  std::string want;
};

TEST(SigV4, PublishedS3Examples) {
  const S3Example examples[] = {
      {"get_object",
       "GET",
       "/test.txt",
       {},
       {{"Range", "bytes=0-9"}},
       "",
       "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
      {"put_object",
       "PUT",
       "/test$file.text",
       {},
       {{"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
       "Welcome to Amazon S3.",
       "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
      {"get_lifecycle",
       "GET",
       "/",
       {{"lifecycle", ""}},
       {},
       "",
       "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
      {"list_objects",
       "GET",
       "/",
       {{"max-keys", "2"}, {"prefix", "J"}},
       {},
       "",
       "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
  };
  for (const auto& example : examples) {
    const auto hash = to_hex(sha256(as_bytes(example.body)));
    SigningInput input{example.method, example.path, example.query, example.headers, hash};
    input.headers.emplace_back("Host", kExampleHost);
    input.headers.emplace_back("x-amz-content-sha256", hash);
    sign_headers(input, kExampleScope, kExampleKeys);
    EXPECT_TRUE(input.headers.back().second.ends_with("Signature=" + example.want)) << example.name;
  }
}

TEST(SigV4, PublishedPresignedUrl) {
  SigningInput input{
      "GET", "/test.txt", {}, {{"host", std::string(kExampleHost)}}, std::string(kUnsignedPayload)};
  sign_query(input, kExampleScope, kExampleKeys, std::chrono::seconds(86400));
  EXPECT_EQ(input.query.back().second,
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(SigV4, PathsOfOtherServicesAreFolded) {
  struct Row {
    std::string path, want;
  };
  // RFC 3986, 5.2.4.
  const Row rows[] = {{"/a/b/..", "/a/"}, {"/..", "/"}, {"", "/"}, {"/a/./b//c", "/a/b/c"}};
  for (const auto& row : rows) {
    const SigningInput input{"GET", row.path, {}, {{"host", "h"}}, ""};
    const auto canonical = canonical_request(input, PathRule::normalized);
    EXPECT_EQ(canonical.substr(0, canonical.find('\n', 4)), "GET\n" + row.want) << row.path;
  }
}

}  // namespace
}  // namespace cnf::storage
