// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <pugixml.hpp>

#include "cnf/core/storage/azure/azure_dialect_internal.h"
#include "cnf/core/storage/azure/azure_sign_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_retry_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/http/http_xml_internal.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

using Retry = HttpFailure::Retry;

constexpr std::string_view kAskForRight = "ask the account's owner for the right";
constexpr std::string_view kCheckContainer = "check the container's name and the account";
constexpr std::string_view kLeased = "wait until its holder lets go, or break the lease";
constexpr std::string_view kRehydrate = "the blob is archived: move it to an online tier first";
constexpr std::string_view kSlower = "use a lower concurrency, or try later";
constexpr std::string_view kWaitForAccount = "wait until the account is there";

// Source: "Common REST API error codes" and "Blob service error codes", Azure Storage services REST
// API reference. A remedy that depends on how requests are authorised is remedy()'s.
constexpr auto kKnownCodes = std::to_array<KnownCode>({
    {"AccountBeingCreated", Errc::unavailable, Retry::yes, kWaitForAccount},
    {"AccountIsDisabled", Errc::permission_denied, Retry::no, kAskForRight},
    {"AuthenticationFailed", Errc::unauthenticated, Retry::no, {}},
    {"AuthorizationFailure", Errc::permission_denied, Retry::no,
     "check the key or the token and what it may do, and the account's firewall"},
    {"AuthorizationPermissionMismatch", Errc::permission_denied, Retry::no, kAskForRight},
    {"AuthorizationProtocolMismatch", Errc::permission_denied, Retry::no, "use https"},
    {"AuthorizationResourceTypeMismatch", Errc::permission_denied, Retry::no,
     "the SAS token is for another kind of resource: get one for the container"},
    {"AuthorizationServiceMismatch", Errc::permission_denied, Retry::no,
     "the SAS token is not for blobs: get one that is"},
    {"AuthorizationSourceIPMismatch", Errc::permission_denied, Retry::no,
     "the SAS token is for another machine: get one for this"},
    {"BlobAlreadyExists", Errc::already_exists, Retry::no, {}},
    {"BlobArchived", Errc::unsupported, Retry::no, kRehydrate},
    {"BlobBeingRehydrated", Errc::unavailable, Retry::no, "it is being moved: try in some hours"},
    {"BlobImmutableDueToPolicy", Errc::permission_denied, Retry::no,
     "the container's policy keeps the blob as it is"},
    {"BlobNotFound", Errc::not_found, Retry::no, {}},
    {"ConditionNotMet", Errc::precondition_failed, Retry::no, {}},
    {"ContainerBeingDeleted", Errc::unavailable, Retry::no, "wait half a minute, or use another"},
    {"ContainerDisabled", Errc::permission_denied, Retry::no, kAskForRight},
    {"ContainerNotFound", Errc::not_found, Retry::no, kCheckContainer},
    {"InsufficientAccountPermissions", Errc::permission_denied, Retry::no, kAskForRight},
    {"InternalError", Errc::unavailable, Retry::yes, {}},
    {"InvalidAuthenticationInfo", Errc::unauthenticated, Retry::no, {}},
    {"InvalidBlobOrBlock", Errc::invalid_argument, Retry::no,
     "blocks of another program's unfinished write are in the way: remove the object, or use "
     "another name"},
    {"InvalidBlobType", Errc::unsupported, Retry::no,
     "it is a page or an append blob: remove it first"},
    {"InvalidBlockList", Errc::unavailable, Retry::no,
     "somebody else wrote the object meanwhile: write it again"},
    {"InvalidRange", Errc::corrupt_data, Retry::no, {}},
    {"InvalidResourceName", Errc::invalid_argument, Retry::no, kCheckContainer},
    {"KeyBasedAuthenticationNotPermitted", Errc::permission_denied, Retry::no,
     "the account takes no keys: use a token"},
    {"LeaseIdMissing", Errc::permission_denied, Retry::no, kLeased},
    {"LeaseIdMismatchWithBlobOperation", Errc::permission_denied, Retry::no, kLeased},
    {"Md5Mismatch", Errc::corrupt_data, Retry::yes, "the network damages what is sent"},
    {"NoAuthenticationInformation", Errc::unauthenticated, Retry::no, {}},
    {"OperationTimedOut", Errc::throttled, Retry::throttled, kSlower},
    {"PublicAccessNotPermitted", Errc::permission_denied, Retry::no,
     "the account is not public: give a key, a SAS token or a token"},
    {"ResourceNotFound", Errc::not_found, Retry::no,
     "check the account and the container; without credentials a private one seems absent"},
    {"ServerBusy", Errc::throttled, Retry::throttled, kSlower},
    {"SnapshotsPresent", Errc::unsupported, Retry::no,
     "it has snapshots, which would go with it: remove them first"},
    {"SourceConditionNotMet", Errc::corrupt_data, Retry::no,
     "the object changed while it was copied: copy it again"},
    {"UnauthorizedBlobOverwrite", Errc::permission_denied, Retry::no, kAskForRight},
});

// Its next lines are the request's id and the time.
std::string first_line(std::string_view text) {
  return one_line(text.substr(0, text.find_first_of("\r\n")));
}

std::string* find_header(HttpRequest& request, std::string_view name) {
  const auto found = std::find_if(request.headers.begin(), request.headers.end(),
                                  [&](const auto& header) { return header.first == name; });
  return found == request.headers.end() ? nullptr : &found->second;
}

std::chrono::sys_seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace

AzureAnswer read_azure_error(const HttpResponse& response) {
  AzureAnswer out;
  pugi::xml_document document;
  if (load_xml(document, response.body)) {
    const auto root = document.child("Error");
    out.code = one_line(root.child_value("Code"), 100);
    out.message = first_line(root.child_value("Message"));
    // Of the details only this one: others show the signature that was sent.
    const std::string_view detail = root.child_value("AuthenticationErrorDetail");
    if (detail.starts_with("Signature not valid in the specified time frame")) {
      out.message = first_line(detail);
    }
  }
  if (const auto code = response.header("x-ms-error-code")) out.code = one_line(*code, 100);
  return out;
}

bool AzureDialect::ready(const std::function<void()>& resume) {
  return token_ == nullptr || token_->ready(resume);
}

void AzureDialect::sign(HttpRequest& request) {
  request.headers.emplace_back("x-ms-version", kAzureVersion);
  if (token_ != nullptr) request.edition = token_->current().number;
  authorize_source(request);
  authorize(request);
}

void AzureDialect::authorize(HttpRequest& request) const {
  request.query.insert(request.query.end(), sas_.begin(), sas_.end());
  if (token_ == nullptr && account_.key.empty()) return;
  request.headers.emplace_back("x-ms-date", azure_date(now()));
  if (token_ != nullptr) {
    request.headers.emplace_back("Authorization", "Bearer " + *token_->current().secret);
    return;
  }
  const auto signature = azure_signature(account_, azure_string_to_sign(account_.name, request));
  request.headers.emplace_back("Authorization", "SharedKey " + account_.name + ":" + signature);
}

// The source of a copy is read by the service itself, for which the request's own signature does
// not speak.
void AzureDialect::authorize_source(HttpRequest& request) const {
  std::string* const source = find_header(request, "x-ms-copy-source");
  if (source == nullptr) return;
  if (token_ != nullptr) {
    request.headers.emplace_back("x-ms-copy-source-authorization",
                                 "Bearer " + *token_->current().secret);
  } else if (!sas_.empty()) {
    *source += "?" + spell_query(sas_);
  } else if (!account_.key.empty()) {
    const auto base = request.endpoint.url() + "/";
    const auto path = percent_decode(std::string_view(*source).substr(base.size())).value_or("");
    const auto slash = path.find('/');
    const AzureReadGrant grant{.container = path.substr(0, slash),
                               .blob = path.substr(slash + 1),
                               .expires = now() + std::chrono::hours(1)};
    *source += "?" + spell_query(azure_read_sas(account_, grant));
  }
}

std::string_view AzureDialect::remedy() const noexcept {
  if (token_ != nullptr) return "get a new token: the account does not accept this one";
  if (!sas_.empty()) return "get a new SAS token: it has ended, or is not whole";
  if (account_.key.empty()) return "give a key, a SAS token or a token";
  return "check the account's name and key, and this machine's clock";
}

std::optional<HttpFailure> AzureDialect::judge(const HttpRequest& request,
                                               const HttpResponse& response) {
  auto failure = failure_of_status(response.status);
  if (!failure) {
    // In an account with folders, a folder answers as an empty blob.
    if (response.header("x-ms-resource-type") != "directory") return std::nullopt;
    return HttpFailure{.code = Errc::not_found,
                       .retry = Retry::no,
                       .provider_code = "BlobNotFound",
                       .why = "it is a folder",
                       .remedy = {}};
  }
  const auto answer = read_azure_error(response);
  if (answer.code.empty()) return failure;
  explain(*failure, kKnownCodes, answer.code, answer.message);
  // Azurite has one code for both.
  if (answer.message.starts_with("Server failed to authenticate")) {
    failure->code = Errc::unauthenticated;
  }
  if (failure->code == Errc::unauthenticated) failure->remedy = remedy();
  if (response.status == 401 && token_ != nullptr && token_->reject(request.edition)) {
    failure->retry = Retry::corrected;
  }
  return failure;
}

}  // namespace cnf::storage
