// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <htslib/bgzf.h>
#include <sys/types.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/source.h"
#include "cnf/formats/bams3/source_readers_internal.h"
#include "cnf/hts/input.h"

namespace cnf::bams3 {
namespace {

// What a length in the file asks for beyond this is allocated only as its bytes arrive.
constexpr std::size_t kTrusted = std::size_t{1} << 20;
constexpr std::uint64_t kRecordsPerCheck = 256;
constexpr std::string_view kRemedy = "the file is damaged or cut short: make it again";

class BamSource final : public RecordSource {
 public:
  explicit BamSource(std::unique_ptr<hts::Input> input) : input_(std::move(input)) {
    read_header();
  }

  const Header& header() const override { return header_; }
  std::string name() const override { return input_->name(); }
  std::uint64_t consumed() const override { return input_->consumed(); }
  bool next(RecordBatch& batch) override;

 private:
  void read_header();
  void check_header_text() const;
  [[nodiscard]] std::string read_reference_name();
  [[nodiscard]] std::size_t read_some(MutableByteSpan into);
  void read_exactly(MutableByteSpan into);
  [[nodiscard]] Buffer read_growing(std::size_t size);
  [[nodiscard]] std::uint32_t read_u32();
  [[nodiscard]] std::string where() const;
  [[noreturn]] void fail(std::string_view why) const;

  std::unique_ptr<hts::Input> input_;
  Header header_;
  std::uint64_t records_ = 0;  // begun; 0 while the header is read
};

std::string BamSource::where() const {
  return input_->name() + (records_ == 0 ? ", header" : ", record " + std::to_string(records_));
}

void BamSource::fail(std::string_view why) const {
  throw Error(Errc::corrupt_data, "read", where(), why, kRemedy);
}

// Bytes read: fewer than asked for at the end of the input only.
std::size_t BamSource::read_some(MutableByteSpan into) {
  const ssize_t got = bgzf_read(input_->file()->fp.bgzf, into.data(), into.size());
  if (got < 0) {
    input_->check_reading();
    fail("a compressed block is damaged or cut short");
  }
  if (static_cast<std::size_t>(got) < into.size()) input_->check_reading();
  return static_cast<std::size_t>(got);
}

void BamSource::read_exactly(MutableByteSpan into) {
  if (read_some(into) < into.size()) fail("the input ends in the middle of it");
}

Buffer BamSource::read_growing(std::size_t size) {
  Buffer bytes;
  while (bytes.size() < size) {
    const std::size_t step = std::min(size - bytes.size(), std::max(kTrusted, bytes.size()));
    read_exactly(bytes.extend(step));
  }
  return bytes;
}

std::uint32_t BamSource::read_u32() {
  std::uint32_t value = 0;
  read_exactly(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

void BamSource::read_header() {
  std::array<char, 4> magic{};
  read_exactly(std::as_writable_bytes(std::span(magic)));
  if (std::string_view(magic.data(), magic.size()) != std::string_view("BAM\1", 4)) {
    fail("it does not begin with BAM's magic bytes");
  }
  header_.text = as_text(read_growing(read_u32()));
  check_header_text();
  const std::uint32_t count = read_u32();
  if (count > std::numeric_limits<std::int32_t>::max()) fail("n_ref is negative");
  for (std::uint32_t i = 0; i < count; ++i) {
    std::string name = read_reference_name();
    header_.references.push_back({.name = std::move(name), .length = read_u32()});
  }
}

std::string BamSource::read_reference_name() {
  const std::uint32_t size = read_u32();
  if (size == 0 || size > std::numeric_limits<std::int32_t>::max()) {
    fail("l_name of a reference is not positive");
  }
  const Buffer field = read_growing(size);
  const std::string_view name = as_text(field);
  return std::string(name.substr(0, name.find('\0')));
}

// As htslib does: every line begins with '@', up to the first NUL.
void BamSource::check_header_text() const {
  const std::string_view text = std::string_view(header_.text).substr(0, header_.text.find('\0'));
  std::uint64_t number = 1;
  for (std::size_t begin = 0; begin < text.size(); ++number) {
    if (text[begin] != '@') fail("line " + std::to_string(number) + " does not begin with '@'");
    begin = std::min(text.find('\n', begin), text.size() - 1) + 1;
  }
}

bool BamSource::next(RecordBatch& batch) {
  if (records_ % kRecordsPerCheck == 0) input_->context().check("read", input_->name());
  std::uint32_t size = 0;
  ++records_;
  const std::size_t got = read_some(std::as_writable_bytes(std::span(&size, 1)));
  if (got == 0) return false;
  if (got < sizeof(size)) fail("the input ends in the middle of it");
  if (size < RecordView::kFixedBytes || size > std::numeric_limits<std::int32_t>::max()) {
    fail("block_size is " + std::to_string(static_cast<std::int32_t>(size)));
  }
  MutableByteSpan body;
  if (size <= kTrusted) {
    body = batch.extend(size);
    read_exactly(body);
  } else {
    const Buffer bytes = read_growing(size);
    body = batch.extend(size);
    std::memcpy(body.data(), bytes.data(), size);
  }
  try {
    RecordView::check(body, {});
  } catch (const Error&) {
    RecordView::check(body, where());  // the name is made only where it is needed
  }
  const RecordView record(body);
  const auto references = static_cast<std::int64_t>(header_.references.size());
  if (record.ref() >= references || record.next_ref() >= references) {
    fail("it lies on a reference that the header does not list");
  }
  batch.commit();
  return true;
}

}  // namespace

std::unique_ptr<RecordSource> read_bam(std::unique_ptr<hts::Input> input) {
  return std::make_unique<BamSource>(std::move(input));
}

}  // namespace cnf::bams3
