// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cnf/core/util/buffer.h"

namespace cnf {

/// CRC32C (Castagnoli, RFC 3720 B.4) of `bytes`; `seed` is the CRC of the bytes before them.
[[nodiscard]] std::uint32_t crc32c(ByteSpan bytes, std::uint32_t seed = 0) noexcept;

/// Throws Error corrupt_data, naming `subject` and both sums, if `bytes` do not have this CRC32C.
void verify_crc32c(ByteSpan bytes, std::uint32_t expected, std::string_view subject);

using Sha256Digest = std::array<std::byte, 32>;

/// SHA-256 over bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(ByteSpan bytes);
  /// The digest of all bytes so far; the object is done after it.
  [[nodiscard]] Sha256Digest finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

[[nodiscard]] Sha256Digest sha256(ByteSpan bytes);
[[nodiscard]] Sha256Digest hmac_sha256(ByteSpan key, ByteSpan message);

/// MD5 (RFC 1321), for protocols that ask for it; it protects from accidents, not from people.
[[nodiscard]] std::array<std::byte, 16> md5(ByteSpan bytes);

/// Lower-case hexadecimal.
[[nodiscard]] std::string to_hex(ByteSpan bytes);
[[nodiscard]] std::string to_base64(ByteSpan bytes);
/// Throws Error invalid_argument on anything but padded base64.
[[nodiscard]] Buffer from_base64(std::string_view text);

/// `bytes` random bytes as hexadecimal, from the operating system; unique enough to name a commit.
[[nodiscard]] std::string random_id(std::size_t bytes = 8);

}  // namespace cnf
