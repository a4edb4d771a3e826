// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"

namespace cnf::vcfs3 {

/// A place in text that is stored in blocks: `offset` bytes into what the block at byte `block` of
/// the file holds. Of plain text every byte is a block.
struct TextPosition {
  std::uint64_t block = 0;
  std::size_t offset = 0;
  auto operator<=>(const TextPosition&) const = default;
};

/// Text of some blocks that follow one another.
struct TextPiece {
  struct Block {
    std::uint64_t address = 0;   // in the file
    std::size_t text_begin = 0;  // in `text`
  };
  Buffer text = {};
  std::vector<Block> blocks = {};    // of BGZF
  std::uint64_t begin = 0, end = 0;  // in the file

  /// \param at  less than the text's size.
  [[nodiscard]] TextPosition position(std::size_t at) const;
};

/// Plain or BGZF text from any block on. Threads: one at a time.
class TextBlocks {
 public:
  /// Throws Error unsupported (plain gzip), corrupt_data (BGZF without its end), not_found.
  TextBlocks(storage::Location location, const Context& context);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return info_.size; }  ///< As stored.
  [[nodiscard]] bool is_bgzf() const noexcept { return is_bgzf_; }
  [[nodiscard]] const Context& context() const noexcept { return context_; }

  /// The first block that begins at `address` or behind; size() if there is none. A block of BGZF
  /// is one that some others follow without a gap. Throws Error corrupt_data.
  [[nodiscard]] std::uint64_t find_block(std::uint64_t address);
  /// The blocks from `address` on, up to `limit` or about `most` bytes of text; at least one.
  /// Throws Error corrupt_data: damage, or no block ends at `limit`.
  /// \param address  of a block; less than `limit`.
  [[nodiscard]] TextPiece read(std::uint64_t address, std::uint64_t limit, std::size_t most);
  [[noreturn]] void fail(std::string_view why) const;

 private:
  struct BlockSize {
    std::size_t stored = 0, text = 0;
  };
  [[nodiscard]] ByteSpan raw(std::uint64_t address, std::size_t most);
  [[nodiscard]] std::optional<std::size_t> stored_size(std::uint64_t address);
  [[nodiscard]] BlockSize block_size(std::uint64_t address);
  [[nodiscard]] bool chain_begins(std::uint64_t address);
  void check_end();
  [[nodiscard]] TextPiece read_plain(std::uint64_t address, std::uint64_t limit, std::size_t most);

  storage::Location location_;
  Context context_;
  std::string name_;
  storage::FileInfo info_;
  bool is_bgzf_ = false;
  Buffer window_;  // of the file, from window_begin_ on
  std::uint64_t window_begin_ = 0;
};

}  // namespace cnf::vcfs3
