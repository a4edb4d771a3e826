// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/header.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"

namespace cnf::bams3 {
namespace {

using std::string_literals::operator""s;

struct OrderCase {
  const char* name;
  std::string text;
  const char* declared;
  std::string after;  // declare_order("coordinate")
};

// Oracle for `after`: the @HD line of `samtools sort --no-PG -O sam` (1.16) of the same header.
// That the line then comes first, and that CRs go, is samtools' rewriting of the header, not ours.
const OrderCase kOrderCases[] = {
    {"empty", "", "", "@HD\tVN:1.6\tSO:coordinate\n"},
    {"no_hd", "@SQ\tSN:a\tLN:9\n", "", "@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:a\tLN:9\n"},
    {"so_replaced", "@HD\tVN:1.4\tSO:unsorted\n", "unsorted", "@HD\tVN:1.4\tSO:coordinate\n"},
    {"so_added", "@HD\tVN:1.4\n", "", "@HD\tVN:1.4\tSO:coordinate\n"},
    {"kept", "@HD\tVN:1.6\tSO:coordinate\n", "coordinate", "@HD\tVN:1.6\tSO:coordinate\n"},
    {"so_before_vn", "@HD\tSO:queryname\tVN:1.4\n", "queryname", "@HD\tSO:coordinate\tVN:1.4\n"},
    {"go_and_ss_go", "@HD\tVN:1.6\tGO:query\tSO:queryname\tSS:queryname:natural\tXX:1\n",
     "queryname", "@HD\tVN:1.6\tSO:coordinate\tXX:1\n"},
    {"no_newline", "@HD\tVN:1.4", "", "@HD\tVN:1.4\tSO:coordinate"},
    {"crlf_stays", "@HD\tVN:1.4\tSO:unknown\r\n@CO\tx\r\n", "unknown",
     "@HD\tVN:1.4\tSO:coordinate\r\n@CO\tx\r\n"},
    {"hd_is_not_first", "@CO\tx\n@HD\tVN:1.4\tSO:unsorted\n", "unsorted",
     "@CO\tx\n@HD\tVN:1.4\tSO:coordinate\n"},
    {"so_elsewhere_is_no_order", "@CO\tSO:coordinate\n@PG\tID:x\tSO:queryname\n", "",
     "@HD\tVN:1.6\tSO:coordinate\n@CO\tSO:coordinate\n@PG\tID:x\tSO:queryname\n"},
    {"so_after_a_nul_does_not_count", "@CO\tx\n\0@HD\tSO:unsorted\n"s, "",
     "@HD\tVN:1.6\tSO:coordinate\n@CO\tx\n\0@HD\tSO:unsorted\n"s},
};

TEST(Header, OrderIsReadFromAndWrittenToTheHdLineAlone) {
  for (const OrderCase& row : kOrderCases) {
    Header header{.text = row.text, .references = {}};
    EXPECT_EQ(header.declared_order(), row.declared) << row.name;
    header.declare_order("coordinate");
    EXPECT_EQ(header.text, row.after) << row.name;
    EXPECT_EQ(header.declared_order(), "coordinate") << row.name;
  }
}

TEST(Header, BamFormHasTheSpecificationsFields) {
  const Header header{.text = "@CO\tx", .references = {{"chr1", 7}, {"*:/", 0xffffffffU}}};
  Buffer want;
  ByteWriter out(want);
  out.put_bytes(as_bytes(std::string_view("BAM\1", 4)));   // magic
  out.put(std::uint32_t{5});                               // l_text
  out.put_bytes(as_bytes("@CO\tx"));                       // text
  out.put(std::uint32_t{2});                               // n_ref
  out.put(std::uint32_t{5});                               // l_name
  out.put_bytes(as_bytes(std::string_view("chr1\0", 5)));  // name
  out.put(std::uint32_t{7});                               // l_ref
  out.put(std::uint32_t{4});                               // l_name
  out.put_bytes(as_bytes(std::string_view("*:/\0", 4)));   // name
  out.put(std::uint32_t{0xffffffff});                      // l_ref
  EXPECT_EQ(as_text(header.to_bam()), as_text(want));
}

const Header kHeaders[] = {
    {.text = "", .references = {}},
    {.text = "@HD\tVN:1.6\r\n\0\0no newline"s, .references = {}},
    {.text = "", .references = {{"a", 0}, {"HLA-A*01:01/x", 0xffffffffU}}},
    {.text = std::string(100'000, 'x'), .references = {{std::string(70'000, 'y'), 1}}},
};

TEST(Header, EncodedFormGivesTheHeaderBack) {
  for (const Header& header : kHeaders) {
    const Buffer encoded = header.encode();
    EXPECT_EQ(Header::decode(encoded, "test"), header);
  }
}

Errc code_of_decode(ByteSpan encoded) {
  try {
    (void)Header::decode(encoded, "s3://b/header");
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("s3://b/header"));
    return error.code();
  }
  ADD_FAILURE() << "accepted";
  return Errc::internal;
}

TEST(Header, ATextThatZstdShrinksBeyondBeliefIsStored) {
  const Header header{.text = std::string(std::size_t{24} << 20, 'x'), .references = {}};
  const Buffer encoded = header.encode();
  EXPECT_GT(encoded.size(), header.text.size());
  EXPECT_TRUE(Header::decode(encoded, "test") == header);
}

TEST(Header, RepeatedLinesAreCompressed) {
  Header header;
  for (int i = 0; i < 1000; ++i) header.text += "@SQ\tSN:chr" + std::to_string(i) + "\tLN:1000\n";
  EXPECT_LT(header.encode().size(), header.text.size() / 4);
}

TEST(Header, DecodeRefusesEveryTruncation) {
  const Buffer encoded = kHeaders[2].encode();
  for (std::size_t size = 0; size < encoded.size(); ++size) {
    EXPECT_EQ(code_of_decode(encoded.span().first(size)), Errc::corrupt_data) << size;
  }
}

TEST(Header, DecodeRefusesClaimsThatItsBytesDoNotBear) {
  const auto encoded_as = [](auto&& write) {
    Buffer payload;
    ByteWriter inner(payload);
    write(inner);
    Buffer encoded;
    ByteWriter out(encoded);
    out.put(std::uint8_t{0});
    out.put_varint(payload.size());
    out.put_bytes(payload);
    return encoded;
  };
  const Buffer many = encoded_as([](ByteWriter& out) {
    out.put_string("");
    out.put_varint(std::uint64_t{1} << 40);  // references
  });
  EXPECT_EQ(code_of_decode(many), Errc::corrupt_data);
  const Buffer long_reference = encoded_as([](ByteWriter& out) {
    out.put_string("");
    out.put_varint(1);
    out.put_string("a");
    out.put_varint(std::uint64_t{1} << 32);
  });
  EXPECT_EQ(code_of_decode(long_reference), Errc::corrupt_data);
  const Buffer nul_in_name = encoded_as([](ByteWriter& out) {
    out.put_string("");
    out.put_varint(1);
    out.put_string(std::string_view("a\0b", 3));
    out.put_varint(1);
  });
  EXPECT_EQ(code_of_decode(nul_in_name), Errc::corrupt_data);
  const Buffer trailing = encoded_as([](ByteWriter& out) {
    out.put_string("");
    out.put_varint(0);
    out.put(std::uint8_t{0});
  });
  EXPECT_EQ(code_of_decode(trailing), Errc::corrupt_data);
}

TEST(Header, DecodeAllocatesNothingOnAClaim) {
  Buffer encoded;
  ByteWriter out(encoded);
  out.put(std::uint8_t{2});  // zstd
  out.put_varint(std::uint64_t{1} << 50);
  out.put_bytes(as_bytes("not a frame"));
  EXPECT_EQ(code_of_decode(encoded), Errc::corrupt_data);
}

TEST(ReferenceNames, FindsTheFirstOfEqualNames) {
  const hts::SequenceNames names =
      reference_names(Header{.text = "", .references = {{"a", 1}, {"b", 2}, {"a", 3}}});
  EXPECT_EQ(names.find("a"), 0U);
  EXPECT_EQ(names.find("b"), 1U);
  EXPECT_EQ(names.find("c"), std::nullopt);
}

}  // namespace
}  // namespace cnf::bams3
