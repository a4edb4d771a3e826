// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <htslib/bgzf.h>
#include <htslib/hfile.h>
#include <htslib/hts.h>
#include <htslib/kstring.h>
#include <htslib/vcf.h>
#include <sys/types.h>

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

// Records of a slab, in bytes: as text they are about two to four times as long.
constexpr std::size_t kSlabRecords = std::size_t{2} << 20;
constexpr std::string_view kMagic("BCF\2\2\0\0\0\0", 9);  // and the length of a header
constexpr std::size_t kFixedBytes = 24;                   // of a record's shared part, at the least

// A buffer as htslib makes and frees them.
class HtsText {
 public:
  HtsText() = default;
  ~HtsText() { ks_free(&text_); }
  HtsText(const HtsText&) = delete;
  HtsText& operator=(const HtsText&) = delete;

  kstring_t* get() noexcept { return &text_; }
  kstring_t* operator->() noexcept { return &text_; }
  // `size` more bytes, indeterminate.
  MutableByteSpan extend(std::size_t size) {
    if (ks_resize(&text_, text_.l + size + 1) != 0) throw std::bad_alloc();
    const std::size_t at = std::exchange(text_.l, text_.l + size);
    return std::as_writable_bytes(std::span(text_.s + at, size));
  }

 private:
  kstring_t text_{};
};

struct CloseFile {
  void operator()(htsFile* file) const noexcept { (void)hts_close(file); }
};
using HtsFile = std::unique_ptr<htsFile, CloseFile>;

// Records behind kMagic as a file that bcf_read reads; `raw` is taken away.
HtsFile open_records(HtsText& raw) {
  const std::size_t size = raw->l;
  hFILE* const stream = hopen("mem:", "r:", ks_release(raw.get()), size);
  if (stream == nullptr) throw std::bad_alloc();
  HtsFile file(hts_hopen(stream, "mem:", "r"));
  std::array<char, kMagic.size()> magic{};
  if (!file ||
      bgzf_read(file->fp.bgzf, magic.data(), magic.size()) != static_cast<ssize_t>(magic.size())) {
    throw std::bad_alloc();
  }
  return file;
}

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

  const Header& header() const noexcept override { return header_; }
  std::uint64_t consumed() const noexcept override { return bytes_.consumed(); }
  std::string kind() const override { return "bcf"; }

  std::optional<Slab> next() override;

 private:
  void read_header();
  [[nodiscard]] std::uint64_t gather_records(HtsText& raw);
  void append_line();
  // \param record  counted from 1 behind those that were given; 0: the header.
  [[noreturn]] void fail(std::string_view why, std::uint64_t record) const;

  std::unique_ptr<hts::Input> input_;
  InputBytes bytes_;
  std::unique_ptr<bcf_hdr_t, decltype(&bcf_hdr_destroy)> hts_header_;
  std::unique_ptr<bcf1_t, decltype(&bcf_destroy)> record_;
  Header header_;
  HtsText lines_;
  std::uint64_t records_ = 0;  // told as text so far
};

void BcfSource::fail(std::string_view why, std::uint64_t record) const {
  const std::string where = record == 0 ? "header" : "record " + std::to_string(records_ + record);
  throw Error(Errc::corrupt_data, "read", input_->name() + ", " + where, why,
              "the file is damaged or cut short: make it again");
}

// VCFv4.3, section 6.1: magic, major and minor version, l_text, the text with a NUL behind it.
void BcfSource::read_header() {
  std::array<char, 5> magic{};
  std::uint32_t size = 0;
  if (bytes_.read(std::as_writable_bytes(std::span(magic))) < magic.size() ||
      bytes_.read(std::as_writable_bytes(std::span(&size, 1))) < sizeof(size)) {
    fail("it ends in the middle of it", 0);
  }
  constexpr char kVersion1 = 4;  // of samtools 0.1, which had no minor version
  const int version = magic[3] == kVersion1 ? 1 : magic[3];
  if (version != 2 || magic[4] > 2) {
    throw Error(Errc::unsupported, "read", input_->name(),
                "it is of version " + std::to_string(version) + " of BCF; 2.1 and 2.2 are read",
                "convert it with the program that wrote it");
  }
  if (size > kMaxLine) fail("it claims to be longer than 1 GiB", 0);
  Buffer text;
  while (text.size() < size) {
    const std::size_t step = std::min(size - text.size(), std::max(kTrusted, text.size()));
    if (bytes_.read(text.extend(step)) < step) fail("it ends in the middle of it", 0);
  }
  std::string header(as_text(text).substr(0, as_text(text).find('\0')));
  header_ = Header::parse(header, input_->name());
  if (bcf_hdr_parse(hts_header_.get(), header.data()) != 0 ||
      static_cast<std::size_t>(bcf_hdr_nsamples(hts_header_.get())) != header_.samples.size()) {
    fail("its lines are malformed", 0);
  }
}

// bcf_read would allocate what a record says that it is long, so its bytes are fetched first.
std::uint64_t BcfSource::gather_records(HtsText& raw) {
  std::uint64_t count = 0;
  while (raw->l < kSlabRecords) {
    std::array<std::uint32_t, 2> sizes{};  // l_shared, l_indiv
    const std::size_t got = bytes_.read(std::as_writable_bytes(std::span(sizes)));
    if (got == 0) break;
    ++count;
    const std::size_t size = std::size_t{sizes[0]} + sizes[1];
    if (got < sizeof(sizes)) fail("the file ends in the middle of it", count);
    if (sizes[0] < kFixedBytes || size > kMaxLine) fail("its length is impossible", count);
    std::ranges::copy(std::as_bytes(std::span(sizes)), raw.extend(sizeof(sizes)).begin());
    for (std::size_t read = 0; read < size;) {
      const std::size_t step = std::min(size - read, std::max(kTrusted, read));
      if (bytes_.read(raw.extend(step)) < step) fail("the file ends in the middle of it", count);
      read += step;
    }
  }
  return count;
}

std::optional<Slab> BcfSource::next() {
  input_->context().check("read", input_->name());
  HtsText raw;
  std::ranges::copy(as_bytes(kMagic), raw.extend(kMagic.size()).begin());
  const std::uint64_t count = gather_records(raw);
  if (count == 0) return std::nullopt;
  const HtsFile file = open_records(raw);
  Slab slab;
  bool any = false;
  lines_->l = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (bcf_read(file.get(), hts_header_.get(), record_.get()) != 0 || record_->errcode != 0) {
      fail("it is damaged", 1);
    }
    append_line();
    slab.residuals.push_back(float_residuals(*hts_header_, *record_));
    any = any || !slab.residuals.back().empty();
    ++records_;
  }
  if (!any) slab.residuals.clear();
  slab.text = Buffer::copy_of(as_bytes({lines_->s, lines_->l}));
  return slab;
}

void BcfSource::append_line() {
  const std::size_t begin = lines_->l;
  if (vcf_format(hts_header_.get(), record_.get(), lines_.get()) != 0)
    fail("it cannot be told as text", 1);
  const std::size_t size = lines_->l - begin;
  if (size > kMaxLine) fail("its line would be longer than 1 GiB", 1);
  const std::string_view line(lines_->s + begin, size);
  if (line.find('\n') != size - 1) fail("one of its texts holds the end of a line", 1);
}

}  // namespace

std::unique_ptr<Source> read_bcf(std::unique_ptr<hts::Input> input, std::size_t threads) {
  return std::make_unique<BcfSource>(std::move(input), threads);
}

}  // namespace cnf::vcfs3
