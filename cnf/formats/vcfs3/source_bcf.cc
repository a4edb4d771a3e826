// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <htslib/hts.h>
#include <htslib/kstring.h>
#include <htslib/vcf.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/float_residuals.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/source.h"
#include "cnf/formats/vcfs3/source_readers_internal.h"
#include "cnf/hts/input.h"

namespace cnf::vcfs3 {
namespace {

// What a length in the file asks for beyond this is allocated only as its bytes arrive.
constexpr std::size_t kTrusted = std::size_t{1} << 20;

class BcfSource final : public Source {
 public:
  BcfSource(std::unique_ptr<hts::Input> input, std::size_t threads)
      : input_(std::move(input)),
        bytes_(*input_, threads),
        hts_header_(bcf_hdr_init("r"), &bcf_hdr_destroy),
        record_(bcf_init(), &bcf_destroy) {
    if (!hts_header_ || !record_) throw std::bad_alloc();
    read_header();
  }
  ~BcfSource() override { std::free(lines_.s); }  // htslib's buffers are malloc's
  BcfSource(const BcfSource&) = delete;
  BcfSource& operator=(const BcfSource&) = delete;

  const Header& header() const noexcept override { return header_; }
  std::uint64_t consumed() const noexcept override { return bytes_.consumed(); }
  std::string kind() const override { return "bcf"; }

  std::optional<Slab> next() override {
    input_->context().check("read", input_->name());
    Slab slab;
    lines_.l = 0;
    bool any = false;
    while (lines_.l < kSlabBytes && read_record()) {
      append_line();
      slab.residuals.push_back(float_residuals(*hts_header_, *record_));
      any = any || !slab.residuals.back().empty();
    }
    if (lines_.l == 0) return std::nullopt;
    if (!any) slab.residuals.clear();
    slab.text = Buffer::copy_of(as_bytes({lines_.s, lines_.l}));
    return slab;
  }

 private:
  void read_header();
  [[nodiscard]] bool read_record();
  void append_line();
  [[noreturn]] void fail(std::string_view why) const;

  std::unique_ptr<hts::Input> input_;
  InputBytes bytes_;
  std::unique_ptr<bcf_hdr_t, decltype(&bcf_hdr_destroy)> hts_header_;
  std::unique_ptr<bcf1_t, decltype(&bcf_destroy)> record_;
  Header header_;
  kstring_t lines_{};
  std::uint64_t records_ = 0;  // begun; 0 while the header is read
};

void BcfSource::fail(std::string_view why) const {
  const std::string where = records_ == 0 ? "header" : "record " + std::to_string(records_);
  throw Error(Errc::corrupt_data, "read", input_->name() + ", " + where, why,
              "the file is damaged or cut short: make it again");
}

// VCFv4.3, section 6.1: magic, major and minor version, l_text, the text with a NUL behind it.
void BcfSource::read_header() {
  std::array<char, 5> magic{};
  std::uint32_t size = 0;
  if (bytes_.read(std::as_writable_bytes(std::span(magic))) < magic.size() ||
      bytes_.read(std::as_writable_bytes(std::span(&size, 1))) < sizeof(size)) {
    fail("it ends in the middle of it");
  }
  constexpr char kVersion1 = 4;  // of samtools 0.1, which had no minor version
  const int version = magic[3] == kVersion1 ? 1 : magic[3];
  if (version != 2 || magic[4] > 2) {
    throw Error(Errc::unsupported, "read", input_->name(),
                "it is of version " + std::to_string(version) + " of BCF; 2.1 and 2.2 are read",
                "convert it with the program that wrote it");
  }
  if (size > kMaxLine) fail("it claims to be longer than 1 GiB");
  Buffer text;
  while (text.size() < size) {
    const std::size_t step = std::min(size - text.size(), std::max(kTrusted, text.size()));
    if (bytes_.read(text.extend(step)) < step) fail("it ends in the middle of it");
  }
  std::string header(as_text(text).substr(0, as_text(text).find('\0')));
  header_ = Header::parse(header, input_->name());
  if (bcf_hdr_parse(hts_header_.get(), header.data()) != 0 ||
      static_cast<std::size_t>(bcf_hdr_nsamples(hts_header_.get())) != header_.samples.size()) {
    fail("its lines are malformed");
  }
}

bool BcfSource::read_record() {
  ++records_;
  const int status = bcf_read(input_->file(), hts_header_.get(), record_.get());
  if (status == -1) {
    std::byte none{};
    if (bytes_.read({&none, 1}) != 0) fail("bytes that are no record follow");
    return false;
  }
  if (status < -1) input_->check_reading();
  if (status != 0 || record_->errcode != 0) fail("it is damaged or cut short");
  return true;
}

void BcfSource::append_line() {
  const std::size_t begin = lines_.l;
  if (vcf_format(hts_header_.get(), record_.get(), &lines_) != 0) fail("it cannot be told as text");
  const std::size_t size = lines_.l - begin;
  if (size > kMaxLine) fail("its line would be longer than 1 GiB");
  const std::string_view line(lines_.s + begin, size);
  if (line.find('\n') != size - 1) fail("one of its texts holds the end of a line");
}

}  // namespace

std::unique_ptr<Source> read_bcf(std::unique_ptr<hts::Input> input, std::size_t threads) {
  return std::make_unique<BcfSource>(std::move(input), threads);
}

}  // namespace cnf::vcfs3
