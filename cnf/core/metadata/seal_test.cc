// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/metadata/seal.h"

#include <cstddef>
#include <string>

#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::metadata {
namespace {

constexpr const char* kText = "{\n  \"format\": \"BAMS3\"\n}\n";

TEST(Seal, IsTheLastField) {
  const std::string sealed = seal(kText);
  EXPECT_TRUE(sealed.starts_with("{\n  \"format\": \"BAMS3\",\n  \"crc32c\": \"")) << sealed;
  EXPECT_TRUE(sealed.ends_with("\"\n}\n")) << sealed;
  EXPECT_NO_THROW(check_seal(as_bytes(sealed), "manifest"));
}

TEST(Seal, FindsEveryFlippedBit) {
  std::string sealed = seal(kText);
  for (std::size_t i = 0; i < sealed.size() * 8; ++i) {
    sealed[i / 8] = static_cast<char>(sealed[i / 8] ^ (1 << (i % 8)));
    EXPECT_THROW(check_seal(as_bytes(sealed), "manifest"), Error) << i;
    sealed[i / 8] = static_cast<char>(sealed[i / 8] ^ (1 << (i % 8)));
  }
}

TEST(Seal, MissesNoTruncation) {
  const std::string sealed = seal(kText);
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_THROW(check_seal(as_bytes(std::string_view(sealed).substr(0, size)), "manifest"), Error);
  }
}

}  // namespace
}  // namespace cnf::metadata
