// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/sort_merge_internal.h"
#include "cnf/formats/bams3/sort_order_internal.h"
#include "cnf/formats/bams3/sort_run_internal.h"
#include "cnf/formats/bams3/source.h"
#include "cnf/hts/spill_file.h"

namespace cnf::bams3 {
namespace {

constexpr std::uint64_t kRecordsPerCheck = 1024;

// What every sorted source has of the source behind it.
class Wrapper : public SortedSource {
 public:
  explicit Wrapper(std::unique_ptr<RecordSource> source) : source_(std::move(source)) {}
  const Header& header() const override { return source_->header(); }
  std::string name() const override { return source_->name(); }
  std::uint64_t consumed() const override { return source_->consumed(); }

 protected:
  [[nodiscard]] RecordSource& source() const { return *source_; }

 private:
  std::unique_ptr<RecordSource> source_;
};

class KeptSource final : public Wrapper {
 public:
  using Wrapper::Wrapper;
  bool next(RecordBatch& batch) override { return source().next(batch); }
  bool moved() const override { return false; }
};

// Passes on what says that it is sorted, and holds it to that.
class TrustedSource final : public Wrapper {
 public:
  using Wrapper::Wrapper;

  bool next(RecordBatch& batch) override {
    if (!source().next(batch)) return false;
    ++records_;
    const RecordView record = batch[batch.size() - 1];
    // Tools differ in how they order unplaced reads among themselves.
    const std::uint64_t place =
        record.ref() < 0 ? ~std::uint64_t{0} : place_of(coordinate_key(record));
    if (place < last_) {
      throw NotInOrder(
          Errc::invalid_argument, "read", name() + ", record " + std::to_string(records_),
          "the header says SO:coordinate, but this record lies before the one in front of it",
          "have the input sorted, whatever its header says");
    }
    last_ = place;
    return true;
  }
  bool moved() const override { return false; }

 private:
  std::uint64_t records_ = 0;
  std::uint64_t last_ = 0;
};

// How a sort divides its memory.
struct Budget {
  explicit Budget(std::uint64_t memory)
      : block(std::clamp<std::uint64_t>(memory / 32, kSmallest, std::uint64_t{8} << 20)),
        run_block(std::clamp<std::uint64_t>(memory / 64, kSmallest, std::uint64_t{256} << 10)),
        // Beside the records, a spill holds a block of a run and its compressed form.
        arena(memory > 3 * run_block + block ? memory - 3 * run_block : block),
        fan_in(std::clamp<std::uint64_t>(memory / (2 * run_block), 4, 1024)) {}

  static constexpr std::uint64_t kSmallest = 4096;
  std::uint64_t block;      // bytes of a SortBlock
  std::uint64_t run_block;  // raw bytes of a block of a run
  std::uint64_t arena;      // bytes of all SortBlocks before they are spilled
  std::uint64_t fan_in;     // cursors over runs that are open at once
};

// The record in front, remembered beyond the life of its block.
class Last {
 public:
  [[nodiscard]] Ranked ranked() const { return {.record = RecordView(body_), .key = key_}; }
  [[nodiscard]] bool is_set() const noexcept { return set_; }
  void set(const Ranked& ranked, bool with_body) {
    set_ = true;
    key_ = ranked.key;
    if (!with_body) return;
    body_.clear();
    // Fixed fields and name; names are all that is compared.
    body_.append(ranked.record.body().first(RecordView::kFixedBytes + ranked.record.name_bytes()));
  }

 private:
  bool set_ = false;
  std::uint64_t key_ = 0;
  Buffer body_;
};

class SortingSource final : public Wrapper {
 public:
  SortingSource(std::unique_ptr<RecordSource> source, const SortOptions& options,
                const Context& context)
      : Wrapper(std::move(source)),
        comparison_(options.order),
        budget_(options.memory),
        folder_(options.temporary),
        context_(context) {}

  bool next(RecordBatch& batch) override {
    if (!output_) {
      read_all();
      output_ = make_output();
    }
    if (given_++ % kRecordsPerCheck == 0) check();
    const auto ranked = output_->next();
    if (!ranked) return false;
    batch.add(ranked->record);
    return true;
  }

  bool moved() const override { return !in_place_; }

 private:
  void check() const { context_.check("sort", name()); }
  void read_all();
  void note(SortBlock& block);
  void sort_blocks();
  void spill();
  [[nodiscard]] std::unique_ptr<Cursor> make_output();
  [[nodiscard]] std::unique_ptr<Cursor> output_in_place();
  [[nodiscard]] std::unique_ptr<Cursor> merge_blocks() const;
  [[nodiscard]] std::unique_ptr<Cursor> merge_runs(std::size_t first, std::size_t last);
  [[nodiscard]] static std::size_t cursors_of(const Run& run) { return run.sorted ? 1 : 2; }
  [[nodiscard]] Run write_run(Cursor& from, bool sorted);
  void reduce_runs();

  const Comparison comparison_;
  const Budget budget_;
  const std::filesystem::path folder_;
  const Context context_;
  std::unique_ptr<hts::SpillFile> file_;
  std::vector<Run> runs_;        // in the order of input
  std::list<SortBlock> blocks_;  // what came after the runs, in the order of input
  std::uint64_t held_ = 0;       // bytes of all blocks but the last
  Last last_;
  bool in_place_ = true;  // so far, nothing has to move
  bool sorted_ = true;    // so far, what the blocks hold ascends strands included
  std::unique_ptr<Cursor> output_;
  std::uint64_t given_ = 0;
};

void SortingSource::note(SortBlock& block) {
  const Ranked ranked = block.note();
  if (last_.is_set() && in_place_) {
    in_place_ = comparison_.in_place(last_.ranked(), ranked);
    sorted_ = sorted_ && comparison_.compare(last_.ranked(), ranked) <= 0;
  }
  last_.set(ranked, comparison_.by_name());
}

void SortingSource::read_all() {
  std::uint64_t records = 0;
  for (;;) {
    if (records++ % kRecordsPerCheck == 0) check();
    if (blocks_.empty() || blocks_.back().batch().bytes() >= budget_.block) {
      if (!blocks_.empty()) held_ += blocks_.back().bytes();
      if (held_ + budget_.block > budget_.arena) spill();
      // A record that goes past the block's end makes it grow; an eighth more seldom lets it.
      blocks_.emplace_back(comparison_, budget_.block + budget_.block / 8);
    }
    if (!source().next(blocks_.back().batch())) break;
    note(blocks_.back());
  }
  if (!runs_.empty()) spill();
}

void SortingSource::sort_blocks() {
  for (SortBlock& block : blocks_) {
    check();
    block.sort();
  }
}

std::unique_ptr<Cursor> SortingSource::merge_blocks() const {
  std::vector<std::unique_ptr<Cursor>> cursors;
  for (const SortBlock& block : blocks_) cursors.push_back(read_block(block));
  return merge(std::move(cursors), comparison_);
}

Run SortingSource::write_run(Cursor& from, bool sorted) {
  RunWriter writer(*file_, budget_.run_block);
  std::uint64_t records = 0;
  while (const auto ranked = from.next()) {
    if (records++ % kRecordsPerCheck == 0) check();
    writer.add(ranked->record);
  }
  return writer.finish(sorted);
}

void SortingSource::spill() {
  if (!file_) file_ = std::make_unique<hts::SpillFile>(folder_);
  if (!in_place_) {
    sort_blocks();
    runs_.push_back(write_run(*merge_blocks(), true));
  } else {
    // The order of input, for it may yet turn out that nothing has to move.
    std::vector<std::function<std::unique_ptr<Cursor>()>> open;
    for (const SortBlock& block : blocks_) open.emplace_back([&] { return read_block(block); });
    runs_.push_back(write_run(*concatenate(std::move(open)), sorted_));
  }
  blocks_.clear();
  held_ = 0;
  sorted_ = true;
}

std::unique_ptr<Cursor> SortingSource::make_output() {
  if (in_place_) return output_in_place();
  if (runs_.empty()) {
    sort_blocks();
    return merge_blocks();
  }
  reduce_runs();
  return merge_runs(0, runs_.size());
}

std::unique_ptr<Cursor> SortingSource::output_in_place() {
  std::vector<std::function<std::unique_ptr<Cursor>()>> open;
  for (const Run& run : runs_) {
    open.emplace_back([&] { return read_run(*file_, run, Strands::both, comparison_); });
  }
  for (const SortBlock& block : blocks_) open.emplace_back([&] { return read_block(block); });
  return concatenate(std::move(open));
}

std::unique_ptr<Cursor> SortingSource::merge_runs(std::size_t first, std::size_t last) {
  std::vector<std::unique_ptr<Cursor>> cursors;
  for (std::size_t i = first; i < last; ++i) {
    if (runs_[i].sorted) {
      cursors.push_back(read_run(*file_, runs_[i], Strands::both, comparison_));
    } else {
      cursors.push_back(read_run(*file_, runs_[i], Strands::forward, comparison_));
      cursors.push_back(read_run(*file_, runs_[i], Strands::reverse, comparison_));
    }
  }
  return merge(std::move(cursors), comparison_);
}

// Merges neighbouring runs until so few are left that all can be read at once.
void SortingSource::reduce_runs() {
  const auto cursors = [this] {
    std::size_t count = 0;
    for (const Run& run : runs_) count += cursors_of(run);
    return count;
  };
  while (cursors() > budget_.fan_in) {
    std::vector<Run> merged;
    for (std::size_t first = 0; first < runs_.size();) {
      std::size_t last = first, open = 0;
      while (last < runs_.size() && open + cursors_of(runs_[last]) <= budget_.fan_in) {
        open += cursors_of(runs_[last++]);
      }
      merged.push_back(write_run(*merge_runs(first, last), true));
      for (; first < last; ++first) file_->forget(runs_[first].begin, runs_[first].end);
    }
    runs_ = std::move(merged);
  }
}

}  // namespace

std::unique_ptr<SortedSource> sort_source(std::unique_ptr<RecordSource> source,
                                          const SortOptions& options, bool trust_header,
                                          const Context& context) {
  if (options.order == Order::keep) return std::make_unique<KeptSource>(std::move(source));
  if (options.order == Order::coordinate && trust_header &&
      source->header().declared_order() == "coordinate") {
    return std::make_unique<TrustedSource>(std::move(source));
  }
  return std::make_unique<SortingSource>(std::move(source), options, context);
}

}  // namespace cnf::bams3
