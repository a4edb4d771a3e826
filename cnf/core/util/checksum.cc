// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/util/checksum.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/core.h>
#include <isa-l/crc.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <unistd.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf {
namespace {

// OpenSSL fails here only when it cannot allocate or has been stripped of the algorithm.
void expect_openssl(bool ok, std::string_view doing) {
  if (!ok)
    throw Error(Errc::internal, doing, "", "OpenSSL refused; is its default provider loaded?");
}

// Never null: OpenSSL's HMAC takes a null pointer for a missing argument, even with no bytes.
const unsigned char* as_uchar(ByteSpan bytes) {
  static constexpr unsigned char kNothing = 0;
  return bytes.empty() ? &kNothing : reinterpret_cast<const unsigned char*>(bytes.data());
}

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// The six bits of one base64 digit; the text is not quoted in errors, for it may be a key.
std::uint32_t base64_digit(char c) {
  const std::size_t digit = kBase64.find(c);
  if (digit == std::string_view::npos) {
    throw Error(Errc::invalid_argument, "decode", "base64",
                "a character that is not of its alphabet");
  }
  return static_cast<std::uint32_t>(digit);
}

}  // namespace

std::uint32_t crc32c(ByteSpan bytes, std::uint32_t seed) noexcept {
  // ISA-L computes the bare remainder: RFC 3720 inverts what goes in and what comes out.
  std::uint32_t remainder = ~seed;
  while (!bytes.empty()) {
    const ByteSpan piece = bytes.first(std::min<std::size_t>(bytes.size(), INT_MAX));
    // The parameter is not const in ISA-L 2.30; the bytes are only read.
    auto* data = const_cast<unsigned char*>(as_uchar(piece));
    remainder = crc32_iscsi(data, static_cast<int>(piece.size()), remainder);
    bytes = bytes.subspan(piece.size());
  }
  return ~remainder;
}

void verify_crc32c(ByteSpan bytes, std::uint32_t expected, std::string_view subject) {
  const std::uint32_t found = crc32c(bytes);
  if (found == expected) return;
  throw Error(Errc::corrupt_data, "verify", subject,
              fmt::format("crc32c 0x{:08x}, recorded 0x{:08x}", found, expected),
              "fetch or write the object again");
}

struct Sha256::Impl {
  struct Free {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {
  expect_openssl(
      impl_->context && EVP_DigestInit_ex(impl_->context.get(), EVP_sha256(), nullptr) == 1,
      "start SHA-256");
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(ByteSpan bytes) {
  expect_openssl(EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size()) == 1,
                 "compute SHA-256");
}

Sha256Digest Sha256::finish() {
  Sha256Digest digest;
  expect_openssl(EVP_DigestFinal_ex(impl_->context.get(),
                                    reinterpret_cast<unsigned char*>(digest.data()), nullptr) == 1,
                 "finish SHA-256");
  return digest;
}

Sha256Digest sha256(ByteSpan bytes) {
  Sha256Digest digest;
  expect_openssl(
      EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()),
                 nullptr, EVP_sha256(), nullptr) == 1,
      "compute SHA-256");
  return digest;
}

Sha256Digest hmac_sha256(ByteSpan key, ByteSpan message) {
  if (key.size() > INT_MAX) {
    throw Error(Errc::invalid_argument, "compute HMAC-SHA256", "", "the key is longer than 2 GiB");
  }
  Sha256Digest digest;
  expect_openssl(
      HMAC(EVP_sha256(), as_uchar(key), static_cast<int>(key.size()), as_uchar(message),
           message.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr) != nullptr,
      "compute HMAC-SHA256");
  return digest;
}

std::array<std::byte, 16> md5(ByteSpan bytes) {
  std::array<std::byte, 16> digest{};
  expect_openssl(
      EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()),
                 nullptr, EVP_md5(), nullptr) == 1,
      "compute MD5");
  return digest;
}

std::string to_hex(ByteSpan bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    text.push_back(kDigits[std::to_integer<std::size_t>(byte >> 4)]);
    text.push_back(kDigits[std::to_integer<std::size_t>(byte & std::byte{0xf})]);
  }
  return text;
}

std::string to_base64(ByteSpan bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (; !bytes.empty(); bytes = bytes.subspan(std::min<std::size_t>(bytes.size(), 3))) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8U | (i < bytes.size() ? std::to_integer<std::uint32_t>(bytes[i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text.push_back(i <= bytes.size() ? kBase64[group >> (18 - 6 * i) & 0x3fU] : '=');
    }
  }
  return text;
}

Buffer from_base64(std::string_view text) {
  if (text.size() % 4 != 0) {
    throw Error(Errc::invalid_argument, "decode", "base64", "its length is not a multiple of four");
  }
  Buffer bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (; !text.empty(); text.remove_prefix(4)) {
    const bool last = text.size() == 4;
    const std::size_t padding = !last || text[3] != '=' ? 0 : text[2] != '=' ? 1 : 2;
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      group = group << 6U | (i + padding < 4 ? base64_digit(text[i]) : 0U);
    }
    if ((group & ((1U << (8 * padding)) - 1)) != 0) {
      throw Error(Errc::invalid_argument, "decode", "base64", "bits are set behind its last byte");
    }
    for (std::size_t i = 0; i + padding < 3; ++i) {
      bytes.extend(1)[0] = static_cast<std::byte>(group >> (16 - 8 * i) & 0xffU);
    }
  }
  return bytes;
}

std::string random_id(std::size_t bytes) {
  constexpr std::size_t kMostPerCall = 256;  // getentropy(3)
  Buffer random(bytes);
  for (std::size_t done = 0; done < bytes; done += kMostPerCall) {
    const MutableByteSpan piece = random.span().subspan(done, std::min(bytes - done, kMostPerCall));
    if (getentropy(piece.data(), piece.size()) != 0) {
      throw Error(Errc::internal, "read random bytes from", "the operating system",
                  std::generic_category().message(errno));
    }
  }
  return to_hex(random);
}

}  // namespace cnf
