// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/metadata/seal.h"

#include <cstddef>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

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

const nlohmann::json kManifest = nlohmann::json::parse(
    R"({"format": "CryoEM", "custom": {"mean": 1.0, "rms": 0.1, "large": 1e300, "list": [2.0, 3]}})");

TEST(Seal, OfFieldsStandsAmongThem) {
  const nlohmann::json sealed = seal_fields(kManifest);
  EXPECT_EQ(sealed.size(), kManifest.size() + 1);
  // The canonical text, and its CRC32C by google-crc32c 1.7.
  EXPECT_EQ(sealed[kSealField], "8288488f");
  EXPECT_EQ(check_sealed_fields(sealed, "manifest"), kManifest);
}

TEST(Seal, OfFieldsHoldsHoweverTheyAreWritten) {
  const std::string want = seal_fields(kManifest)[kSealField];
  const std::string texts[] = {R"({"crc32c": ")" + want + R"(", "format": "CryoEM",
          "custom": {"list": [2, 3.0], "mean": 1, "rms": 1e-1, "large": 1.0e+300}})",
                               R"({"custom":{"large":1e+300,"list":[2,3],"mean":1.000,"rms":0.10},)"
                               R"("format":"\u0043ryoEM","crc32c":")" +
                                   want + "\"}"};
  for (const std::string& text : texts) {
    EXPECT_NO_THROW((void)check_sealed_fields(nlohmann::json::parse(text), "manifest")) << text;
  }
}

TEST(Seal, OfFieldsFindsWhatWasChanged) {
  nlohmann::json sealed = seal_fields(kManifest);
  const auto refused = [](const nlohmann::json& text) {
    EXPECT_THROW((void)check_sealed_fields(text, "manifest"), Error) << text;
  };
  refused(kManifest);
  refused(nlohmann::json::array());
  refused(nlohmann::json());
  sealed["custom"]["rms"] = 0.2;
  refused(sealed);
  sealed = seal_fields(kManifest);
  sealed["added"] = nullptr;
  refused(sealed);
  sealed = seal_fields(kManifest);
  sealed[kSealField] = 5;
  refused(sealed);
}

}  // namespace
}  // namespace cnf::metadata
