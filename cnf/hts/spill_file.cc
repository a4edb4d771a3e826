// SPDX-License-Identifier: Apache-2.0
#include "cnf/hts/spill_file.h"

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"

namespace cnf::hts {
namespace {

struct BlockHead {
  std::uint32_t raw = 0;         // bytes
  std::uint32_t compressed = 0;  // bytes
  std::uint32_t crc32c = 0;      // of the compressed bytes
};

}  // namespace

SpillFile::SpillFile(const std::filesystem::path& folder)
    : file_(folder, "sort in"), codec_(compress::make_codec({.algorithm = "zstd", .level = 1})) {}

void SpillFile::append_block(ByteSpan raw) {
  scratch_.clear();
  (void)scratch_.extend(sizeof(BlockHead));
  codec_->compress(raw, scratch_);
  const ByteSpan compressed = scratch_.span().subspan(sizeof(BlockHead));
  const BlockHead head{.raw = static_cast<std::uint32_t>(raw.size()),
                       .compressed = static_cast<std::uint32_t>(compressed.size()),
                       .crc32c = crc32c(compressed)};
  std::memcpy(scratch_.data(), &head, sizeof(head));
  file_.append(scratch_);
}

void SpillFile::read_block(std::uint64_t& offset, Buffer& raw) {
  BlockHead head;
  file_.read_at(offset, std::as_writable_bytes(std::span(&head, 1)));
  offset += sizeof(head);
  if (head.compressed > file_.size() - offset) {
    throw Error(Errc::corrupt_data, "sort in", file_.folder(), "a spilled block is damaged",
                "name another folder for temporary files");
  }
  scratch_.resize(head.compressed);
  file_.read_at(offset, scratch_.span());
  offset += head.compressed;
  const std::string subject = file_.folder() + " (temporary file)";
  verify_crc32c(scratch_, head.crc32c, subject);
  raw.resize(head.raw);
  compress::decompress(compress::CodecId::zstd, scratch_, raw.span(), subject);
}

}  // namespace cnf::hts
