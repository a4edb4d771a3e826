// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdint>
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
#include "cnf/core/storage/keys.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

using std::chrono::milliseconds;

// A clock that other processes have, too.
std::int64_t now_ms() {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

struct Note {
  std::int64_t noted_ms = 0;
  FileInfo info;
};

Buffer encode(const FileInfo& info, std::int64_t noted_ms) {
  Buffer bytes;
  ByteWriter out(bytes);
  out.put(noted_ms);
  out.put(info.size);
  out.put(std::int64_t{info.modified.time_since_epoch().count()});
  out.put_string(info.etag);
  out.put_string(info.storage_class);
  return bytes;
}

std::optional<Note> decode(ByteSpan bytes, std::string_view key) {
  try {
    ByteReader in(bytes, "a note of the cache");
    Note note;
    note.noted_ms = in.get<std::int64_t>();
    note.info.key = key;
    note.info.size = in.get<std::uint64_t>();
    note.info.modified = std::chrono::sys_seconds(std::chrono::seconds(in.get<std::int64_t>()));
    note.info.etag = in.get_string();
    note.info.storage_class = in.get_string();
    return note;
  } catch (const Error&) {
    return std::nullopt;  // written by a version that noted something else
  }
}

}  // namespace

bool is_never_cached(std::string_view key) {
  if (key.ends_with(".json")) return true;
  for (std::size_t begin = 0; begin < key.size();) {
    if (key[begin] == '_' || key[begin] == '.') return true;
    const std::size_t slash = key.find('/', begin);
    begin = slash == std::string_view::npos ? key.size() : slash + 1;
  }
  return false;
}

bool is_strong(std::string_view etag) { return !etag.empty() && !etag.starts_with("W/"); }

void Flight::land(std::shared_ptr<const Buffer> bytes) {
  {
    const std::lock_guard lock(mutex_);
    landed_ = true;
    bytes_ = std::move(bytes);
  }
  changed_.notify_all();
}

Flight::Outcome Flight::wait(const Context& context) {
  std::unique_lock lock(mutex_);
  const bool landed =
      changed_.wait_until(lock, context.stop(), context.deadline(), [this] { return landed_; });
  return {landed, bytes_};
}

Cache::Cache(std::unique_ptr<BlockStore> blocks, std::string identity, std::uint64_t block_size,
             std::chrono::milliseconds ttl)
    : blocks_(std::move(blocks)),
      identity_(std::move(identity)),
      block_size_(block_size),
      ttl_(ttl) {}

// The parts of a name are told apart by newlines, which neither keys nor ETags have.
std::string Cache::name_of_block(const FileInfo& info, std::uint64_t number) const {
  return block_name(join_key(identity_, info.key) + "\nblock\n" + info.etag + '\n' +
                    std::to_string(block_size_) + '\n' + std::to_string(number));
}

std::string Cache::name_of_info(std::string_view key) const {
  return block_name(join_key(identity_, key) + "\ninfo");
}

std::optional<Cache::Known> Cache::known(std::string_view key) const {
  const std::shared_ptr<const Buffer> bytes = blocks_->get(name_of_info(key));
  if (!bytes) return std::nullopt;
  std::optional<Note> note = decode(*bytes, key);
  if (!note) return std::nullopt;
  const std::int64_t age = now_ms() - note->noted_ms;
  // Below 0 the clock was set back: then nobody knows how old it is.
  return Known{std::move(note->info), age >= 0 && age < ttl_.count()};
}

void Cache::note(std::span<const FileInfo> infos, std::uint64_t changes_before) {
  const std::int64_t now = now_ms();
  std::vector<BlockStore::Entry> entries;
  std::vector<Buffer> bytes;
  bytes.reserve(infos.size());  // entries hold views of them
  for (const FileInfo& info : infos) {
    if (!is_strong(info.etag)) continue;
    bytes.push_back(encode(info, now));
    entries.push_back({name_of_info(info.key), bytes.back().span()});
  }
  if (changes_ != changes_before) return;
  blocks_->put(entries);
  // What changed meanwhile was forgotten before it was noted.
  if (changes_ == changes_before) return;
  for (const BlockStore::Entry& entry : entries) blocks_->forget(entry.name);
}

void Cache::forget(std::string_view key) {
  ++changes_;
  blocks_->forget(name_of_info(key));
}

Cache::Claim Cache::claim(const std::string& block) {
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = flights_.try_emplace(block);
  if (is_new) at->second = std::make_shared<Flight>();
  return {at->second, is_new};
}

void Cache::end(const std::string& block) {
  const std::lock_guard lock(mutex_);
  flights_.erase(block);
}

}  // namespace cnf::storage
