// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/record.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <htslib/hts.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"

namespace cnf::bams3 {
namespace {

// The fields of a record as SAMv1, section 4.2 names them.
struct Fields {
  std::int32_t ref_id = 0, pos = 100;
  std::uint8_t mapq = 60;
  std::uint16_t bin = 4681, flag = 0;
  std::int32_t next_ref_id = -1, next_pos = -1, tlen = 0;
  std::string read_name = std::string("r1\0", 3);
  std::vector<std::uint32_t> cigar = {4U << 4U};  // 4M
  std::uint32_t l_seq = 4;
  std::string seq = "\x12\x48", qual = "\x1e\x1e\x1e\x1e", tags = {};
};

Buffer bytes_of(const Fields& fields) {
  Buffer body;
  ByteWriter out(body);
  out.put(fields.ref_id);
  out.put(fields.pos);
  out.put(static_cast<std::uint8_t>(fields.read_name.size()));  // l_read_name
  out.put(fields.mapq);
  out.put(fields.bin);
  out.put(static_cast<std::uint16_t>(fields.cigar.size()));  // n_cigar_op
  out.put(fields.flag);
  out.put(fields.l_seq);
  out.put(fields.next_ref_id);
  out.put(fields.next_pos);
  out.put(fields.tlen);
  out.put_bytes(as_bytes(fields.read_name));
  for (const std::uint32_t element : fields.cigar) out.put(element);
  out.put_bytes(as_bytes(fields.seq));
  out.put_bytes(as_bytes(fields.qual));
  out.put_bytes(as_bytes(fields.tags));
  return body;
}

template <typename T>
std::string packed(std::vector<T> values) {
  return std::string(as_text(std::as_bytes(std::span(values))));
}

// A CG tag with these elements.
std::string cg_tag(char subtype, const std::vector<std::uint32_t>& elements) {
  return std::string("CGB") + subtype +
         packed<std::uint32_t>({static_cast<std::uint32_t>(elements.size())}) + packed(elements);
}

constexpr std::uint32_t element(std::uint32_t length, CigarOp op) {
  return length << 4U | static_cast<std::uint32_t>(op);
}

struct CheckCase {
  const char* name;
  std::function<void(Fields&)> change;
  const char* refused;  // part of the message; null: accepted
};

// Oracle: `samtools view` (1.16) of a BAM that holds the record.
const CheckCase kCheckCases[] = {
    {"whole", [](Fields&) {}, nullptr},
    {"no_cigar_no_seq",
     [](Fields& f) {
       f.cigar = {};
       f.l_seq = 0;
       f.seq = f.qual = "";
     },
     nullptr},
    {"name_of_nul_only", [](Fields& f) { f.read_name = std::string("\0", 1); }, nullptr},
    {"name_without_nul", [](Fields& f) { f.read_name = "r1"; }, nullptr},
    {"name_with_nuls", [](Fields& f) { f.read_name = std::string("r1\0\0", 4); }, nullptr},
    {"no_name", [](Fields& f) { f.read_name = ""; }, "l_read_name"},
    {"ref_-1", [](Fields& f) { f.ref_id = -1; }, nullptr},
    {"ref_-2", [](Fields& f) { f.ref_id = -2; }, "refID"},
    {"next_ref_-2", [](Fields& f) { f.next_ref_id = -2; }, "refID"},
    {"pos_-5", [](Fields& f) { f.pos = -5; }, nullptr},
    {"l_seq_negative", [](Fields& f) { f.l_seq = 0x80000000U; }, "l_seq"},
    {"l_seq_past_the_end", [](Fields& f) { f.l_seq = 400; }, "longer than the record"},
    {"qual_cut", [](Fields& f) { f.qual = "\x1e"; }, "longer than the record"},
    {"cigar_and_seq_differ", [](Fields& f) { f.cigar = {5U << 4U}; }, "different lengths"},
    {"cigar_and_seq_differ_unmapped",
     [](Fields& f) {
       f.cigar = {5U << 4U};
       f.flag = flag::kUnmapped;
     },
     nullptr},
    {"cigar_op_15", [](Fields& f) { f.cigar.push_back(1U << 4U | 15U); }, nullptr},
    {"tags_of_every_type",
     [](Fields& f) {
       f.tags = "AAA!" +
                std::string("ACc\1BCC\2CSs\1\2DSS\1\2EIi\1\2\3\4FII\1\2\3\4GFf\1\2\3\4", 39) +
                std::string("HDd\1\2\3\4\5\6\7\10IZZ\0JHHA1\0", 21);
       for (const char* subtype : {"c", "C"})
         f.tags += "KBB" + (subtype + packed<std::uint32_t>({1})) + "x";
       for (const char* subtype : {"s", "S"})
         f.tags += "KBB" + (subtype + packed<std::uint32_t>({1})) + "xy";
       for (const char* subtype : {"i", "I", "f"}) {
         f.tags += "KBB" + (subtype + packed<std::uint32_t>({1})) + "wxyz";
       }
       f.tags += "KBBc" + packed<std::uint32_t>({0});
     },
     nullptr},
    {"one_byte_left", [](Fields& f) { f.tags = "X"; }, nullptr},
    {"three_bytes_left", [](Fields& f) { f.tags = "XXC"; }, nullptr},
    {"tag_of_unknown_type", [](Fields& f) { f.tags = "XXx1234"; }, "unknown type"},
    {"tag_s_cut", [](Fields& f) { f.tags = "XXs1"; }, "past the end"},
    {"tag_i_cut", [](Fields& f) { f.tags = "XXi123"; }, "past the end"},
    {"tag_f_cut", [](Fields& f) { f.tags = "XXf123"; }, "past the end"},
    {"tag_d_cut", [](Fields& f) { f.tags = "XXd1234567"; }, "past the end"},
    {"tag_z_without_nul", [](Fields& f) { f.tags = "XXZabc"; }, "NUL"},
    {"tag_h_without_nul", [](Fields& f) { f.tags = "XXHabc"; }, "NUL"},
    {"array_without_count", [](Fields& f) { f.tags = "XXBc\1"; }, "past the end"},
    {"array_of_unknown_type", [](Fields& f) { f.tags = "XXBA" + packed<std::uint32_t>({0}); },
     "array"},
    {"array_cut", [](Fields& f) { f.tags = "XXBs" + packed<std::uint32_t>({2}) + "123"; },
     "past the end"},
    {"array_of_2^32-1", [](Fields& f) { f.tags = "XXBI" + packed<std::uint32_t>({~0U}) + "1234"; },
     "past the end"},
    {"cg_tag_fits_seq",
     [](Fields& f) {
       f.cigar = {element(4, CigarOp::soft_clip), element(9, CigarOp::skip)};
       f.tags = cg_tag('I', {element(2, CigarOp::match), element(5, CigarOp::deletion),
                             element(2, CigarOp::match)});
     },
     nullptr},
    {"cg_tag_does_not_fit_seq",
     [](Fields& f) {
       f.cigar = {element(4, CigarOp::soft_clip), element(9, CigarOp::skip)};
       f.tags = cg_tag('I', {element(2, CigarOp::match), element(5, CigarOp::deletion)});
     },
     "different lengths"},
};

TEST(Record, CheckAcceptsWhatSamtoolsAccepts) {
  for (const CheckCase& row : kCheckCases) {
    Fields fields;
    row.change(fields);
    const Buffer body = bytes_of(fields);
    std::string message;
    try {
      RecordView::check(body, "x.bam, record 7");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::corrupt_data) << row.name;
      EXPECT_THAT(error.what(), testing::HasSubstr("x.bam, record 7")) << row.name;
      message = error.what();
    }
    if (row.refused == nullptr) {
      EXPECT_EQ(message, "") << row.name;
    } else {
      EXPECT_THAT(message, testing::HasSubstr(row.refused)) << row.name;
    }
  }
}

TEST(Record, CheckRefusesEveryTruncationOrLeavesATail) {
  Fields fields;
  fields.tags = "NMi\1\2\3\4" + std::string("RGZx\0", 5);
  const Buffer body = bytes_of(fields);
  const std::size_t tags = body.size() - fields.tags.size();
  for (std::size_t size = 0; size < body.size(); ++size) {
    // What is left of a tag while it has fewer than four bytes is no tag, and passes.
    const bool passes = (size >= tags && size < tags + 4) || (size >= tags + 7 && size < tags + 11);
    const auto check = [&] { RecordView::check(body.span().first(size), "test"); };
    if (passes) {
      EXPECT_NO_THROW(check()) << size;
    } else {
      EXPECT_THROW(check(), Error) << size;
    }
  }
}

TEST(Record, AccessorsReadTheSpecificationsFields) {
  Fields fields{
      .ref_id = 1, .pos = 2, .mapq = 3, .bin = 4, .flag = 5, .next_ref_id = 6, .next_pos = 7};
  fields.tlen = -8;
  fields.l_seq = 3;
  fields.qual = "\x1\x2\x3";
  fields.tags = "XXA!";
  const Buffer body = bytes_of(fields);
  const RecordView record(body);
  EXPECT_EQ(record.ref(), 1);
  EXPECT_EQ(record.pos(), 2);
  EXPECT_EQ(record.mapq(), 3);
  EXPECT_EQ(record.bin(), 4);
  EXPECT_EQ(record.flag(), 5);
  EXPECT_EQ(record.next_ref(), 6);
  EXPECT_EQ(record.next_pos(), 7);
  EXPECT_EQ(record.tlen(), -8);
  EXPECT_EQ(record.name(), "r1");
  EXPECT_EQ(as_text(record.name_field()), std::string_view("r1\0", 3));
  EXPECT_EQ(record.cigar_count(), 1);
  EXPECT_EQ(record.cigar(0), 4U << 4U);
  EXPECT_EQ(as_text(record.seq()), "\x12\x48");
  EXPECT_EQ(as_text(record.qual()), "\x1\x2\x3");
  EXPECT_EQ(as_text(record.tags()), "XXA!");
}

struct EndCase {
  const char* name;
  std::function<void(Fields&)> change;
  std::int64_t length, end;
};

// Oracle: bam_endpos of htslib 1.16.
const EndCase kEndCases[] = {
    {"match", [](Fields&) {}, 4, 104},
    {"every_operation",
     [](Fields& f) {
       f.cigar.clear();
       for (std::uint32_t op = 0; op < 16; ++op) f.cigar.push_back(1U << (op + 4U) | op);
     },
     1 + 4 + 8 + 128 + 256, 100 + 1 + 4 + 8 + 128 + 256},
    {"unmapped", [](Fields& f) { f.flag = flag::kUnmapped; }, 4, 101},
    {"no_cigar", [](Fields& f) { f.cigar = {}; }, 0, 101},
    {"clips_only", [](Fields& f) { f.cigar = {element(4, CigarOp::soft_clip)}; }, 0, 101},
    {"near_2^31",
     [](Fields& f) {
       f.pos = 0x7fffffff;
       f.cigar = {element(0xfffffff, CigarOp::skip)};
     },
     0xfffffff, 0x7fffffffLL + 0xfffffff},
    {"cg_counts",
     [](Fields& f) {
       f.cigar = {element(4, CigarOp::soft_clip), element(9, CigarOp::skip)};
       f.tags = "NMC\1" + cg_tag('i', {element(4, CigarOp::match), element(3, CigarOp::skip)});
     },
     7, 107},
    {"cg_shorter_than_the_field_does_not",
     [](Fields& f) {
       f.cigar = {element(4, CigarOp::soft_clip), element(9, CigarOp::skip)};
       f.tags = cg_tag('I', {element(4, CigarOp::match)});
     },
     9, 109},
    {"cg_of_unplaced_does_not",
     [](Fields& f) {
       f.ref_id = -1;
       f.cigar = {element(4, CigarOp::soft_clip), element(9, CigarOp::skip)};
       f.tags = cg_tag('I', {element(4, CigarOp::match), element(3, CigarOp::skip)});
     },
     9, 109},
    {"cg_of_another_type_does_not",
     [](Fields& f) {
       f.cigar = {element(4, CigarOp::soft_clip), element(9, CigarOp::skip)};
       f.tags = cg_tag('f', {element(4, CigarOp::match), element(3, CigarOp::skip)});
     },
     9, 109},
};

TEST(Record, EndIsWhereHtslibHasIt) {
  for (const EndCase& row : kEndCases) {
    Fields fields;
    row.change(fields);
    const Buffer body = bytes_of(fields);
    EXPECT_EQ(RecordView(body).reference_length(), row.length) << row.name;
    EXPECT_EQ(RecordView(body).end(), row.end) << row.name;
  }
}

TEST(Record, TagSizeWalksOverEveryTag) {
  const std::string tags = "AAA!" + std::string("BBZab\0", 6) + "CCBs" +
                           packed<std::uint32_t>({2}) + "1234" + "DDi1234" + "EEd12345678" + "tai";
  std::vector<std::size_t> sizes;
  ByteSpan rest = as_bytes(tags);
  for (std::size_t size = tag_size(rest); size != 0; size = tag_size(rest)) {
    sizes.push_back(size);
    rest = rest.subspan(size);
  }
  EXPECT_THAT(sizes, testing::ElementsAre(4, 6, 12, 7, 11));
  EXPECT_EQ(as_text(rest), "tai");
}

TEST(RecordBatch, HoldsWhatWasCommitted) {
  const Buffer first = bytes_of({});
  Fields other;
  other.read_name = std::string("second\0", 7);
  const Buffer second = bytes_of(other);

  RecordBatch batch;
  batch.add(RecordView(first));
  (void)batch.extend(1000);  // never committed: the next one takes its room
  EXPECT_EQ(batch.bytes(), 4 + first.size());
  std::memcpy(batch.extend(second.size()).data(), second.data(), second.size());
  batch.commit();

  ASSERT_EQ(batch.size(), 2U);
  EXPECT_EQ(batch[0].name(), "r1");
  EXPECT_EQ(batch[1].name(), "second");
  EXPECT_EQ(batch.bases(), 8U);
  EXPECT_EQ(batch.bytes(), 8 + first.size() + second.size());
  std::string want = packed<std::uint32_t>({static_cast<std::uint32_t>(first.size())});
  want += as_text(first);
  want += packed<std::uint32_t>({static_cast<std::uint32_t>(second.size())});
  want += as_text(second);
  EXPECT_EQ(as_text(batch.span()), want);

  batch.clear();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.bytes(), 0U);
  EXPECT_EQ(batch.bases(), 0U);
}

TEST(Record, BinIsHtslibs) {
  const std::int64_t points[] = {-1,
                                 0,
                                 1,
                                 16383,
                                 16384,
                                 131071,
                                 131072,
                                 1 << 20,
                                 (1 << 23) - 1,
                                 1 << 26,
                                 (1 << 29) - 1,
                                 1 << 29,
                                 0x7ffffffeL,
                                 0x7fffffffL};
  for (const std::int64_t start : points) {
    for (const std::int64_t length : {1, 2, 100, 16384, 1 << 18, 1 << 28}) {
      EXPECT_EQ(reg2bin(start, start + length),
                static_cast<std::uint16_t>(hts_reg2bin(start, start + length, 14, 5)))
          << start << "+" << length;
    }
  }
}

}  // namespace
}  // namespace cnf::bams3
