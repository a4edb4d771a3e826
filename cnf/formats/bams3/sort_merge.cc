// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/sort_merge_internal.h"
#include "cnf/formats/bams3/sort_order_internal.h"
#include "cnf/formats/bams3/sort_run_internal.h"

namespace cnf::bams3 {
namespace {

class BlockCursor final : public Cursor {
 public:
  explicit BlockCursor(const SortBlock& block) : block_(block) {}

  std::optional<Ranked> next() override {
    if (at_ == block_.size()) return std::nullopt;
    return block_.at(at_++);
  }

 private:
  const SortBlock& block_;
  std::size_t at_ = 0;
};

class Concatenation final : public Cursor {
 public:
  explicit Concatenation(std::vector<std::function<std::unique_ptr<Cursor>()>> open)
      : open_(std::move(open)) {}

  std::optional<Ranked> next() override {
    for (;;) {
      if (current_) {
        if (auto ranked = current_->next()) return ranked;
        current_.reset();
      }
      if (at_ == open_.size()) return std::nullopt;
      current_ = std::exchange(open_[at_++], nullptr)();
    }
  }

 private:
  std::vector<std::function<std::unique_ptr<Cursor>()>> open_;
  std::size_t at_ = 0;
  std::unique_ptr<Cursor> current_;
};

// The next record of one cursor of a merge.
struct Head {
  Ranked ranked;
  std::size_t cursor = 0;
};

// Orders a heap whose front is the head that goes first.
struct Behind {
  Comparison comparison;
  bool operator()(const Head& a, const Head& b) const noexcept {
    const int order = comparison.compare(a.ranked, b.ranked);
    return order != 0 ? order > 0 : a.cursor > b.cursor;
  }
};

class Merge final : public Cursor {
 public:
  Merge(std::vector<std::unique_ptr<Cursor>> cursors, const Comparison& comparison)
      : cursors_(std::move(cursors)), behind_{comparison} {
    for (std::size_t i = 0; i < cursors_.size(); ++i) push(i);
  }

  std::optional<Ranked> next() override {
    // The record given last was valid until now; only now may its cursor move.
    if (given_) push(*given_);
    given_.reset();
    if (heap_.empty()) return std::nullopt;
    std::pop_heap(heap_.begin(), heap_.end(), behind_);
    const Head head = heap_.back();
    heap_.pop_back();
    given_ = head.cursor;
    return head.ranked;
  }

 private:
  void push(std::size_t cursor) {
    const auto ranked = cursors_[cursor]->next();
    if (!ranked) {
      cursors_[cursor].reset();
      return;
    }
    heap_.push_back({.ranked = *ranked, .cursor = cursor});
    std::push_heap(heap_.begin(), heap_.end(), behind_);
  }

  std::vector<std::unique_ptr<Cursor>> cursors_;
  const Behind behind_;
  std::vector<Head> heap_;
  std::optional<std::size_t> given_;
};

}  // namespace

Ranked SortBlock::note() {
  const Ranked ranked = comparison_.rank(batch_[batch_.size() - 1]);
  entries_.push_back({.key = ranked.key, .index = static_cast<std::uint32_t>(batch_.size() - 1)});
  return ranked;
}

std::size_t SortBlock::bytes() const noexcept {
  // A vector that grew may hold twice what it needs; so may the batch's list of starts.
  return batch_.bytes() + batch_.size() * 2 * (sizeof(Entry) + sizeof(std::size_t));
}

void SortBlock::sort() {
  const auto before = [this](const Entry& a, const Entry& b) {
    if (!comparison_.by_name()) return a.key != b.key ? a.key < b.key : a.index < b.index;
    const int order = comparison_.compare({.record = batch_[a.index]}, {.record = batch_[b.index]});
    return order != 0 ? order < 0 : a.index < b.index;
  };
  if (!std::is_sorted(entries_.begin(), entries_.end(), before)) {
    std::sort(entries_.begin(), entries_.end(), before);
  }
}

Ranked SortBlock::at(std::size_t index) const noexcept {
  const Entry& entry = entries_[index];
  return {.record = batch_[entry.index], .key = entry.key};
}

std::unique_ptr<Cursor> read_block(const SortBlock& block) {
  return std::make_unique<BlockCursor>(block);
}

std::unique_ptr<Cursor> concatenate(std::vector<std::function<std::unique_ptr<Cursor>()>> open) {
  return std::make_unique<Concatenation>(std::move(open));
}

std::unique_ptr<Cursor> merge(std::vector<std::unique_ptr<Cursor>> cursors,
                              const Comparison& comparison) {
  return std::make_unique<Merge>(std::move(cursors), comparison);
}

}  // namespace cnf::bams3
