// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

/// Asking those who issue secrets: token endpoints and metadata services.
///
/// Nothing that an issuer answers is ever quoted, but for the code of an error. No redirect is
/// followed; loopback and link-local addresses are asked without a proxy.
namespace cnf::storage {

/// One request to an issuer.
struct IssuerRequest {
  std::string name;  ///< For errors: "the metadata service", "https://sts.example/".
  std::string method = "GET";
  Endpoint endpoint;
  std::string path = {};  ///< Behind the endpoint's own.
  QueryParameters query = {};
  HttpHeaders headers = {};
  std::string body = {};
  std::string ca_bundle = {};  ///< A file of certificates; empty: the system's.
  std::chrono::milliseconds connect_timeout{2'000};
  std::chrono::milliseconds timeout{10'000};  ///< Of all tries together.
  int tries = 3;
};

/// Of a metadata service, which is near or not there at all: a machine without one shall not stall.
[[nodiscard]] IssuerRequest metadata_request(std::string name);

/// What was answered, whatever its status, after what may pass was tried again. Throws Error
/// unavailable if there was no answer, corrupt_data if one of over 64 KiB, cancelled.
[[nodiscard]] HttpResponse ask_issuer(const IssuerRequest& request, const Context& context);

/// What to throw if there are no credentials. \param store  "S3"; \param looked  "in the options";
/// \param also  the end of that sentence.
[[nodiscard]] Error no_credentials(std::string_view store, std::string_view looked,
                                   std::string_view also = {});

/// The same of a metadata service, which is the last place to look: if there is no answer the Error
/// is no_credentials.
[[nodiscard]] HttpResponse ask_metadata(const IssuerRequest& request, const Context& context,
                                        std::string_view store, std::string_view looked);

/// The answer's body, if its status is 2xx. Else throws: unauthenticated (400, 401, 404),
/// permission_denied (403), throttled, unavailable.
/// \param code    the issuer's word for what is wrong, shown if it is one: "invalid_grant".
/// \param remedy  what to do about it.
[[nodiscard]] std::string take_body(const IssuerRequest& request, HttpResponse response,
                                    std::string_view code, std::string_view remedy);

/// "a=1&b=2", as forms are posted.
[[nodiscard]] std::string form_of(const QueryParameters& fields);

/// "https://host/path?query" as an endpoint, its path and its query. Throws invalid_argument, which
/// names `subject` and not the URL.
void set_url(IssuerRequest& request, std::string_view url, std::string_view subject);

/// The same, and throws unless it is https, or on this machine: what is sent there is a secret.
void set_safe_url(IssuerRequest& request, std::string_view url, std::string_view subject);

/// An object in JSON, from outside. Errors name the subject and the member, never a value.
class SecretJson {
 public:
  /// Throws Error `code` if the text is not an object in JSON.
  [[nodiscard]] static SecretJson parse(std::string_view text, std::string subject,
                                        Errc code = Errc::corrupt_data);

  /// A member that is a text; throws if it is absent, empty or something else.
  [[nodiscard]] std::string text(const char* name) const;
  /// The same, "" if it is absent or null.
  [[nodiscard]] std::string optional_text(const char* name) const;
  /// A count of seconds, as a number or as digits in a text; nullopt if absent. Throws unless it is
  /// from 0 to that of the year 9999.
  [[nodiscard]] std::optional<std::chrono::seconds> seconds(const char* name) const;
  /// A member that is an object; nullopt if it is absent.
  [[nodiscard]] std::optional<SecretJson> object(const char* name) const;
  /// All members, each of which must be a text.
  [[nodiscard]] HttpHeaders texts() const;
  [[nodiscard]] const std::string& subject() const noexcept { return subject_; }

 private:
  SecretJson(nlohmann::json value, std::string subject, Errc code);
  [[noreturn]] void refuse(const char* name, std::string_view why) const;

  nlohmann::json value_;
  std::string subject_;
  Errc code_;
};

/// The word that an error's JSON has for it: "error" of OAuth 2.0 (RFC 6749, 5.2), with Azure's
/// number, or "code"; "" if there is none.
[[nodiscard]] std::string error_code_of(std::string_view body);

/// A text file from outside: a token, a key. nullopt if it cannot be read or has over 1 MiB.
[[nodiscard]] std::optional<std::string> read_secret_file(const std::string& path);

}  // namespace cnf::storage
