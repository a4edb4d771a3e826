// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/id_sorter.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/hts/spill_file.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::size_t kBlockEntries = 16'384;
constexpr std::size_t kCheckEvery = 65'536;  // entries between two looks at the context

}  // namespace

/// Reads a run back, entry by entry; holds one block of it.
class IdSorter::Cursor {
 public:
  Cursor(hts::SpillFile& file, Run run) : file_(file), run_(run) { advance(); }

  [[nodiscard]] bool at_end() const noexcept { return at_end_; }
  [[nodiscard]] const IdEntry& entry() const noexcept { return entry_; }

  void advance() {
    if (at_ == block_.size()) {
      at_end_ = run_.begin == run_.end;
      if (at_end_) return;
      const std::uint64_t begin = run_.begin;
      file_.read_block(run_.begin, block_);
      file_.forget(begin, run_.begin);
      at_ = 0;
    }
    std::memcpy(&entry_, block_.data() + at_, sizeof(entry_));
    at_ += sizeof(entry_);
  }

 private:
  hts::SpillFile& file_;
  Run run_;
  Buffer block_;  // whole entries
  std::size_t at_ = 0;
  IdEntry entry_;
  bool at_end_ = false;
};

void IdSorter::add(const IdEntry& entry) {
  if (!entries_.empty() && entries_.size() >= most_) spill();
  entries_.push_back(entry);
  ++count_;
}

void IdSorter::spill() {
  std::ranges::sort(entries_);
  if (!spill_) spill_ = std::make_unique<hts::SpillFile>(temporary_);
  Run run{.begin = spill_->size()};
  for (std::size_t first = 0; first < entries_.size(); first += kBlockEntries) {
    const std::size_t count = std::min(kBlockEntries, entries_.size() - first);
    spill_->append_block(std::as_bytes(std::span(entries_).subspan(first, count)));
  }
  run.end = spill_->size();
  runs_.push_back(run);
  entries_.clear();
}

void IdSorter::finish(const std::function<void(const IdEntry&)>& visit, const Context& context) {
  std::optional<IdEntry> last;
  std::size_t seen = 0;
  const auto give = [&](const IdEntry& entry) {
    if (seen++ % kCheckEvery == 0) context.check("index", "IDs");
    if (entry == last) return;
    last = entry;
    visit(entry);
  };
  if (runs_.empty()) {
    std::ranges::sort(entries_);
    for (const IdEntry& entry : entries_) give(entry);
    return;
  }
  if (!entries_.empty()) spill();
  entries_.shrink_to_fit();
  std::vector<Cursor> cursors;
  for (const Run& run : runs_) cursors.emplace_back(*spill_, run);
  std::vector<Cursor*> heap;
  for (Cursor& cursor : cursors) heap.push_back(&cursor);
  const auto behind = [](const Cursor* a, const Cursor* b) { return a->entry() > b->entry(); };
  std::ranges::make_heap(heap, behind);
  while (!heap.empty()) {
    std::ranges::pop_heap(heap, behind);
    Cursor& first = *heap.back();
    give(first.entry());
    first.advance();
    if (first.at_end()) {
      heap.pop_back();
    } else {
      std::ranges::push_heap(heap, behind);
    }
  }
}

}  // namespace cnf::vcfs3
