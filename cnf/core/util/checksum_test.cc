// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/util/checksum.h"

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf {
namespace {

using std::string_view_literals::operator""sv;

std::string counting(int first, int step) {
  std::string bytes(32, '\0');
  for (int i = 0; i < 32; ++i)
    bytes[static_cast<std::size_t>(i)] = static_cast<char>(first + step * i);
  return bytes;
}

TEST(Crc32c, VectorsOfRfc3720AppendixB4) {
  EXPECT_EQ(crc32c(as_bytes(std::string(32, '\0'))), 0x8a9136aaU);
  EXPECT_EQ(crc32c(as_bytes(std::string(32, '\xff'))), 0x62a8ab43U);
  EXPECT_EQ(crc32c(as_bytes(counting(0, 1))), 0x46dd794eU);
  EXPECT_EQ(crc32c(as_bytes(counting(31, -1))), 0x113fdb5cU);
  // An iSCSI SCSI Read (10) command PDU.
  constexpr std::string_view kRead10 =
      "\x01\xc0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
      "\x14\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x14\x00\x00\x00\x18"
      "\x28\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00"sv;
  EXPECT_EQ(crc32c(as_bytes(kRead10)), 0xd9963a56U);
}

TEST(Crc32c, CheckValueOfTheCrcCatalogue) {
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283U);
  EXPECT_EQ(crc32c({}), 0U);
  EXPECT_EQ(crc32c({}, 0x12345678U), 0x12345678U);
}

RC_GTEST_PROP(Crc32c, ContinuesFromAnyCut, (const std::string& text)) {
  const auto cut = *rc::gen::inRange<std::size_t>(0, text.size() + 1);
  const ByteSpan bytes = as_bytes(text);
  RC_ASSERT(crc32c(bytes.subspan(cut), crc32c(bytes.first(cut))) == crc32c(bytes));
}

TEST(Crc32c, VerifyNamesTheSubjectAndBothSums) {
  verify_crc32c(as_bytes("123456789"), 0xe3069283U, "s3://b/k");
  try {
    verify_crc32c(as_bytes("123456788"), 0xe3069283U, "s3://b/k@16");
    FAIL() << "a wrong byte was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::corrupt_data);
    EXPECT_EQ(error.subject(), "s3://b/k@16");
    EXPECT_NE(std::string_view(error.what()).find("recorded 0xe3069283"), std::string_view::npos);
  }
}

struct DigestCase {
  std::string_view message, want;
};
// NIST, "Cryptographic Standards and Guidelines: Example Values", SHA-256; the empty one: CAVP.
constexpr DigestCase kSha256Cases[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

TEST(Sha256, PublishedExamples) {
  for (const auto& row : kSha256Cases) {
    EXPECT_EQ(to_hex(sha256(as_bytes(row.message))), row.want) << row.message;
  }
}

TEST(Sha256, InPiecesAsAtOnce) {
  // FIPS 180's long example: a million times "a".
  Sha256 hash;
  const std::string piece(1000, 'a');
  for (int i = 0; i < 1000; ++i) {
    hash.update(as_bytes(piece));
    if (i == 500) hash = Sha256(std::move(hash));
  }
  EXPECT_EQ(to_hex(hash.finish()),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

struct HmacCase {
  std::string_view name;
  std::string key, message;
  std::string_view want;
};

TEST(HmacSha256, VectorsOfRfc4231) {
  const HmacCase cases[] = {
      {"case_1", std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"case_2", "Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {"case_3", std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {"case_6", std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
  };
  for (const auto& row : cases) {
    EXPECT_EQ(to_hex(hmac_sha256(as_bytes(row.key), as_bytes(row.message))), row.want) << row.name;
  }
}

TEST(HmacSha256, OfNothing) {
  // printf '' | openssl dgst -sha256 -mac HMAC -macopt hexkey:00 (a zero-padded empty key is the
  // same)
  EXPECT_EQ(to_hex(hmac_sha256({}, {})),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Md5, TestSuiteOfRfc1321) {
  EXPECT_EQ(to_hex(md5({})), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(to_hex(md5(as_bytes("message digest"))), "f96b697d7cb7938d525a2f31aaf161d0");
}

TEST(Hex, IsLowerCaseAndKeepsZeros) {
  EXPECT_EQ(to_hex(as_bytes("\x00\x0f\xf0\xab"sv)), "000ff0ab");
}

struct Base64Case {
  std::string_view plain, coded;
};
// RFC 4648, section 10; the last uses both of the digits that are no letters.
constexpr Base64Case kBase64Cases[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/"},
};

TEST(Base64, VectorsOfRfc4648) {
  for (const auto& row : kBase64Cases) {
    EXPECT_EQ(to_base64(as_bytes(row.plain)), row.coded);
    EXPECT_EQ(as_text(from_base64(row.coded)), row.plain);
  }
}

RC_GTEST_PROP(Base64, RoundTrip, (const std::vector<std::uint8_t>& bytes)) {
  const Buffer back = from_base64(to_base64(std::as_bytes(std::span(bytes))));
  RC_ASSERT(to_hex(back) == to_hex(std::as_bytes(std::span(bytes))));
}

TEST(Base64, AnythingElseIsRefused) {
  for (const std::string_view text : {"Z", "Zg=", "Zg", "Zg==Zg==", "=g==", "Z===", "====", "Zg =",
                                      "Zm9-", "Zh==", "Zm9=", "Zm\n=", "Z=8="}) {
    try {
      (void)from_base64(text);
      ADD_FAILURE() << text << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::invalid_argument) << text;
    }
  }
}

TEST(RandomId, IsHexadecimalAndNeverTheSame) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(random_id());
  EXPECT_EQ(ids.size(), 1000U);
  EXPECT_EQ(ids.begin()->size(), 16U);
  EXPECT_EQ(ids.begin()->find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(random_id(300).size(), 600U);  // more than the system gives in one call
  EXPECT_EQ(random_id(0), "");
}

}  // namespace
}  // namespace cnf
