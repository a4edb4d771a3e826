// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/s3/s3_xml_internal.h"
#include "cnf/core/storage/s3/sigv4_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/testing/http_server.h"
#include "cnf/testing/issuers.h"
#include "cnf/testing/issuers_internal.h"

namespace cnf::testing {
namespace {

// What an Authorization header of Signature Version 4 says.
struct Signature {
  std::string key_id, region, service, signed_headers, signature;
};

std::string between(const std::string& text, const std::string& from, char to) {
  const auto begin = text.find(from);
  if (begin == std::string::npos) return {};
  const auto rest = text.substr(begin + from.size());
  return rest.substr(0, rest.find(to));
}

Signature signature_of(const WireRequest& request) {
  const auto header = request.header("authorization");
  Signature out;
  std::string scope = between(header, "Credential=", ',');  // id/date/region/service/aws4_request
  for (std::string* const part : {&out.key_id, &out.signature, &out.region, &out.service}) {
    const auto slash = scope.find('/');
    *part = scope.substr(0, slash);
    scope.erase(0, slash == std::string::npos ? scope.size() : slash + 1);
  }
  out.signed_headers = between(header, "SignedHeaders=", ',');
  out.signature = between(header, "Signature=", ',');
  return out;
}

// Signs what came over the wire again, with the secret that it should have been signed with.
bool is_signed(const WireRequest& request, const Signature& given, const std::string& secret) {
  storage::SigningInput input{
      request.method, *storage::percent_decode(path_of(request)), {}, {}, {}};
  const auto query = query_of(request);
  input.query.assign(query.begin(), query.end());
  for (std::string names = given.signed_headers; !names.empty();) {
    const auto name = names.substr(0, names.find(';'));
    names.erase(0, name.size() + 1);
    input.headers.emplace_back(name, request.header(name));
  }
  input.payload_hash = request.header("x-amz-content-sha256");
  if (input.payload_hash.empty()) input.payload_hash = to_hex(sha256(as_bytes(request.body)));
  auto date = request.header("x-amz-date");  // 20130524T000000Z
  if (date.size() != 16) return false;
  for (const std::size_t at : {4U, 7U}) date.insert(at, "-");
  for (const std::size_t at : {13U, 16U}) date.insert(at, ":");
  const auto time = storage::parse_iso8601(date);
  if (!time) return false;
  const bool is_s3 = given.service == "s3";
  const storage::SigningScope scope{
      .time = *time,
      .region = given.region,
      .service = given.service,
      .path_rule = is_s3 ? storage::PathRule::as_is : storage::PathRule::normalized};
  const auto canonical = storage::canonical_request(input, scope.path_rule);
  storage::SigningKey key;
  const auto text = storage::string_to_sign(scope, canonical);
  return to_hex(hmac_sha256(key.of({given.key_id, secret}, scope), as_bytes(text))) ==
         given.signature;
}

std::string sts_error(const std::string& code) {
  return "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>"
         "<Type>Sender</Type><Code>" +
         code + "</Code><Message>no</Message></Error></ErrorResponse>";
}

constexpr const char* kMachineToken = "imds-token";

}  // namespace

FakeAws::FakeAws() { start(); }

FakeAws::~FakeAws() { stop(); }

std::optional<std::string> FakeAws::secret_of(const std::string& id) const {
  if (id == kUser) return kUserSecret;
  if (!id.starts_with("ASIA-")) return std::nullopt;
  return "secret-" + id.substr(5);
}

void FakeAws::expire() { expired_ = issued(); }

bool FakeAws::accepts(const WireRequest& request) const {
  const auto given = signature_of(request);
  const auto secret = secret_of(given.key_id);
  if (!secret || !is_signed(request, given, *secret)) return false;
  if (given.key_id == kUser) return true;
  const auto number = given.key_id.substr(5);
  return std::stoul(number) > expired_ &&
         request.header("x-amz-security-token") == "session-" + number;
}

WireReply FakeAws::answer(const WireRequest& request) {
  const auto path = path_of(request);
  if (request.method == "POST" && path == "/") return answer_sts(request);
  if (path.starts_with("/latest/")) return answer_machine(request);
  if (request.method != "GET" || path != "/container") return refuse(404, "no such path: " + path);
  if (request.header("authorization") == kContainerToken) return keys_as_json();
  return refuse(401, "a container without its token");
}

WireReply FakeAws::answer_sts(const WireRequest& request) {
  const auto fields = fields_of(request.body);
  const auto field = [&](const char* name) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string() : found->second;
  };
  const auto action = field("Action");
  if (!request.header("content-type").starts_with("application/x-www-form-urlencoded") ||
      field("Version") != "2011-06-15" || field("RoleSessionName").empty()) {
    return refuse(400, "a malformed form", sts_error("ValidationError"));
  }
  if (field("RoleArn") != kRole) return refuse(403, "no such role", sts_error("AccessDenied"));
  if (action == "AssumeRoleWithWebIdentity") {
    if (field("WebIdentityToken") != kWebIdentity) {
      return refuse(400, "a wrong web identity", sts_error("InvalidIdentityToken"));
    }
  } else if (action == "AssumeRole") {
    const auto given = signature_of(request);
    if (given.service != "sts" || !accepts(request)) {
      return refuse(403, "not signed by who may", sts_error("ExpiredToken"));
    }
    if (fields.contains("ExternalId") && field("ExternalId") != kExternalId) {
      return refuse(403, "a wrong external id", sts_error("AccessDenied"));
    }
  } else {
    return refuse(400, "no such action", sts_error("InvalidAction"));
  }
  const auto number = std::to_string(issue());
  return {.body = "<" + action + "Response><" + action + "Result><Credentials><AccessKeyId>ASIA-" +
                  number + "</AccessKeyId><SecretAccessKey>secret-" + number +
                  "</SecretAccessKey><SessionToken>session-" + number +
                  "</SessionToken><Expiration>" + time_after(life()) +
                  "</Expiration></Credentials></" + action + "Result></" + action + "Response>"};
}

// IMDSv2: nothing without the token, and no token without PUT and a life for it.
WireReply FakeAws::answer_machine(const WireRequest& request) {
  const auto path = path_of(request);
  const std::string roles = "/latest/meta-data/iam/security-credentials/";
  if (path == "/latest/api/token") {
    if (request.method != "PUT") return refuse(405, "a token not by PUT");
    if (request.header("x-aws-ec2-metadata-token-ttl-seconds").empty()) {
      return refuse(400, "a token without a life");
    }
    return {.body = kMachineToken};
  }
  if (request.header("x-aws-ec2-metadata-token") != kMachineToken) {
    return refuse(401, "a request without the token of IMDSv2");
  }
  if (path == roles) return {.body = "machine-role\n"};
  if (path == roles + "machine-role") return keys_as_json();
  return refuse(404, "no such path: " + path);
}

WireReply FakeAws::keys_as_json() {
  const auto number = std::to_string(issue());
  return json_reply(R"({"Code":"Success","AccessKeyId":"ASIA-)" + number +
                    R"(","SecretAccessKey":"secret-)" + number + R"(","Token":"session-)" + number +
                    R"(","Expiration":")" + time_after(life()) + R"("})");
}

}  // namespace cnf::testing
