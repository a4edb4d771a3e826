// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/group.h"

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/core_columns.h"
#include "cnf/formats/bams3/group_row.h"
#include "cnf/formats/bams3/random_records_internal.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/streams.h"

namespace cnf::bams3 {
namespace {

std::vector<std::uint32_t> all_rows(std::size_t count) {
  std::vector<std::uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

SectionBytes sections_of(const EncodedGroup& group) {
  static constexpr std::byte kNothing{};
  SectionBytes sections{};
  for (std::size_t i = 1; i < kSections; ++i) {
    sections[i] = group.sections[i].empty() ? ByteSpan(&kNothing, 0) : group.sections[i].span();
  }
  return sections;
}

Buffer decode(const EncodedGroup& group, std::span<const std::uint32_t> rows,
              std::vector<std::int64_t>& ends) {
  GroupDecoder decoder(group.core, sections_of(group), "group");
  Buffer out;
  decoder.append_records(rows, out, ends);
  return out;
}

EncodedGroup encode(const RecordBatch& batch) {
  return encode_group(batch, *compress::make_codec({.algorithm = "zstd", .level = 3}));
}

TEST(Group, GivesBackEveryRecordToTheByte) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    const RecordBatch batch = testing::RandomRecords(seed).batch(1 + seed * 3, 4);
    std::vector<std::int64_t> ends;
    const Buffer decoded = decode(encode(batch), all_rows(batch.size()), ends);
    ASSERT_EQ(as_text(decoded), as_text(batch.span()));
    ASSERT_EQ(ends.size(), batch.size());
  }
}

TEST(Group, GivesASelectionOfItsRecords) {
  const RecordBatch batch = testing::RandomRecords(5).batch(300, 3);
  const EncodedGroup group = encode(batch);
  std::vector<std::uint32_t> rows;
  Buffer expected;
  for (std::uint32_t i = 0; i < batch.size(); i += 1 + i % 7) {
    rows.push_back(i);
    ByteWriter(expected).put(static_cast<std::uint32_t>(batch[i].body().size()));
    expected.append(batch[i].body());
  }
  std::vector<std::int64_t> ends;
  EXPECT_EQ(as_text(decode(group, rows, ends)), as_text(expected));
}

TEST(Group, CoreStreamsAloneTellPositionsAndEnds) {
  const RecordBatch batch = testing::RandomRecords(9).batch(500, 3);
  const EncodedGroup group = encode(batch);
  GroupDecoder decoder(group.core, {}, "group");
  const CoreColumns& core = decoder.core();
  ASSERT_EQ(core.size(), batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    EXPECT_EQ(core.ref[i], batch[i].ref());
    EXPECT_EQ(core.pos[i], batch[i].pos());
    EXPECT_EQ(core.flag[i], batch[i].flag());
    EXPECT_EQ(core.mapq[i], batch[i].mapq());
    EXPECT_EQ(core.end(i), batch[i].end());
  }
}

TEST(Group, ItsSummaryIsWhatItsDecoderRecomputes) {
  const EncodedGroup group = encode(testing::RandomRecords(3).batch(400, 5));
  const GroupSummary again = GroupDecoder(group.core, {}, "group").summary();
  const auto rows = rows_of(group.summary, 7, true);
  const auto rows_again = rows_of(again, 7, true);
  ASSERT_EQ(rows.size(), rows_again.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    EXPECT_EQ(rows[i].columns(), rows_again[i].columns());
}

TEST(Group, RowsSurviveTheirColumns) {
  const EncodedGroup group = encode(testing::RandomRecords(4).batch(100, 2));
  for (const GroupRow& row : rows_of(group.summary, 3, true)) {
    EXPECT_EQ(GroupRow::from(row.key, row.columns(), "index").columns(), row.columns());
  }
}

// A flipped bit in the B part is found by its stream's checksum; one in the A part is the index's
// to find, and must not do harm here: an error, or an answer, but never a crash.
TEST(Group, RefusesEveryFlippedByteOfTheBody) {
  EncodedGroup group = encode(testing::RandomRecords(6).batch(60, 2));
  for (std::size_t section = 1; section < kSections; ++section) {
    for (std::size_t at = 0; at < group.sections[section].size(); ++at) {
      group.sections[section].data()[at] ^= std::byte{0x10};
      std::vector<std::int64_t> ends;
      EXPECT_THROW(static_cast<void>(decode(group, all_rows(60), ends)), Error)
          << section << "@" << at;
      group.sections[section].data()[at] ^= std::byte{0x10};
    }
  }
}

TEST(Group, SurvivesEveryFlippedByteOfTheCore) {
  EncodedGroup group = encode(testing::RandomRecords(6).batch(60, 2));
  std::size_t refused = 0;
  for (std::size_t at = 0; at < group.core.size(); ++at) {
    for (const std::byte bit : {std::byte{0x01}, std::byte{0x80}}) {
      group.core.data()[at] ^= bit;
      try {
        std::vector<std::int64_t> ends;
        static_cast<void>(decode(group, all_rows(60), ends));
      } catch (const Error&) {
        ++refused;
      }
      group.core.data()[at] ^= bit;
    }
  }
  EXPECT_GT(refused,
            group.core.size());  // most of all flips: few fields have no check of their own
}

TEST(Group, RefusesATruncatedCore) {
  const EncodedGroup group = encode(testing::RandomRecords(8).batch(50, 2));
  for (std::size_t size = 0; size < group.core.size(); ++size) {
    EXPECT_THROW(static_cast<void>(GroupDecoder(group.core.span().first(size), {}, "group").core()),
                 Error)
        << size;
  }
}

// A record "r" of two bases, AC.
Buffer short_record(std::int32_t pos, std::span<const std::uint32_t> cigar,
                    std::string_view tags = {}) {
  Buffer body;
  ByteWriter out(body);
  out.put(std::int32_t{0});
  out.put(pos);
  out.put(std::uint8_t{2});
  out.put(std::uint8_t{60});
  out.put(std::uint16_t{4681});
  out.put(static_cast<std::uint16_t>(cigar.size()));
  out.put(std::uint16_t{0});
  out.put(std::uint32_t{2});
  out.put(std::int32_t{-1});
  out.put(std::int32_t{-1});
  out.put(std::int32_t{0});
  out.put_bytes(as_bytes(std::string_view("r\0", 2)));
  for (const std::uint32_t element : cigar) out.put(element);
  out.put(std::uint8_t{0x12});
  out.put(std::uint16_t{0x2020});
  out.put_bytes(as_bytes(tags));
  RecordView::check(body, "short record");
  return body;
}

constexpr std::uint32_t kOneMatch = 1U << 4U;

TEST(Group, GivesRecordsThatReachFarARowOfTheirOwn) {
  RecordBatch batch;
  for (std::int32_t pos = 1000; pos < 2000; pos += 10) {
    const std::uint32_t skip = pos == 1500 ? 1'000'000 : 5;
    const std::uint32_t cigar[] = {kOneMatch, skip << 4U | 3U, kOneMatch};
    batch.add(RecordView(short_record(pos, cigar)));
  }
  const GroupSummary summary = encode(batch).summary;
  ASSERT_EQ(summary.spans.size(), 1U);
  EXPECT_EQ(summary.spans[0].end, 1990 + 7);
  const std::vector<std::pair<std::int64_t, std::int64_t>> expected = {{1500, 1500 + 1'000'002}};
  EXPECT_EQ(summary.spans[0].long_records, expected);
}

// Deletions cost a BAM four bytes whatever their length: neither they nor an MD that does not spell
// them may make a group larger than a reader believes.
TEST(Group, StaysSmallWhereDeletionsAreLong) {
  std::vector<std::uint32_t> cigar(500, 60'000U << 4U | 2U);
  cigar.front() = cigar.back() = kOneMatch;
  for (const std::string_view tags : {std::string_view(), std::string_view("MDZ1^A\0", 7)}) {
    RecordBatch batch;
    batch.add(RecordView(short_record(0, cigar, tags)));
    const EncodedGroup group = encode(batch);
    EXPECT_LT(group.core.size() + group.sections[2].size(), batch.bytes());
    std::vector<std::int64_t> ends;
    EXPECT_EQ(as_text(decode(group, all_rows(1), ends)), as_text(batch.span()));
  }
}

}  // namespace
}  // namespace cnf::bams3
