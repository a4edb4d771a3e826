// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"

namespace cnf::storage {

Reader::Reader(std::shared_ptr<const Storage> storage, std::string key)
    : storage_(std::move(storage)), key_(std::move(key)) {}

std::uint64_t Reader::size(const Context& context) const {
  const std::lock_guard lock(mutex_);  // held over the request: others wait for its answer
  if (!info_) info_ = storage_->stat(key_, context);
  return info_->size;
}

std::string Reader::etag() const {
  const std::lock_guard lock(mutex_);
  return info_ ? info_->etag : std::string();
}

std::size_t Reader::read(MutableByteSpan into, const Context& context) {
  const std::uint64_t end = size(context);
  if (position_ >= end) return 0;
  const std::size_t count = std::min<std::uint64_t>(into.size(), end - position_);
  read_at(position_, into.first(count), context);
  position_ += count;
  return count;
}

void Reader::read_at(std::uint64_t offset, MutableByteSpan into, const Context& context) const {
  FetchRequest request{key_, offset, into, etag()};
  storage_->fetch(std::span(&request, 1), context);
}

void Reader::read_ranges(std::span<const Range> ranges, const Context& context) const {
  const std::string pinned = etag();
  std::vector<FetchRequest> requests;
  requests.reserve(ranges.size());
  for (const Range& range : ranges) requests.push_back({key_, range.offset, range.into, pinned});
  storage_->fetch(requests, context);
}

}  // namespace cnf::storage
