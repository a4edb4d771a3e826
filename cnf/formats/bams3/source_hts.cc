// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <htslib/cram.h>
#include <htslib/hts.h>
#include <htslib/kstring.h>
#include <htslib/sam.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/source.h"
#include "cnf/formats/bams3/source_readers_internal.h"
#include "cnf/formats/bams3/source_references_internal.h"
#include "cnf/hts/input.h"

namespace cnf::bams3 {
namespace {

constexpr std::uint64_t kRecordsPerCheck = 256;
constexpr std::int64_t kMaxPosition = std::numeric_limits<std::int32_t>::max();
constexpr std::string_view kRemedy = "the file is damaged or cut short: make it again";
using SamHeader = std::unique_ptr<sam_hdr_t, decltype(&sam_hdr_destroy)>;
using SamRecord = std::unique_ptr<bam1_t, decltype(&bam_destroy1)>;

Header to_header(sam_hdr_t* from, const std::string& name) {
  Header header;
  if (const char* text = sam_hdr_str(from)) header.text.assign(text, sam_hdr_length(from));
  const int count = sam_hdr_nref(from);
  header.references.reserve(static_cast<std::size_t>(count));
  for (int id = 0; id < count; ++id) {
    const hts_pos_t length = sam_hdr_tid2len(from, id);
    if (length > kMaxPosition) {
      throw Error(Errc::unsupported, "read", name,
                  std::string("reference ") + sam_hdr_tid2name(from, id) + " has " +
                      std::to_string(length) + " bases; BAM, and so BAMS3, ends at 2^31 - 1",
                  "split the reference");
    }
    header.references.push_back(
        {.name = sam_hdr_tid2name(from, id), .length = static_cast<std::uint32_t>(length)});
  }
  return header;
}

template <typename T>
std::byte* put(std::byte* to, T value) {
  std::memcpy(to, &value, sizeof(value));
  return to + sizeof(value);
}
std::byte* put_bytes(std::byte* to, const std::uint8_t* from, std::size_t size) {
  if (size != 0) std::memcpy(to, from, size);
  return to + size;
}

// Why a record has no binary form; null if it has one. These are bam_write1's own limits.
const char* without_binary_form(const bam1_t& record) {
  const bam1_core_t& core = record.core;
  if (core.pos > kMaxPosition || core.mpos > kMaxPosition || core.isize > kMaxPosition ||
      core.isize < std::numeric_limits<std::int32_t>::min()) {
    return "a position is beyond 2^31 - 1, which BAM cannot hold";
  }
  if (core.l_qname - core.l_extranul > 255) return "the name is longer than 254 characters";
  if (core.n_cigar > 0xffff && bam_cigar2rlen(static_cast<int>(core.n_cigar),
                                              bam_get_cigar(&record)) >= (hts_pos_t{1} << 28)) {
    return "more than 65,535 CIGAR operations over 2^28 or more reference bases";
  }
  return nullptr;
}

// The record as bam_write1 would write it: a CIGAR of more than 65,535 operations goes into a CG
// tag at the end, and a placeholder with its lengths takes its place.
MutableByteSpan append_binary(const bam1_t& record, RecordBatch& batch) {
  const bam1_core_t& core = record.core;
  const bool is_long = core.n_cigar > 0xffff;
  const std::size_t name_bytes = core.l_qname - core.l_extranul;
  const std::size_t cigar_bytes = std::size_t{core.n_cigar} * 4;
  const std::size_t rest_at = core.l_qname + cigar_bytes;
  const std::size_t rest = static_cast<std::size_t>(record.l_data) - rest_at;
  constexpr std::size_t kPlaceholder = 8;
  constexpr std::size_t kTagHead = 8;
  const std::size_t size = RecordView::kFixedBytes + name_bytes + cigar_bytes + rest +
                           (is_long ? kPlaceholder + kTagHead : 0);
  const MutableByteSpan body = batch.extend(size);
  std::byte* to = body.data();
  to = put(to, core.tid);
  to = put(to, static_cast<std::int32_t>(core.pos));
  to = put(to, static_cast<std::uint8_t>(name_bytes));
  to = put(to, core.qual);
  to = put(to, core.bin);
  to = put(to, static_cast<std::uint16_t>(is_long ? 2 : core.n_cigar));
  to = put(to, core.flag);
  to = put(to, core.l_qseq);
  to = put(to, core.mtid);
  to = put(to, static_cast<std::int32_t>(core.mpos));
  to = put(to, static_cast<std::int32_t>(core.isize));
  to = put_bytes(to, record.data, name_bytes);
  if (!is_long) {
    put_bytes(to, record.data + core.l_qname, cigar_bytes + rest);
    return body;
  }
  const std::uint32_t* cigar = bam_get_cigar(&record);
  const hts_pos_t span = bam_cigar2rlen(static_cast<int>(core.n_cigar), cigar);
  to = put(to, bam_cigar_gen(static_cast<std::uint32_t>(core.l_qseq), BAM_CSOFT_CLIP));
  to = put(to, bam_cigar_gen(static_cast<std::uint32_t>(span), BAM_CREF_SKIP));
  to = put_bytes(to, record.data + rest_at, rest);
  constexpr std::string_view kTag = "CGBI";
  std::memcpy(to, kTag.data(), kTag.size());
  to = put(to + kTag.size(), core.n_cigar);
  put_bytes(to, record.data + core.l_qname, cigar_bytes);
  return body;
}

// What SAM and CRAM have in common: htslib parses, we take the binary form.
class HtsSource : public RecordSource {
 public:
  explicit HtsSource(std::unique_ptr<hts::Input> input)
      : input_(std::move(input)),
        sam_header_(sam_hdr_read(input_->file()), &sam_hdr_destroy),
        record_(bam_init1(), &bam_destroy1) {
    if (!sam_header_) {
      input_->check_reading();
      throw Error(Errc::corrupt_data, "read", input_->name() + ", header",
                  "its lines are malformed or cut short", kRemedy);
    }
    if (!record_) throw std::bad_alloc();
    header_ = to_header(sam_header_.get(), input_->name() + ", header");
  }

  const Header& header() const override { return header_; }
  std::string name() const override { return input_->name(); }
  std::uint64_t consumed() const override { return input_->consumed(); }

  bool next(RecordBatch& batch) override {
    if (records_ % kRecordsPerCheck == 0) input_->context().check("read", input_->name());
    ++records_;
    if (!read_one(*record_)) return false;
    if (const char* why = without_binary_form(*record_)) {
      throw Error(Errc::unsupported, "read", where(), why);
    }
    const MutableByteSpan body = append_binary(*record_, batch);
    try {
      RecordView::check(body, {});
    } catch (const Error&) {
      RecordView::check(body, where());  // the name is made only where it is needed
    }
    batch.commit();
    return true;
  }

 protected:
  /// False at the end. Throws Error.
  virtual bool read_one(bam1_t& into) = 0;

  [[nodiscard]] virtual std::string where() const {
    return input_->name() + ", record " + std::to_string(records_);
  }
  [[nodiscard]] hts::Input& input() const { return *input_; }
  [[nodiscard]] sam_hdr_t* sam_header() const { return sam_header_.get(); }

 private:
  std::unique_ptr<hts::Input> input_;
  SamHeader sam_header_;
  SamRecord record_;
  Header header_;
  std::uint64_t records_ = 0;
};

class SamSource final : public HtsSource {
 public:
  using HtsSource::HtsSource;

 private:
  bool read_one(bam1_t& into) override {
    htsFile& file = *input().file();
    // A file without a header leaves its first line here.
    if (file.line.l == 0) {
      const int got = hts_getline(&file, '\n', &file.line);
      if (got < 0) {
        input().check_reading();
        if (got == -1) return false;
        throw Error(Errc::corrupt_data, "read", where(),
                    "a compressed block is damaged or cut short", kRemedy);
      }
    }
    const int status = sam_parse1(&file.line, sam_header(), &into);
    if (status < 0) {
      std::string line(file.line.s, file.line.l);
      std::replace(line.begin(), line.end(), '\0', '\t');  // htslib ends fields where tabs were
      throw Error(Errc::corrupt_data, "read", where(), explain_sam_line(line, header()),
                  "correct the line");
    }
    file.line.l = 0;
    return true;
  }

  std::string where() const override {
    return HtsSource::where() + " (line " + std::to_string(input().file()->lineno) + ")";
  }
};

class CramSource final : public HtsSource {
 public:
  CramSource(std::unique_ptr<hts::Input> from, const std::string& reference)
      : HtsSource(std::move(from)) {
    htsFile* file = input().file();
    const char* ref_path = std::getenv("REF_PATH");
    keep_local_references(cram_fd_get_header(file->fp.cram), ref_path == nullptr ? "" : ref_path);
    if (!reference.empty()) use_reference(file, reference);
  }

 private:
  bool read_one(bam1_t& into) override {
    const int status = sam_read1(input().file(), sam_header(), &into);
    if (status >= 0) return true;
    input().check_reading();
    if (status == -1) return false;
    throw Error(Errc::corrupt_data, "read", where(),
                "it cannot be decoded: the file is damaged, or its reads are stored against a "
                "reference that is not at hand" +
                    named_reference(header().text),
                "give that FASTA file as the reference");
  }
};

}  // namespace

std::unique_ptr<RecordSource> read_sam(std::unique_ptr<hts::Input> input) {
  return std::make_unique<SamSource>(std::move(input));
}

std::unique_ptr<RecordSource> read_cram(std::unique_ptr<hts::Input> input,
                                        const std::string& reference) {
  return std::make_unique<CramSource>(std::move(input), reference);
}

}  // namespace cnf::bams3
