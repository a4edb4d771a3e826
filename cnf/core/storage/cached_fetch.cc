// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/storage/block_store_internal.h"
#include "cnf/core/storage/cache_internal.h"
#include "cnf/core/storage/parallel_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

constexpr std::uint64_t kWindow = std::uint64_t{64} << 20;     // bytes of blocks held at a time
constexpr std::uint64_t kMostAtOnce = std::uint64_t{4} << 20;  // of a request: 16 fill a window
constexpr std::size_t kStatsAtOnce = 16;

// Neighbouring transfers of one object, and the version of it that they read.
struct Group {
  std::size_t begin = 0, end = 0;      // in the transfers
  FileInfo info = {};                  // its ETag is empty while no version is known
  bool assumed = false;                // known from earlier: nobody is told before confirmed, if
                                       // anything must be fetched
  bool confirmed = false;              // the store gave bytes of this version
  std::vector<std::size_t> held = {};  // transfers that wait for that
  bool reported = false;               // the outcome of one of them is known to others
  bool replaced = false;
};

struct Block {
  std::size_t group = 0;
  std::uint64_t number = 0;
  std::uint64_t length = 0;
  std::vector<std::size_t> transfers = {};
  std::string name = {};
  std::shared_ptr<Flight> flight = {};
  std::shared_ptr<Buffer> bytes = {};
};

// The bytes of [begin, begin + bytes.size()) of the object, to where a transfer wants them.
void copy_part(const Transfer& transfer, std::uint64_t begin, ByteSpan bytes) {
  std::uint64_t at = transfer.offset;
  const std::uint64_t end = begin + bytes.size();
  for (const Transfer::Piece& piece : transfer.pieces) {
    at += piece.skip;
    if (at >= end) return;
    const std::uint64_t piece_end = at + piece.into.size();
    const std::uint64_t from = std::max(at, begin);
    const std::uint64_t to = std::min(piece_end, end);
    if (from < to) {
      std::memcpy(piece.into.data() + (from - at), bytes.data() + (from - begin), to - from);
    }
    at = piece_end;
  }
}

class CachedFetch {
 public:
  CachedFetch(Cache& cache, const CacheSource& source, std::span<const Transfer> transfers,
              const Context& context, const TransferDone& done)
      : cache_(cache),
        source_(source),
        transfers_(transfers),
        context_(context),
        done_(done),
        states_(transfers.size()) {}

  void run();

 private:
  struct State {
    std::size_t group = 0;
    std::size_t left = 0;  // blocks it waits for
    bool sent = false;     // a request of ours serves it
    bool over = false;
  };
  enum class Ask : std::uint8_t { if_unsure, always };

  void make_groups();
  [[nodiscard]] std::vector<std::size_t> resolve(std::vector<std::size_t> groups, Ask ask);
  [[nodiscard]] bool know(Group& group) const;
  void ask(Group& group, std::optional<FileInfo>& answer);
  void settle(Group& group, const std::optional<FileInfo>& answer);

  [[nodiscard]] std::vector<Block> blocks_of(const std::vector<std::size_t>& groups);
  void read_blocks(std::vector<Block> blocks);
  std::size_t take_window(std::span<Block> blocks, std::vector<Block*>& ours,
                          std::vector<Block*>& others);
  [[nodiscard]] bool is_wanted(const Block& block);
  void fetch_window(const std::vector<Block*>& ours);
  [[nodiscard]] std::vector<std::vector<Block*>> runs_of(const std::vector<Block*>& ours) const;
  void keep(const std::vector<Block*>& ours);

  void send_as_they_are(const std::vector<std::size_t>& which);
  enum class From : std::uint8_t { cache, store };
  void deliver(const Block& block, ByteSpan bytes, From from);
  void release(Group& group);
  void fail(std::span<const std::size_t> which, const Error& error);

  Cache& cache_;
  const CacheSource& source_;
  std::span<const Transfer> transfers_;
  const Context& context_;
  const TransferDone& done_;
  std::vector<Group> groups_;
  std::vector<std::size_t> direct_;  // transfers that the cache is no use for
  std::mutex mutex_;                 // guards states_ and flags of groups_ while requests are out
  std::vector<State> states_;
};

void CachedFetch::run() {
  make_groups();
  std::vector<std::size_t> all(groups_.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  read_blocks(blocks_of(resolve(std::move(all), Ask::if_unsure)));

  // Of what was replaced since the store was asked, nobody was told a byte: it is read anew.
  std::vector<std::size_t> replaced;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    if (!groups_[i].replaced) continue;
    cache_.forget(transfers_[groups_[i].begin].key);
    groups_[i].replaced = false;
    replaced.push_back(i);
  }
  if (!replaced.empty()) read_blocks(blocks_of(resolve(std::move(replaced), Ask::always)));
  send_as_they_are(std::exchange(direct_, {}));
}

void CachedFetch::make_groups() {
  const bool usable = cache_.blocks().is_usable();
  for (std::size_t i = 0; i < transfers_.size(); ++i) {
    const Transfer& transfer = transfers_[i];
    if (!usable || is_never_cached(transfer.key)) {
      direct_.push_back(i);
      continue;
    }
    const bool joins = !groups_.empty() && groups_.back().end == i &&
                       transfers_[i - 1].key == transfer.key &&
                       transfers_[i - 1].etag == transfer.etag;
    if (!joins) groups_.push_back({.begin = i, .end = i});
    groups_.back().end = i + 1;
    states_[i].group = groups_.size() - 1;
  }
}

// Finds the version that each group reads. Returns the groups that have one; the transfers of the
// others are over, or go directly.
std::vector<std::size_t> CachedFetch::resolve(std::vector<std::size_t> groups, Ask ask_when) {
  std::vector<std::size_t> unsure;
  for (const std::size_t i : groups) {
    if (ask_when == Ask::always || !know(groups_[i])) unsure.push_back(i);
  }
  std::vector<std::optional<FileInfo>> answers(unsure.size());
  const std::uint64_t changes = cache_.changes();
  parallel_for(unsure.size(), kStatsAtOnce,
               [&](std::size_t i) { ask(groups_[unsure[i]], answers[i]); });
  std::vector<FileInfo> infos;
  for (std::size_t i = 0; i < unsure.size(); ++i) {
    settle(groups_[unsure[i]], answers[i]);
    if (answers[i]) infos.push_back(*std::move(answers[i]));
  }
  if (!infos.empty()) cache_.note(infos, changes);
  std::erase_if(groups, [&](std::size_t i) { return groups_[i].info.etag.empty(); });
  return groups;
}

// True if the store need not be asked.
bool CachedFetch::know(Group& group) const {
  const Transfer& first = transfers_[group.begin];
  std::optional<Cache::Known> known = cache_.known(first.key);
  if (!known) return false;
  if (first.etag.empty() ? !known->fresh : known->info.etag != first.etag) return false;
  group.assumed = first.etag.empty();
  group.info = std::move(known->info);
  return true;
}

void CachedFetch::ask(Group& group, std::optional<FileInfo>& answer) {
  std::vector<std::size_t> which;
  for (std::size_t i = group.begin; i < group.end; ++i) which.push_back(i);
  const std::string_view key = transfers_[group.begin].key;
  try {
    answer = source_.stat_below(key, context_);
    if (answer) {
      answer->key = key;
    } else {
      fail(which, Error(Errc::not_found, "read", source_.uri_below(key), "no such object"));
    }
  } catch (const Error& error) {
    // Some may read what they may not ask about.
    if (error.code() != Errc::permission_denied && error.code() != Errc::unsupported) {
      fail(which, error);
    }
  }
}

void CachedFetch::settle(Group& group, const std::optional<FileInfo>& answer) {
  const std::string_view wanted = transfers_[group.begin].etag;
  group.assumed = group.confirmed = false;
  group.held.clear();
  group.info = {};
  if (answer && is_strong(answer->etag) && (wanted.empty() || wanted == answer->etag)) {
    group.info = *answer;
    return;
  }
  for (std::size_t i = group.begin; i < group.end; ++i) {
    if (!states_[i].over) direct_.push_back(i);
  }
}

std::vector<Block> CachedFetch::blocks_of(const std::vector<std::size_t>& groups) {
  const std::uint64_t size = cache_.block_size();
  std::vector<Block> blocks;
  for (const std::size_t g : groups) {
    const Group& group = groups_[g];
    const std::size_t first_of_group = blocks.size();
    for (std::size_t i = group.begin; i < group.end; ++i) {
      if (states_[i].over) continue;
      const Transfer& transfer = transfers_[i];
      const std::uint64_t end = transfer.offset + transfer.length;
      if (end > group.info.size) {
        fail(std::span(&i, 1), Error(Errc::corrupt_data, "read", source_.uri_below(transfer.key),
                                     "it ends at " + std::to_string(group.info.size) +
                                         ", before byte " + std::to_string(end)));
        continue;
      }
      const std::uint64_t first = transfer.offset / size;
      const std::uint64_t last = (end - 1) / size;
      states_[i] = {.group = g, .left = last - first + 1};
      for (std::uint64_t number = first; number <= last; ++number) {
        // Transfers ascend, so a block that is there is near the end.
        std::size_t at = blocks.size();
        while (at > first_of_group && blocks[at - 1].number > number) --at;
        if (at == first_of_group || blocks[at - 1].number != number) {
          const std::uint64_t length = std::min(size, group.info.size - number * size);
          blocks.insert(blocks.begin() + static_cast<std::ptrdiff_t>(at++),
                        {.group = g, .number = number, .length = length});
          blocks[at - 1].name = cache_.name_of_block(group.info, number);
        }
        blocks[at - 1].transfers.push_back(i);
      }
    }
  }
  return blocks;
}

// Ends every claim, also when something is thrown.
class Claims {
 public:
  explicit Claims(Cache& cache) : cache_(cache) {}
  ~Claims() {
    for (const Block* block : blocks) {
      block->flight->land(block->bytes);
      cache_.end(block->name);
    }
  }
  Claims(const Claims&) = delete;
  Claims& operator=(const Claims&) = delete;

  std::vector<Block*> blocks;

 private:
  Cache& cache_;
};

void CachedFetch::read_blocks(std::vector<Block> blocks) {
  std::span<Block> left(blocks);
  std::vector<Block> again;
  while (!left.empty()) {
    std::vector<Block*> others;
    {
      Claims ours(cache_);
      left = left.subspan(take_window(left, ours.blocks, others));
      if (!ours.blocks.empty()) fetch_window(ours.blocks);
    }
    // Nobody waits for us any more, so waiting for others cannot go in a circle.
    for (Block* block : others) {
      const Flight::Outcome outcome = block->flight->wait(context_);
      if (outcome.bytes && outcome.bytes->size() == block->length) {
        deliver(*block, *outcome.bytes, From::cache);
      } else {
        again.push_back(std::move(*block));
      }
    }
    if (left.empty() && !again.empty()) {
      blocks = std::exchange(again, {});
      left = blocks;
    }
  }
  for (Group& group : groups_) release(group);
}

// Delivers what is there and claims what is not, up to a window of it; returns how many it saw.
std::size_t CachedFetch::take_window(std::span<Block> blocks, std::vector<Block*>& ours,
                                     std::vector<Block*>& others) {
  std::uint64_t bytes = 0;
  std::size_t seen = 0;
  for (; seen < blocks.size() && bytes < kWindow; ++seen) {
    Block& block = blocks[seen];
    if (!is_wanted(block)) continue;
    try {
      context_.check("read", transfers_[block.transfers.front()].key);
    } catch (const Error& error) {
      fail(block.transfers, error);
      continue;
    }
    Cache::Claim claim = cache_.claim(block.name);
    block.flight = std::move(claim.flight);
    if (!claim.is_ours) {
      others.push_back(&block);
      continue;
    }
    ours.push_back(&block);
    const std::shared_ptr<const Buffer> known = cache_.blocks().get(block.name);
    if (!known || known->size() != block.length) {
      bytes += block.length;
      continue;
    }
    ours.pop_back();
    block.flight->land(known);
    cache_.end(block.name);
    deliver(block, *known, From::cache);
  }
  return seen;
}

bool CachedFetch::is_wanted(const Block& block) {
  const std::lock_guard lock(mutex_);
  return !groups_[block.group].replaced &&
         std::any_of(block.transfers.begin(), block.transfers.end(),
                     [this](std::size_t i) { return !states_[i].over; });
}

std::vector<std::vector<Block*>> CachedFetch::runs_of(const std::vector<Block*>& ours) const {
  const std::uint64_t most = std::min(kMostAtOnce, source_.max_request_below());
  std::vector<std::vector<Block*>> runs;
  std::uint64_t length = 0;
  for (Block* block : ours) {
    const bool joins = !runs.empty() && runs.back().back()->group == block->group &&
                       runs.back().back()->number + 1 == block->number &&
                       length + block->length <= most;
    if (!joins) {
      runs.emplace_back();
      length = 0;
    }
    runs.back().push_back(block);
    length += block->length;
  }
  return runs;
}

void CachedFetch::fetch_window(const std::vector<Block*>& ours) {
  for (const Block* block : ours) {
    for (const std::size_t i : block->transfers) states_[i].sent = true;
  }
  const std::vector<std::vector<Block*>> runs = runs_of(ours);
  std::vector<Transfer> below;
  std::vector<std::shared_ptr<Buffer>> buffers;
  for (const auto& run : runs) {
    const FileInfo& info = groups_[run.front()->group].info;
    below.push_back({.key = transfers_[groups_[run.front()->group].begin].key,
                     .etag = info.etag,
                     .offset = run.front()->number * cache_.block_size(),
                     .pieces = {}});
    for (const Block* block : run) {
      buffers.push_back(std::make_shared<Buffer>(block->length));
      below.back().length += block->length;
      below.back().pieces.push_back({0, buffers.back()->span()});
    }
  }
  std::vector<std::size_t> first_buffer;
  for (std::size_t i = 0, at = 0; i < runs.size(); at += runs[i++].size()) {
    first_buffer.push_back(at);
  }
  source_.fetch_below(below, context_, [&](std::size_t i, const Error* error) {
    for (std::size_t j = 0; j < runs[i].size(); ++j) {
      Block& block = *runs[i][j];
      if (error != nullptr) {
        fail(block.transfers, *error);
        continue;
      }
      block.bytes = buffers[first_buffer[i] + j];
      block.flight->land(block.bytes);
      deliver(block, *block.bytes, From::store);
    }
  });
  keep(ours);
}

void CachedFetch::keep(const std::vector<Block*>& ours) {
  std::vector<BlockStore::Entry> entries;
  for (const Block* block : ours) {
    if (block->bytes) entries.push_back({block->name, *block->bytes, block->bytes});
  }
  cache_.blocks().put(entries);
}

void CachedFetch::send_as_they_are(const std::vector<std::size_t>& which) {
  if (which.empty()) return;
  std::vector<Transfer> below;
  for (const std::size_t i : which) {
    below.push_back(transfers_[i]);
  }
  source_.fetch_below(below, context_,
                      [&](std::size_t i, const Error* error) { done_(which[i], error); });
}

// A transfer is over with its last block; but one of a version that is only assumed waits until the
// store gave bytes of it, or nothing is wanted of the store.
void CachedFetch::deliver(const Block& block, ByteSpan bytes, From from) {
  for (const std::size_t i : block.transfers) {
    copy_part(transfers_[i], block.number * cache_.block_size(), bytes);
  }
  {
    const std::lock_guard lock(mutex_);
    Group& group = groups_[block.group];
    if (group.replaced) return;
    if (from == From::store) group.confirmed = true;
    for (const std::size_t i : block.transfers) {
      if (!states_[i].over && --states_[i].left == 0) group.held.push_back(i);
    }
    if (group.assumed && !group.confirmed) return;
  }
  release(groups_[block.group]);
}

void CachedFetch::release(Group& group) {
  std::vector<std::size_t> whole;
  {
    const std::lock_guard lock(mutex_);
    if (group.replaced) return;
    whole = std::exchange(group.held, {});
    std::erase_if(whole, [&](std::size_t i) { return std::exchange(states_[i].over, true); });
    if (!whole.empty()) group.reported = true;
  }
  for (const std::size_t i : whole) {
    if (!states_[i].sent) context_.accounting().add_cache_hit();
    done_(i, nullptr);
  }
}

void CachedFetch::fail(std::span<const std::size_t> which, const Error& error) {
  for (const std::size_t i : which) {
    {
      const std::lock_guard lock(mutex_);
      Group& group = groups_[states_[i].group];
      if (group.assumed && !group.reported && error.code() == Errc::corrupt_data) {
        group.replaced = true;
      }
      if (group.replaced || std::exchange(states_[i].over, true)) continue;
      group.reported = true;
    }
    done_(i, &error);
  }
}

}  // namespace

void fetch_cached(Cache& cache, const CacheSource& source, std::span<const Transfer> transfers,
                  const Context& context, const TransferDone& done) {
  CachedFetch(cache, source, transfers, context, done).run();
}

}  // namespace cnf::storage
