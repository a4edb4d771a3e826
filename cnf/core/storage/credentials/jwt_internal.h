// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace cnf::storage {

/// A private RSA key. Threads: sign_jwt() may be called concurrently.
class RsaKey {
 public:
  /// Reads PEM (PKCS #8 or PKCS #1). Throws Error invalid_argument, naming `subject` and nothing
  /// of the key, if it is none.
  RsaKey(std::string_view pem, std::string_view subject);

  /// A JSON Web Token over both texts, which are JSON, signed by RS256 (RFC 7515, RFC 7518 3.3).
  [[nodiscard]] std::string sign_jwt(std::string_view header, std::string_view claims) const;

 private:
  std::shared_ptr<void> key_;
};

}  // namespace cnf::storage
