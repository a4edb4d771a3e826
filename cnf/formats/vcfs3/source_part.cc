// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/source_part.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/parse.h"
#include "cnf/formats/vcfs3/source.h"
#include "cnf/formats/vcfs3/source_readers_internal.h"
#include "cnf/formats/vcfs3/text_blocks_internal.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;  // of text, to be searched or read
// A contig's name, a position, two tabs: what tells a place is no longer.
constexpr std::size_t kMaxPlace = kMaxContigName + 64;

/// Finds the first line that tells its place.
class LineFinder {
 public:
  /// \param within  begin in the middle of a line, which does not count.
  explicit LineFinder(bool within) : within_(within) {}

  /// \param from  byte of the piece's text.
  std::optional<TextPosition> search(const TextPiece& piece, std::size_t from) {
    const std::string_view text = as_text(piece.text);
    for (std::size_t at = from; at < text.size();) {
      if (within_) {
        const std::size_t newline = text.find('\n', at);
        if (newline == std::string_view::npos) return std::nullopt;
        at = newline + 1;
        within_ = false;
        continue;
      }
      if (head_.empty()) begin_ = piece.position(at);
      const char c = text[at];
      head_ += c;
      if (c == '\t' && ++tabs_ == 2 && tells_place(head_)) return begin_;
      if (c == '\n' || tabs_ == 2 || head_.size() > kMaxPlace) {
        within_ = c != '\n';
        head_.clear();
        tabs_ = 0;
      }
      ++at;
    }
    return std::nullopt;
  }

 private:
  bool within_;
  std::string head_;  // of the line, as far as it was read
  int tabs_ = 0;      // in head_
  TextPosition begin_;
};

/// Text between two positions.
class TextRange {
 public:
  TextRange(TextBlocks& blocks, TextPosition begin, TextPosition end)
      : blocks_(blocks), next_(begin.block), skip_(begin.offset), end_(end) {
    done_ = begin >= end;
  }

  /// Fills `into`; less only at the end.
  std::size_t read(MutableByteSpan into) {
    std::size_t got = 0;
    while (got < into.size()) {
      if (at_ == text_.size() && !advance()) break;
      const std::size_t size = std::min(into.size() - got, text_.size() - at_);
      std::memcpy(into.data() + got, text_.data() + at_, size);
      at_ += size;
      got += size;
    }
    return got;
  }
  [[nodiscard]] std::uint64_t next() const noexcept { return next_; }  ///< Byte of the file.

 private:
  bool advance() {
    if (done_) return false;
    const bool last = next_ == end_.block;  // of it some bytes only
    TextPiece piece = blocks_.read(next_, last ? blocks_.size() : end_.block, last ? 1 : kPiece);
    text_ = std::move(piece.text);
    next_ = piece.end;
    if (last) text_.resize(std::min(end_.offset, text_.size()));
    at_ = std::min(std::exchange(skip_, 0), text_.size());
    done_ = last || (next_ == end_.block && end_.offset == 0);
    return true;
  }

  TextBlocks& blocks_;
  std::uint64_t next_;
  std::size_t skip_;
  TextPosition end_;
  Buffer text_;
  std::size_t at_ = 0;  // in text_
  bool done_ = false;
};

std::string to_string(TextPosition position) {
  return fmt::format("{}:{}", position.block, position.offset);
}

class TextPart final : public PartSource {
 public:
  TextPart(storage::Location location, PartNumber part, const Context& context)
      : blocks_(std::move(location), context) {
    const TextPosition body = read_header();
    first_placed_ = find_line(body, false);
    begin_ = cut(part.number - 1, part.of, body);
    end_ = cut(part.number, part.of, body);
    range_.emplace(blocks_, begin_, end_);
    slabs_.emplace([this](MutableByteSpan into) { return range_->read(into); });
  }

  const Header& header() const noexcept override { return header_; }
  std::string kind() const override { return blocks_.is_bgzf() ? "vcf.gz" : "vcf"; }
  std::uint64_t consumed() const noexcept override { return range_->next() - begin_.block; }
  std::uint64_t input_bytes() const noexcept override { return blocks_.size(); }
  std::string begin() const override { return to_string(begin_); }
  std::string end() const override { return to_string(end_); }
  std::optional<Slab> next() override {
    return slabs_->next([this] { blocks_.fail("a line is longer than 1 GiB"); });
  }

 private:
  TextPosition read_header();
  [[nodiscard]] TextPosition find_line(TextPosition from, bool within);
  [[nodiscard]] TextPosition cut(std::uint64_t number, std::uint64_t of, TextPosition body);

  TextBlocks blocks_;
  Header header_;
  TextPosition first_placed_, begin_, end_;
  std::optional<TextRange> range_;
  std::optional<SlabCutter> slabs_;
};

/// Returns where the first record begins.
TextPosition TextPart::read_header() {
  Buffer text;
  TextPiece all{.begin = 0, .end = 0};  // its blocks, not its text
  for (std::size_t wanted = 0;;) {
    const bool at_end = all.end == blocks_.size();
    if (as_text(text).starts_with("BCF")) {
      throw Error(Errc::unsupported, "read a part of", blocks_.name(),
                  "it is BCF, which can be read from its beginning only",
                  "make it VCF compressed with bgzip");
    }
    if (text.size() >= wanted || at_end) {
      if (const auto end = Header::find_end(as_text(text), at_end, blocks_.name())) {
        header_ = Header::parse(std::string(as_text(text).substr(0, *end)), blocks_.name());
        return *end < text.size() ? all.position(*end) : TextPosition{.block = all.end};
      }
      if (text.size() > kMaxLine) blocks_.fail("its header is longer than 1 GiB");
      wanted = text.size() * 2;
    }
    const TextPiece piece = blocks_.read(all.end, blocks_.size(), kPiece);
    for (const TextPiece::Block& block : piece.blocks) {
      all.blocks.push_back(
          {.address = block.address, .text_begin = text.size() + block.text_begin});
    }
    all.end = piece.end;
    text.append(piece.text);
  }
}

/// The first line that tells its place; the end of the file if there is none.
TextPosition TextPart::find_line(TextPosition from, bool within) {
  LineFinder finder(within);
  std::uint64_t next = from.block;
  for (std::size_t skip = from.offset; next < blocks_.size(); skip = 0) {
    const TextPiece piece = blocks_.read(next, blocks_.size(), kPiece);
    next = piece.end;
    if (const auto found = finder.search(piece, skip)) return *found;
  }
  return {.block = blocks_.size()};
}

/// Where the lines behind part `number` begin.
TextPosition TextPart::cut(std::uint64_t number, std::uint64_t of, TextPosition body) {
  if (number == 0) return body;
  if (number == of) return {.block = blocks_.size()};
  // size · number / of, without overflow
  const std::uint64_t size = blocks_.size();
  const std::uint64_t target = size / of * number + size % of * number / of;
  if (target <= body.block) return body;
  const TextPosition found = find_line({.block = blocks_.find_block(target)}, true);
  // Lines before the first that tells its place are filed where that one is.
  return found <= first_placed_ ? body : found;
}

void require_file(const std::string& uri) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(uri, error);
  const bool is_pipe = !error && std::filesystem::exists(status) &&
                       !std::filesystem::is_regular_file(status) &&
                       !std::filesystem::is_directory(status);
  if (uri != "-" && !is_pipe) return;
  throw Error(Errc::unsupported, "read a part of", uri == "-" ? "standard input" : uri,
              "a pipe can be read from its beginning only", "give a file, or an object of a store");
}

}  // namespace

std::unique_ptr<PartSource> open_part(const std::string& uri, PartNumber part,
                                      const SourceOptions& options, const Context& context) {
  if (part.number == 0 || part.number > part.of || part.of > kMaxParts) {
    throw Error(Errc::invalid_argument, "read a part of", uri,
                fmt::format("there is no part {} of {}", part.number, part.of),
                fmt::format("parts are 1/N to N/N, N at most {}", kMaxParts));
  }
  require_file(uri);
  return std::make_unique<TextPart>(storage::locate(uri, options.storage), part, context);
}

}  // namespace cnf::vcfs3
