// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "cnf/core/storage/credentials/jwt_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

struct BioDeleter {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
struct DigestDeleter {
  void operator()(EVP_MD_CTX* digest) const noexcept { EVP_MD_CTX_free(digest); }
};

// A key with a passphrase would else be asked for on the terminal.
int no_passphrase(char* /*into*/, int /*size*/, int /*is_writing*/, void* /*user*/) { return -1; }

std::string base64url(ByteSpan bytes) {
  auto out = to_base64(bytes);
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  while (out.ends_with('=')) out.pop_back();
  return out;
}

}  // namespace

RsaKey::RsaKey(std::string_view pem, std::string_view subject) {
  constexpr std::size_t kLongest = std::size_t{64} << 10;
  const std::unique_ptr<BIO, BioDeleter> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(std::min(pem.size(), kLongest))));
  EVP_PKEY* const key =
      bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_passphrase, nullptr) : nullptr;
  ERR_clear_error();
  if (key != nullptr) key_ = std::shared_ptr<EVP_PKEY>(key, &EVP_PKEY_free);
  if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
    throw Error(Errc::invalid_argument, "read", subject, "its private key is not an RSA key in PEM",
                "make a new key");
  }
}

std::string RsaKey::sign_jwt(std::string_view header, std::string_view claims) const {
  auto text = base64url(as_bytes(header)) + "." + base64url(as_bytes(claims));
  const std::unique_ptr<EVP_MD_CTX, DigestDeleter> digest(EVP_MD_CTX_new());
  const auto* const data = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  bool good = digest != nullptr &&
              EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr,
                                 static_cast<EVP_PKEY*>(key_.get())) == 1 &&
              EVP_DigestSign(digest.get(), nullptr, &size, data, text.size()) == 1;
  std::vector<unsigned char> signature(size);
  good = good && EVP_DigestSign(digest.get(), signature.data(), &size, data, text.size()) == 1;
  ERR_clear_error();
  if (!good) throw Error(Errc::internal, "sign", "a JSON Web Token", "libcrypto refused");
  signature.resize(size);
  return text + "." + base64url(std::as_bytes(std::span(signature)));
}

}  // namespace cnf::storage
