// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/id_sorter.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/context.h"
#include "cnf/hts/spill_file.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{256} << 10;
constexpr std::size_t kCheckEvery = 65'536;  // entries between two looks at the context

std::uint64_t prefix_of(std::string_view key) {
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < sizeof(prefix); ++i) {
    const auto byte = i < key.size() ? static_cast<unsigned char>(key[i]) : 0U;
    prefix = prefix << 8U | byte;
  }
  return prefix;
}

}  // namespace

/// Reads a run back, entry by entry; holds one block of it.
class IdSorter::Cursor {
 public:
  Cursor(hts::SpillFile& file, Run run) : file_(file), run_(run) { advance(); }

  [[nodiscard]] bool at_end() const noexcept { return at_end_; }
  [[nodiscard]] std::string_view key() const noexcept { return key_; }
  [[nodiscard]] std::uint64_t place() const noexcept { return place_; }

  void advance() {
    if (at_ == block_.size()) {
      at_end_ = run_.begin == run_.end;
      if (at_end_) return;
      const std::uint64_t begin = run_.begin;
      file_.read_block(run_.begin, block_);
      file_.forget(begin, run_.begin);
      at_ = 0;
    }
    ByteReader in(block_.span().subspan(at_), "temporary file");
    key_ = in.get_string();
    place_ = in.get_varint();
    at_ += in.offset();
  }

  /// True if this one comes behind `other`.
  [[nodiscard]] bool operator>(const Cursor& other) const {
    return std::tie(key_, place_) > std::tie(other.key_, other.place_);
  }

 private:
  hts::SpillFile& file_;
  Run run_;
  Buffer block_;
  std::size_t at_ = 0;
  std::string_view key_;
  std::uint64_t place_ = 0;
  bool at_end_ = false;
};

std::string_view IdSorter::key_of(const Entry& entry) const noexcept {
  return as_text(keys_.span()).substr(entry.offset, entry.length);
}

void IdSorter::add(std::string_view key, std::uint64_t place) {
  const std::uint64_t held = keys_.size() + entries_.size() * sizeof(Entry);
  if (!entries_.empty() &&
      (held + key.size() + sizeof(Entry) > memory_ ||
       keys_.size() + key.size() > std::numeric_limits<std::uint32_t>::max())) {
    spill();
  }
  entries_.push_back({.prefix = prefix_of(key),
                      .place = place,
                      .offset = static_cast<std::uint32_t>(keys_.size()),
                      .length = static_cast<std::uint32_t>(key.size())});
  keys_.append(as_bytes(key));
}

void IdSorter::sort() {
  std::ranges::sort(entries_, [this](const Entry& a, const Entry& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    const int order = key_of(a).compare(key_of(b));  // as unsigned bytes
    return order != 0 ? order < 0 : a.place < b.place;
  });
}

void IdSorter::spill() {
  sort();
  if (!spill_) spill_ = std::make_unique<hts::SpillFile>(temporary_);
  Run run{.begin = spill_->size()};
  Buffer block;
  ByteWriter out(block);
  for (const Entry& entry : entries_) {
    out.put_string(key_of(entry));
    out.put_varint(entry.place);
    if (block.size() < kBlockBytes) continue;
    spill_->append_block(block);
    block.clear();
  }
  if (!block.empty()) spill_->append_block(block);
  run.end = spill_->size();
  runs_.push_back(run);
  entries_.clear();
  keys_.clear();
}

void IdSorter::finish(const Visit& visit, const Context& context) {
  if (runs_.empty()) {
    sort();
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (i % kCheckEvery == 0) context.check("index", "IDs");
      visit(key_of(entries_[i]), entries_[i].place);
    }
    return;
  }
  if (!entries_.empty()) spill();
  entries_.shrink_to_fit();
  keys_ = {};
  // A heap of pointers: cursors stay where their keys' views look.
  std::vector<std::unique_ptr<Cursor>> cursors;
  for (const Run& run : runs_) cursors.push_back(std::make_unique<Cursor>(*spill_, run));
  const auto behind = [](const auto& a, const auto& b) { return *a > *b; };
  std::ranges::make_heap(cursors, behind);
  for (std::size_t i = 0; !cursors.empty(); ++i) {
    if (i % kCheckEvery == 0) context.check("index", "IDs");
    std::ranges::pop_heap(cursors, behind);
    Cursor& first = *cursors.back();
    visit(first.key(), first.place());
    first.advance();
    if (first.at_end()) {
      cursors.pop_back();
    } else {
      std::ranges::push_heap(cursors, behind);
    }
  }
}

}  // namespace cnf::vcfs3
