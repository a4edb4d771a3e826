// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/util/buffer.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

namespace cnf {
namespace {

// memcpy may not be given a null pointer, and an empty span may hold one.
void copy_bytes(std::byte* to, const std::byte* from, std::size_t size) {
  if (size != 0) std::memcpy(to, from, size);
}

}  // namespace

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::move(other.data_)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this == &other) return *this;
  data_ = std::move(other.data_);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  return *this;
}

Buffer Buffer::copy_of(ByteSpan bytes) {
  Buffer copy(bytes.size());
  copy_bytes(copy.data(), bytes.data(), bytes.size());
  return copy;
}

void Buffer::reserve(std::size_t capacity) {
  if (capacity <= capacity_) return;
  auto grown = std::make_unique_for_overwrite<std::byte[]>(capacity);
  copy_bytes(grown.get(), data_.get(), size_);
  data_ = std::move(grown);
  capacity_ = capacity;
}

void Buffer::resize(std::size_t size) {
  // Half as much again, so that n appends move each byte a bounded number of times.
  if (size > capacity_) reserve(std::max(size, capacity_ + capacity_ / 2));
  size_ = size;
}

void Buffer::append(ByteSpan bytes) {
  const MutableByteSpan room = extend(bytes.size());
  copy_bytes(room.data(), bytes.data(), bytes.size());
}

MutableByteSpan Buffer::extend(std::size_t size) {
  if (size > std::numeric_limits<std::size_t>::max() - size_) throw std::bad_array_new_length();
  const std::size_t start = size_;
  resize(start + size);
  return span().subspan(start);
}

Buffer BufferPool::take(std::size_t size) {
  {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::lower_bound(free_.begin(), free_.end(), size,
                         [](const Buffer& b, std::size_t want) { return b.capacity() < want; });
    if (found != free_.end() && found->capacity() / 4 <= size) {
      Buffer buffer = std::move(*found);
      free_.erase(found);
      retained_ -= buffer.capacity();
      buffer.resize(size);
      return buffer;
    }
  }
  return Buffer(size);
}

void BufferPool::give(Buffer buffer) noexcept try {
  const std::size_t capacity = buffer.capacity();
  if (capacity == 0 || capacity > max_retained_) return;
  buffer.clear();
  const std::lock_guard lock(mutex_);
  std::size_t room = max_retained_ - retained_;
  auto smallest_kept = free_.begin();
  while (room < capacity && smallest_kept != free_.end() && smallest_kept->capacity() < capacity) {
    room += smallest_kept->capacity();
    ++smallest_kept;
  }
  if (room < capacity) return;
  free_.erase(free_.begin(), smallest_kept);
  retained_ = max_retained_ - room;
  const auto place =
      std::upper_bound(free_.begin(), free_.end(), capacity,
                       [](std::size_t size, const Buffer& b) { return size < b.capacity(); });
  free_.insert(place, std::move(buffer));
  retained_ += capacity;
} catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): nothing is left to do
  // No room to remember the buffer: it is freed, which is what a full pool does too.
}

std::size_t BufferPool::retained() const noexcept {
  const std::lock_guard lock(mutex_);
  return retained_;
}

}  // namespace cnf
