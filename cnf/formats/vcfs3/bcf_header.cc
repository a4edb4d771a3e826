// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/bcf_header.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <htslib/kstring.h>
#include <htslib/vcf.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/float_residuals.h"
#include "cnf/hts/messages.h"

namespace cnf::vcfs3 {
namespace {

/// htslib's growing string, freed.
struct String {
  String() = default;
  String(const String&) = delete;
  String& operator=(const String&) = delete;
  ~String() { ks_free(&text); }
  void assign(std::string_view value) {
    text.l = 0;
    if (kputsn(value.data(), value.size(), &text) < 0) throw std::bad_alloc();
  }
  kstring_t text = KS_INITIALIZE;
};

int line_type(Definition what) {
  switch (what) {
    case Definition::info:
      return BCF_HL_INFO;
    case Definition::format:
      return BCF_HL_FMT;
    default:
      return BCF_HL_FLT;
  }
}

void append_u32(Buffer& out, std::uint32_t value) {
  const MutableByteSpan room = out.extend(4);
  for (std::size_t i = 0; i < 4; ++i) room[i] = static_cast<std::byte>(value >> (8 * i));
}

std::string reason(int code) {
  std::string why;
  const auto add = [&](int bit, const char* text) {
    if ((code & bit) != 0) why += (why.empty() ? "" : ", ") + std::string(text);
  };
  add(BCF_ERR_CTG_UNDEF | BCF_ERR_CTG_INVALID, "its contig is not in the header");
  add(BCF_ERR_TAG_UNDEF, "it has a key that the header lacks");
  add(BCF_ERR_TAG_INVALID, "a value is not of the type that the header tells");
  add(BCF_ERR_NCOLS, "its columns are not as many as there are samples");
  add(BCF_ERR_LIMITS, "a number is out of range");
  add(BCF_ERR_CHAR, "a character is invalid");
  return why.empty() ? "htslib does not take it" : why;
}

}  // namespace

void BcfHeader::Destroy::operator()(bcf_hdr_t* header) const noexcept { bcf_hdr_destroy(header); }

BcfHeader::BcfHeader(std::string_view text) : header_(bcf_hdr_init("r")) {
  hts::silence_htslib();
  std::string copy(text);
  std::erase(copy, '\r');  // lines of a CRLF file
  if (header_ == nullptr || bcf_hdr_parse(header_.get(), copy.data()) != 0) {
    throw Error(Errc::corrupt_data, "make BCF header", "VCF header", "htslib cannot read it",
                "write VCF instead");
  }
}

bool BcfHeader::defines(Definition what, std::string_view key) const {
  const std::string name(key);
  if (what == Definition::contig) return bcf_hdr_name2id(header_.get(), name.c_str()) >= 0;
  const int id = bcf_hdr_id2int(header_.get(), BCF_DT_ID, name.c_str());
  return id >= 0 && bcf_hdr_idinfo_exists(header_.get(), line_type(what), id);
}

void BcfHeader::define(Definition what, std::string_view key) {
  std::string line;
  switch (what) {
    case Definition::contig:
      line = fmt::format("##contig=<ID={}>", key);
      break;
    case Definition::info:
    case Definition::format:
      line = fmt::format("##{}=<ID={},Number=1,Type=String,Description=\"Not in the source\">",
                         what == Definition::info ? "INFO" : "FORMAT", key);
      break;
    case Definition::filter:
      line = fmt::format("##FILTER=<ID={},Description=\"Not in the source\">", key);
      break;
  }
  if (bcf_hdr_append(header_.get(), line.c_str()) < 0 || bcf_hdr_sync(header_.get()) < 0 ||
      !defines(what, key)) {
    throw Error(Errc::unsupported, "make BCF header", to_string(what, key),
                "a header line cannot hold it", "write VCF instead");
  }
}

std::string BcfHeader::text() const {
  String text;
  if (bcf_hdr_format(header_.get(), 1, &text.text) < 0) {
    throw Error(Errc::internal, "make BCF header", "VCF header", "htslib cannot write it");
  }
  return {text.text.s, text.text.l};
}

std::string to_string(Definition what, std::string_view key) {
  constexpr std::array<const char*, 4> kNames = {"contig ", "INFO/", "FORMAT/", "FILTER "};
  return kNames[static_cast<std::size_t>(what)] + std::string(key);
}

struct BcfEncoder::Impl {
  struct Destroy {
    void operator()(bcf1_t* record) const noexcept { bcf_destroy(record); }
  };
  bcf_hdr_t* header = nullptr;
  std::unique_ptr<bcf1_t, Destroy> record;
  String line;
};

BcfEncoder::BcfEncoder(const BcfHeader& header) : impl_(std::make_unique<Impl>()) {
  impl_->header = header.get();
  impl_->record.reset(bcf_init());
  if (impl_->record == nullptr) throw std::bad_alloc();
}

BcfEncoder::~BcfEncoder() = default;

// BCF2, section 6.3: l_shared, l_indiv, then CHROM, POS, rlen, QUAL, n_allele<<16|n_info,
// n_fmt<<24|n_sample, then the rest of both parts as vcf_parse has made them.
void BcfEncoder::append(std::string_view line, std::string_view residual, Buffer& out) {
  impl_->line.assign(line);
  bcf1_t& record = *impl_->record;
  bcf_clear(&record);
  const int status = vcf_parse(&impl_->line.text, impl_->header, &record);
  if (status != 0 || record.errcode != 0) {
    const std::size_t contig_end = line.find('\t');
    const std::string_view place = line.substr(
        0, std::min<std::size_t>(
               contig_end == std::string_view::npos ? 40 : line.find('\t', contig_end + 1), 80));
    throw Error(Errc::unsupported, "write BCF", fmt::format("record at {}", place),
                reason(record.errcode), "write VCF instead, which holds any text");
  }
  // The floats lie in the encoded parts: they are changed where they are.
  apply_float_residuals(residual, *impl_->header, record, "residuals of floats");
  constexpr std::uint32_t kFixed = 24;
  std::uint32_t quality = 0;
  std::memcpy(&quality, &record.qual, sizeof(quality));
  append_u32(out, static_cast<std::uint32_t>(record.shared.l) + kFixed);
  append_u32(out, static_cast<std::uint32_t>(record.indiv.l));
  append_u32(out, static_cast<std::uint32_t>(record.rid));
  append_u32(out, static_cast<std::uint32_t>(record.pos));
  append_u32(out, static_cast<std::uint32_t>(record.rlen));
  append_u32(out, quality);
  append_u32(out, static_cast<std::uint32_t>(record.n_allele) << 16U |
                      static_cast<std::uint32_t>(record.n_info));
  append_u32(out, static_cast<std::uint32_t>(record.n_fmt) << 24U |
                      static_cast<std::uint32_t>(record.n_sample));
  out.append(std::as_bytes(std::span(record.shared.s, record.shared.l)));
  out.append(std::as_bytes(std::span(record.indiv.s, record.indiv.l)));
}

}  // namespace cnf::vcfs3
