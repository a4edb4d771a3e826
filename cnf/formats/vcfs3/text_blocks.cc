// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string_view>
#include <utility>

#include <htslib/bgzf.h>
#include <htslib/hfile.h>
#include <sys/types.h>

#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/text_blocks_internal.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::uint64_t kWindow = std::uint64_t{8} << 20;
constexpr std::uint64_t kRequest = std::uint64_t{2} << 20;

// SAMv1, section 4.1: what a block begins with, but for its time and the like; its size stands
// behind it. A block holds at most 64 KiB, and has as much at most.
constexpr std::size_t kBlockHeader = 18;
constexpr std::size_t kLeastBlock = 26;
constexpr std::size_t kMostBlock = std::size_t{1} << 16;
// The empty block that ends a file.
constexpr std::string_view kEndBlock(
    "\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0\x42\x43\x02\0\x1b\0\x03\0\0\0\0\0\0\0\0\0", 28);
// So many blocks must follow one another before bytes that look like a block are believed.
constexpr int kChain = 4;

struct CloseBgzf {
  void operator()(BGZF* file) const noexcept { (void)bgzf_close(file); }
};

// Decompresses whole blocks; false if they are damaged.
bool decompress(ByteSpan blocks, MutableByteSpan text) {
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): htslib frees it when the stream is closed
  std::unique_ptr<void, void (*)(void*)> copy(std::malloc(blocks.size()), std::free);
  if (!copy) throw std::bad_alloc();
  std::memcpy(copy.get(), blocks.data(), blocks.size());
  hFILE* const stream = hopen("mem:", "r:", copy.get(), blocks.size());
  if (stream == nullptr) throw std::bad_alloc();
  [[maybe_unused]] const void* const owned_by_stream = copy.release();
  const std::unique_ptr<BGZF, CloseBgzf> file(bgzf_hopen(stream, "r"));
  if (!file) {
    hclose_abruptly(stream);
    return false;
  }
  if (bgzf_read(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return false;
  char more = 0;
  return bgzf_read(file.get(), &more, 1) == 0;
}

}  // namespace

TextPosition TextPiece::position(std::size_t at) const {
  if (blocks.empty()) return {.block = begin + at};
  const auto after = std::ranges::upper_bound(blocks, at, {}, &Block::text_begin);
  const Block& block = *std::prev(after);
  return {.block = block.address, .offset = at - block.text_begin};
}

TextBlocks::TextBlocks(storage::Location location, const Context& context)
    : location_(std::move(location)),
      context_(context),
      name_(location_.storage->uri(location_.key)),
      info_(location_.storage->stat(location_.key, context)) {
  if (!as_text(raw(0, 2)).starts_with("\x1f\x8b")) return;
  if (!stored_size(0)) {
    throw Error(Errc::unsupported, "read a part of", name_,
                "it is plain gzip, which can be read from its beginning only",
                "compress it with bgzip");
  }
  is_bgzf_ = true;
  check_end();
}

void TextBlocks::fail(std::string_view why) const {
  throw Error(Errc::corrupt_data, "read", name_, why,
              "the file is damaged or cut short: make it again");
}

void TextBlocks::check_end() {
  const storage::Object tail =
      location_.storage->read_tail(location_.key, kEndBlock.size(), context_);
  if (as_text(tail.bytes) != kEndBlock)
    fail("it ends without BGZF's end-of-file block: it was cut short");
}

/// The bytes of the file from `address` on: `most`, or fewer at its end.
ByteSpan TextBlocks::raw(std::uint64_t address, std::size_t most) {
  most = std::min<std::uint64_t>(most, info_.size - std::min(address, info_.size));
  if (address < window_begin_ || address + most > window_begin_ + window_.size()) {
    Buffer window(std::min(std::max<std::uint64_t>(kWindow, most), info_.size - address));
    storage::FetchRequest request{.key = location_.key, .offset = address, .into = window.span()};
    request.etag = info_.etag;  // an object that is replaced meanwhile must not be spliced
    location_.storage->fetch({&request, 1}, context_, {}, {.gap = 0, .max_request = kRequest});
    window_ = std::move(window);
    window_begin_ = address;
  }
  return window_.span().subspan(address - window_begin_, most);
}

/// Of what may be a block; nullopt if it does not begin as one or goes on behind the file's end.
std::optional<std::size_t> TextBlocks::stored_size(std::uint64_t address) {
  const std::string_view head = as_text(raw(address, kBlockHeader));
  if (head.size() < kBlockHeader || head.substr(0, 4) != kEndBlock.substr(0, 4) ||
      head.substr(10, 6) != kEndBlock.substr(10, 6)) {
    return std::nullopt;
  }
  const std::size_t size = static_cast<unsigned char>(head[16]) +
                           (std::size_t{static_cast<unsigned char>(head[17])} << 8U) + 1;
  if (size < kLeastBlock || size > info_.size - address) return std::nullopt;
  return size;
}

TextBlocks::BlockSize TextBlocks::block_size(std::uint64_t address) {
  const std::optional<std::size_t> stored = stored_size(address);
  if (!stored) fail("what should be a block of BGZF is none");
  std::uint32_t text = 0;
  std::memcpy(&text, raw(address, *stored).last(sizeof(text)).data(), sizeof(text));
  if (text > kMostBlock) fail("a compressed block is damaged or cut short");
  return {.stored = *stored, .text = text};
}

bool TextBlocks::chain_begins(std::uint64_t address) {
  for (int i = 0; i < kChain && address < info_.size; ++i) {
    const std::optional<std::size_t> size = stored_size(address);
    if (!size) return false;
    address += *size;
  }
  return true;
}

std::uint64_t TextBlocks::find_block(std::uint64_t address) {
  if (!is_bgzf_) return std::min(address, info_.size);
  const std::uint64_t end = std::min<std::uint64_t>(info_.size, address + kMostBlock);
  for (std::uint64_t at = address; at < end; ++at) {
    const std::string_view text = as_text(raw(at, end - at));
    const std::size_t found = text.find(kEndBlock.substr(0, 4));
    if (found == std::string_view::npos) break;
    at += found;
    if (chain_begins(at)) return at;
  }
  if (end < info_.size) fail("no block of BGZF begins where one must");
  return end;
}

TextPiece TextBlocks::read_plain(std::uint64_t address, std::uint64_t limit, std::size_t most) {
  const std::size_t size = std::min<std::uint64_t>({most, limit - address, kWindow});
  return {.text = Buffer::copy_of(raw(address, size)), .begin = address, .end = address + size};
}

TextPiece TextBlocks::read(std::uint64_t address, std::uint64_t limit, std::size_t most) {
  context_.check("read", name_);
  if (!is_bgzf_) return read_plain(address, limit, most);
  static_cast<void>(raw(address, kWindow / 2 + kMostBlock));  // all that follows lies in it
  TextPiece piece{.begin = address, .end = address};
  std::size_t text_size = 0;
  while (piece.end < limit && piece.end - address < kWindow / 2 &&
         (piece.blocks.empty() || text_size < most)) {
    const BlockSize size = block_size(piece.end);
    piece.blocks.push_back({.address = piece.end, .text_begin = text_size});
    piece.end += size.stored;
    text_size += size.text;
  }
  if (piece.end > limit) fail("its blocks do not meet where it was cut");
  piece.text = Buffer(text_size);
  if (!decompress(raw(address, piece.end - address), piece.text.span()))
    fail("a compressed block is damaged or cut short");
  return piece;
}

}  // namespace cnf::vcfs3
