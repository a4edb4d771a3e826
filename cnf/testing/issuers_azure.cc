// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <string>

#include "cnf/testing/http_server.h"
#include "cnf/testing/issuers.h"
#include "cnf/testing/issuers_internal.h"

namespace cnf::testing {

FakeAzure::FakeAzure() { start(); }

FakeAzure::~FakeAzure() { stop(); }

WireReply FakeAzure::answer(const WireRequest& request) {
  const auto path = path_of(request);
  if (path == std::string("/") + kTenant + "/oauth2/v2.0/token") return answer_tenant(request);
  if (path == "/metadata/identity/oauth2/token") return answer_managed(request, false);
  if (path == "/app") return answer_managed(request, true);
  return refuse(404, "no such path: " + path);
}

WireReply FakeAzure::answer_tenant(const WireRequest& request) {
  auto fields = fields_of(request.body);
  const bool is_form = request.method == "POST" &&
                       request.header("content-type") == "application/x-www-form-urlencoded" &&
                       fields["grant_type"] == "client_credentials" &&
                       fields["scope"] == "https://storage.azure.com/.default";
  if (!is_form) return refuse(400, "a malformed form", R"({"error":"invalid_request"})");
  const bool is_known = fields["client_id"] == kClient &&
                        (fields["client_secret"] == kClientSecret ||
                         (fields["client_assertion"] == kAssertion &&
                          fields["client_assertion_type"] ==
                              "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
  if (!is_known) {
    return refuse(401, "a wrong secret",
                  R"({"error":"invalid_client","error_description":"you sent )" +
                      fields["client_secret"] + R"(","error_codes":[7000215]})");
  }
  return json_reply(R"({"token_type":"Bearer","expires_in":)" + std::to_string(life().count()) +
                    R"(,"access_token":"azure-token-)" + std::to_string(issue()) + R"("})");
}

WireReply FakeAzure::answer_managed(const WireRequest& request, bool is_app) {
  auto query = query_of(request);
  const bool is_asked_well = request.method == "GET" &&
                             query["resource"] == "https://storage.azure.com/" &&
                             query["api-version"] == (is_app ? "2019-08-01" : "2018-02-01") &&
                             (is_app ? request.header("x-identity-header") == kHeader
                                     : request.header("metadata") == "true") &&
                             (!query.contains("client_id") || query["client_id"] == kClient);
  if (!is_asked_well) return refuse(400, "a malformed request", R"({"error":"invalid_request"})");
  // Numbers as texts; App Service tells the end alone.
  const auto end = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + life());
  return json_reply(R"({"access_token":"azure-token-)" + std::to_string(issue()) +
                    R"(","expires_on":")" + std::to_string(end) + R"("})");
}

}  // namespace cnf::testing
