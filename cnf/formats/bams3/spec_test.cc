// SPDX-License-Identifier: Apache-2.0

// The worked examples of SPEC.md are what the encoder writes, and decode to what the page says.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/formats/bams3/group.h"
#include "cnf/formats/bams3/group_row.h"
#include "cnf/formats/bams3/layout.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/streams.h"
#include "cnf/testing/examples.h"

namespace cnf::bams3 {
namespace {

std::map<std::string, Buffer> examples() {
  return cnf::testing::hex_examples("cnf/formats/bams3/SPEC.md");
}

RecordBatch to_batch(const Buffer& stream) {
  RecordBatch batch;
  ByteReader reader(stream, "SPEC.md");
  while (!reader.at_end()) {
    const ByteSpan body = reader.get_bytes(reader.get<std::uint32_t>());
    RecordView::check(body, "SPEC.md");
    batch.add(RecordView(body));
  }
  return batch;
}

TEST(Spec, TheExamplesAreThere) {
  const auto blocks = examples();
  ASSERT_EQ(blocks.size(), 7U) << "run by ctest, or set CNF_SOURCE_DIR to the repository's root";
}

TEST(Spec, TheExampleGroupIsWhatTheEncoderWrites) {
  const auto blocks = examples();
  const EncodedGroup group =
      encode_group(to_batch(blocks.at("records")), *compress::make_codec({"none", 0}));
  EXPECT_EQ(to_hex(group.core), to_hex(blocks.at("core")));
  EXPECT_EQ(to_hex(group.sections[1]), to_hex(blocks.at("names")));
  EXPECT_EQ(to_hex(group.sections[2]), to_hex(blocks.at("bases")));
  EXPECT_EQ(to_hex(group.sections[3]), to_hex(blocks.at("qualities")));
  EXPECT_EQ(to_hex(group.sections[4]), to_hex(blocks.at("tags")));
}

TEST(Spec, TheExampleGroupDecodesToItsRecords) {
  const auto blocks = examples();
  const SectionBytes sections = {ByteSpan(), blocks.at("names").span(), blocks.at("bases").span(),
                                 blocks.at("qualities").span(), blocks.at("tags").span()};
  GroupDecoder decoder(blocks.at("core"), sections, "SPEC.md");
  Buffer records;
  std::vector<std::int64_t> ends;
  const std::vector<std::uint32_t> both = {0, 1};
  decoder.append_records(both, records, ends);
  EXPECT_EQ(to_hex(records), to_hex(blocks.at("records")));
}

TEST(Spec, TheExampleFooterDecodes) {
  const auto blocks = examples();
  const ChunkFooter footer = ChunkFooter::decode(blocks.at("footer"), "SPEC.md");
  ASSERT_EQ(footer.groups.size(), 1U);
  EXPECT_EQ(footer.groups[0], (ChunkFooter::Group{2, 8, 100, 108, 150, 0xdeadbeef}));
}

TEST(Spec, TheIndexHasTheColumnsThatThePageLists) {
  EXPECT_EQ(GroupRow::kColumns, 50U);
  EXPECT_EQ(GroupRow::kSummedColumns, 36U);
}

}  // namespace
}  // namespace cnf::bams3
