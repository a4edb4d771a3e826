// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <htslib/bgzf.h>
#include <htslib/hfile.h>
#include <htslib/hts.h>
#include <sys/types.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/source.h"
#include "cnf/formats/vcfs3/source_readers_internal.h"
#include "cnf/hts/input.h"

namespace cnf::vcfs3 {
namespace {

constexpr int kBlocksPerThread = 256;        // that bgzf_mt hands to a thread at once
constexpr unsigned kBlockAddressShift = 16;  // of a BGZF virtual offset

constexpr std::string_view kNoEndBlock =
    "it ends without BGZF's end-of-file block: it was cut short";

class TextSource final : public Source {
 public:
  TextSource(std::unique_ptr<hts::Input> input, std::size_t threads)
      : input_(std::move(input)),
        bytes_(*input_, threads),
        slabs_([this](MutableByteSpan into) { return bytes_.read(into); }) {
    read_header();
  }

  const Header& header() const noexcept override { return header_; }
  std::uint64_t consumed() const noexcept override { return bytes_.consumed(); }
  std::string kind() const override {
    return input_->file()->format.compression == no_compression ? "vcf" : "vcf.gz";
  }

  std::optional<Slab> next() override {
    input_->context().check("read", input_->name());
    return slabs_.next([this] { bytes_.fail("a line is longer than 1 GiB"); });
  }

 private:
  void read_header() {
    std::size_t step = std::size_t{1} << 16;
    for (;;) {
      slabs_.fill(step);
      const std::string_view text = as_text(slabs_.ahead());
      if (const auto end = Header::find_end(text, slabs_.at_end(), input_->name())) {
        header_ = Header::parse(std::string(text.substr(0, *end)), input_->name());
        slabs_.drop(*end);
        return;
      }
      if (text.size() > kMaxLine) bytes_.fail("its header is longer than 1 GiB");
      step = text.size() * 2;
    }
  }

  std::unique_ptr<hts::Input> input_;
  InputBytes bytes_;
  SlabCutter slabs_;
  Header header_;
};

}  // namespace

std::optional<Slab> SlabCutter::next(const std::function<void()>& too_long) {
  Buffer slab = std::move(ahead_);
  for (std::size_t searched = 0;;) {
    // A long line is read in doubling steps and each byte of it looked at once.
    fill(slab, std::max(kSlabBytes, searched));
    const std::string_view text = as_text(slab);
    const std::size_t newline = text.substr(searched).rfind('\n');
    if (at_end_ || newline != std::string_view::npos) {
      const std::size_t end = at_end_ ? text.size() : searched + newline + 1;
      ahead_ = Buffer::copy_of(slab.span().subspan(end));
      slab.resize(end);
      break;
    }
    searched = slab.size();
    if (searched >= kMaxLine) too_long();
  }
  if (slab.empty()) return std::nullopt;
  return Slab{.text = std::move(slab)};
}

void SlabCutter::fill(Buffer& text, std::size_t step) {
  const std::size_t size = text.size();
  const std::size_t room = step - size % step;
  text.resize(size + room);
  const std::size_t got = read_(text.span().subspan(size));
  text.resize(size + got);
  at_end_ = got < room;
}

InputBytes::InputBytes(hts::Input& input, std::size_t threads)
    : input_(input), is_bgzf_(input.file()->format.compression == bgzf) {
  if (!is_bgzf_) return;
  constexpr int kAbsent = 0, kThere = 1;  // and else: the input cannot be looked at from its end
  const int end_block = bgzf_check_EOF(input_.file()->fp.bgzf);
  if (end_block == kAbsent) fail(kNoEndBlock);
  // With threads htslib does not tell whether the last block was the one that ends a file.
  if (end_block == kThere && threads > 1) {
    (void)bgzf_mt(input_.file()->fp.bgzf, static_cast<int>(threads), kBlocksPerThread);
  }
}

std::size_t InputBytes::read(MutableByteSpan into) {
  const htsFile& file = *input_.file();
  const ssize_t got = file.is_bgzf != 0 ? bgzf_read(file.fp.bgzf, into.data(), into.size())
                                        : hread(file.fp.hfile, into.data(), into.size());
  if (got < 0) {
    input_.check_reading();
    fail("a compressed block is damaged or cut short");
  }
  if (static_cast<std::size_t>(got) < into.size()) check_end();
  return static_cast<std::size_t>(got);
}

void InputBytes::check_end() const {
  input_.check_reading();
  if (is_bgzf_ && input_.file()->fp.bgzf->last_block_eof == 0) {
    fail(kNoEndBlock);
  }
}

void InputBytes::fail(std::string_view why) const {
  throw Error(Errc::corrupt_data, "read", input_.name(), why,
              "the file is damaged or cut short: make it again");
}

std::uint64_t InputBytes::consumed() const noexcept {
  // Threads that decompress read ahead, so the stream's own position is not to be looked at.
  return is_bgzf_
             ? static_cast<std::uint64_t>(bgzf_tell(input_.file()->fp.bgzf)) >> kBlockAddressShift
             : input_.consumed();
}

std::unique_ptr<Source> read_text(std::unique_ptr<hts::Input> input, std::size_t threads) {
  return std::make_unique<TextSource>(std::move(input), threads);
}

}  // namespace cnf::vcfs3
