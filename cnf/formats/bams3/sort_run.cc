// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/sort_order_internal.h"
#include "cnf/formats/bams3/sort_run_internal.h"
#include "cnf/hts/spill_file.h"

namespace cnf::bams3 {
namespace {

class RunCursor final : public Cursor {
 public:
  RunCursor(hts::SpillFile& file, const Run& run, Strands strands, const Comparison& comparison)
      : file_(file),
        offset_(run.begin),
        end_(run.end),
        strands_(strands),
        comparison_(comparison) {}

  std::optional<Ranked> next() override {
    for (;;) {
      if (at_ == block_.size()) {
        if (offset_ == end_) return std::nullopt;
        file_.read_block(offset_, block_);
        at_ = 0;
      }
      std::uint32_t size = 0;
      std::memcpy(&size, block_.data() + at_, sizeof(size));
      const ByteSpan body = block_.span().subspan(at_ + sizeof(size), size);
      at_ += sizeof(size) + size;
      const Ranked ranked = comparison_.rank(RecordView(body));
      const bool wanted =
          strands_ == Strands::both || is_reverse_key(ranked.key) == (strands_ == Strands::reverse);
      if (wanted) return ranked;
    }
  }

 private:
  hts::SpillFile& file_;
  std::uint64_t offset_;
  const std::uint64_t end_;
  const Strands strands_;
  const Comparison comparison_;
  Buffer block_;
  std::size_t at_ = 0;
};

}  // namespace

RunWriter::RunWriter(hts::SpillFile& file, std::size_t block_bytes)
    : file_(file), block_bytes_(block_bytes), begin_(file.size()) {}

void RunWriter::add(RecordView record) {
  block_.add(record);
  if (block_.bytes() < block_bytes_) return;
  file_.append_block(block_.span());
  block_.clear();
}

Run RunWriter::finish(bool sorted) {
  if (!block_.empty()) file_.append_block(block_.span());
  return {.begin = begin_, .end = file_.size(), .sorted = sorted};
}

std::unique_ptr<Cursor> read_run(hts::SpillFile& file, const Run& run, Strands strands,
                                 const Comparison& comparison) {
  return std::make_unique<RunCursor>(file, run, strands, comparison);
}

}  // namespace cnf::bams3
