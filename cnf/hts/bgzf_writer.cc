// SPDX-License-Identifier: Apache-2.0
#include "cnf/hts/bgzf_writer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <htslib/bgzf.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/worker/pipeline.h"
#include "cnf/core/worker/pool.h"

namespace cnf::hts {
namespace {

constexpr std::size_t kBlock = BGZF_BLOCK_SIZE;
constexpr std::size_t kGather = 256 * kBlock;  // compressed in one go: 16 MiB of raw bytes

// The empty block that marks the end of a file (SAMv1, section 4.1.2).
constexpr std::array<unsigned char, 28> kEndOfFile = {
    0x1f, 0x8b, 0x08, 0x04, 0,    0, 0, 0, 0, 0xff, 0x06, 0, 0x42, 0x43,
    0x02, 0,    0x1b, 0,    0x03, 0, 0, 0, 0, 0,    0,    0, 0,    0};

Buffer compress_block(ByteSpan raw, int level) {
  Buffer out(BGZF_MAX_BLOCK_SIZE);
  std::size_t size = out.size();
  if (bgzf_compress(out.data(), &size, raw.data(), raw.size(), level) != 0) {
    throw Error(Errc::internal, "compress", "BGZF block", "the compressor failed");
  }
  out.resize(size);
  return out;
}

}  // namespace

BgzfWriter::BgzfWriter(std::function<void(ByteSpan)> out, int level, std::size_t threads,
                       const Context& context)
    : out_(std::move(out)),
      level_(level),
      threads_(threads > 0 ? threads : worker::default_threads()),
      context_(context) {}

void BgzfWriter::write(ByteSpan bytes) {
  while (!bytes.empty()) {
    const std::size_t taken = std::min(bytes.size(), kGather - std::min(gathered_.size(), kGather));
    gathered_.append(bytes.first(taken));
    bytes = bytes.subspan(taken);
    if (gathered_.size() >= kGather) compress_gathered();
  }
}

void BgzfWriter::end_block() { breaks_.push_back(gathered_.size()); }

void BgzfWriter::compress_gathered() {
  std::vector<ByteSpan> blocks;
  std::size_t next_break = 0;
  for (std::size_t at = 0; at < gathered_.size();) {
    while (next_break < breaks_.size() && breaks_[next_break] <= at) ++next_break;
    std::size_t end = std::min(at + kBlock, gathered_.size());
    if (next_break < breaks_.size()) end = std::min(end, breaks_[next_break]);
    blocks.push_back(gathered_.span().subspan(at, end - at));
    at = end;
  }
  std::size_t next = 0;
  worker::run_pipeline<ByteSpan, Buffer>(
      {.threads = threads_, .in_flight = 4 * threads_}, context_,
      [&] { return next < blocks.size() ? std::optional(blocks[next++]) : std::nullopt; },
      [&](ByteSpan raw) { return compress_block(raw, level_); },
      [&](const Buffer& block) { out_(block); });
  gathered_.clear();
  breaks_.clear();
}

void BgzfWriter::finish() {
  compress_gathered();
  out_(std::as_bytes(std::span(kEndOfFile)));
}

}  // namespace cnf::hts
