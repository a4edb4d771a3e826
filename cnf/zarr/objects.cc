// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/worker/pool.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/json_internal.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/objects_internal.h"
#include "cnf/zarr/shard.h"

namespace cnf::zarr {
namespace {

constexpr std::uint64_t kMostKept = std::uint64_t{64} << 20;
/// Threads that wait for the store where it is asked object by object.
constexpr std::size_t kAskers = 16;
[[nodiscard]] std::uint64_t memory_of(const ObjectIndex& index) {
  constexpr std::uint64_t kNode = 128;  // of the map, and what is shared
  return kNode + index.entries.size() * sizeof(ShardEntry);
}

}  // namespace

bool is_far(const storage::Storage& storage) {
  constexpr std::uint64_t kFarGap = std::uint64_t{64} << 10;
  return storage.read_profile().gap >= kFarGap;
}

Objects::Objects(std::shared_ptr<const storage::Storage> storage, std::string path,
                 const ArrayMetadata& array, ObjectLengths lengths)
    : storage_(std::move(storage)),
      path_(std::move(path)),
      array_(array),
      lengths_(std::move(lengths)),
      counts_(chunk::Grid(array.shape, array.chunk).counts()) {
  if (const Sharding* sharding = array.sharding()) {
    chunks_ = chunk::Grid(array.chunk, sharding->chunk).counts().elements();
    index_bytes_ = shard_index_bytes(*sharding, chunks_);
  }
}

std::string Objects::key_of(std::uint64_t number) const {
  Shape place = counts_;
  for (std::size_t axis = place.size(); axis-- > 0;) {
    place[axis] = number % counts_[axis];
    number /= counts_[axis];
  }
  const std::string key = array_.chunk_key(place);
  return path_.empty() ? key : path_ + "/" + key;
}

std::vector<Objects::Found> Objects::find(std::span<const std::uint64_t> numbers,
                                          const Context& context) const {
  std::vector<Found> found(numbers.size());
  std::vector<std::uint64_t> unknown;
  std::vector<std::size_t> places;
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const auto known = known_.find(numbers[i]);
      if (known != known_.end()) {
        found[i] = known->second;
      } else {
        unknown.push_back(numbers[i]);
        places.push_back(i);
      }
    }
  }
  if (unknown.empty()) return found;
  const std::vector<Found> loaded = load(unknown, context);
  for (std::size_t i = 0; i < places.size(); ++i) found[places[i]] = loaded[i];
  keep(unknown, loaded);
  return found;
}

void Objects::keep(std::span<const std::uint64_t> numbers, std::span<const Found> found) const {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::uint64_t bytes = memory_of(*found[i]);
    if (bytes > kMostKept) continue;
    if (kept_bytes_ + bytes > kMostKept) {  // which ones come again, nobody knows
      known_.clear();
      kept_bytes_ = 0;
    }
    if (known_.emplace(numbers[i], found[i]).second) kept_bytes_ += bytes;
  }
}

std::vector<Objects::Found> Objects::load(std::span<const std::uint64_t> numbers,
                                          const Context& context) const {
  std::vector<std::string> keys;
  keys.reserve(numbers.size());
  for (const std::uint64_t number : numbers) keys.push_back(key_of(number));
  if (lengths_) return load_with_lengths(keys, context);

  std::vector<Found> found(keys.size());
  if (!is_far(*storage_) || keys.size() == 1) {
    for (std::size_t i = 0; i < keys.size(); ++i) found[i] = load_one(keys[i], context);
    return found;
  }
  worker::Pool pool(std::min(kAskers, keys.size()), context);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    pool.submit([&, i] { found[i] = load_one(keys[i], context); });
  }
  pool.wait();
  return found;
}

std::vector<Objects::Found> Objects::load_with_lengths(std::span<const std::string> keys,
                                                       const Context& context) const {
  const std::vector<std::optional<std::uint64_t>> lengths = lengths_(keys, context);
  if (lengths.size() != keys.size()) {
    throw Error(Errc::internal, "read", storage_->uri(path_), "not every object's length was told");
  }
  std::vector<Buffer> saved(keys.size());
  std::vector<storage::FetchRequest> requests;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!lengths[i] || array_.sharding() == nullptr) continue;
    if (*lengths[i] < index_bytes_) {
      refuse(storage_->uri(keys[i]), "the shard is shorter than its index");
    }
    saved[i].resize(index_bytes_);
    requests.push_back({.key = keys[i],
                        .offset = array_.sharding()->index_at_end ? *lengths[i] - index_bytes_ : 0,
                        .into = saved[i].span()});
  }
  if (!requests.empty()) storage_->fetch(requests, context);
  std::vector<Found> found(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!lengths[i]) {
      found[i] = std::make_shared<const ObjectIndex>();
    } else if (array_.sharding() == nullptr) {
      found[i] =
          std::make_shared<const ObjectIndex>(ObjectIndex{.exists = true, .bytes = *lengths[i]});
    } else {
      found[i] = shard_of(saved[i], *lengths[i], keys[i]);
    }
  }
  return found;
}

Objects::Found Objects::load_one(const std::string& key, const Context& context) const {
  const Sharding* sharding = array_.sharding();
  if (sharding == nullptr || !sharding->index_at_end) {
    const std::optional<storage::FileInfo> info = storage_->try_stat(key, context);
    if (!info) return std::make_shared<const ObjectIndex>();
    if (sharding == nullptr) {
      return std::make_shared<const ObjectIndex>(ObjectIndex{.exists = true, .bytes = info->size});
    }
    Buffer saved(std::min(index_bytes_, info->size));
    storage_->open(key)->read_at(0, saved.span(), context);
    return shard_of(saved, info->size, key);
  }
  try {
    const storage::Object tail = storage_->read_tail(key, index_bytes_, context);
    return shard_of(tail.bytes, tail.info.size, key);
  } catch (const Error& error) {
    if (error.code() != Errc::not_found) throw;
    return std::make_shared<const ObjectIndex>();
  }
}

Objects::Found Objects::shard_of(ByteSpan saved, std::uint64_t bytes,
                                 const std::string& key) const {
  return std::make_shared<const ObjectIndex>(ObjectIndex{
      .exists = true,
      .bytes = bytes,
      .entries = parse_shard_index(*array_.sharding(), chunks_, saved, bytes, storage_->uri(key))});
}

}  // namespace cnf::zarr
