// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

namespace cnf {

using ByteSpan = std::span<const std::byte>;
using MutableByteSpan = std::span<std::byte>;

/// The bytes of a string, without a copy; valid as long as the string is.
[[nodiscard]] inline ByteSpan as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span(text.data(), text.size()));
}
[[nodiscard]] inline std::string_view as_text(ByteSpan bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A growable run of bytes that are not zeroed first: what is downloaded or decoded is written
/// once.
///
/// Move-only. Threads: as a std::vector.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t size) { resize(size); }
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() = default;

  /// A buffer that holds a copy of `bytes`.
  [[nodiscard]] static Buffer copy_of(ByteSpan bytes);

  [[nodiscard]] std::byte* data() noexcept { return data_.get(); }
  [[nodiscard]] const std::byte* data() const noexcept { return data_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] MutableByteSpan span() noexcept { return {data_.get(), size_}; }
  [[nodiscard]] ByteSpan span() const noexcept { return {data_.get(), size_}; }
  // NOLINTNEXTLINE(google-explicit-constructor): a view, as std::string has one of std::string_view
  operator ByteSpan() const noexcept { return span(); }

  /// Grows or shrinks; new bytes are indeterminate. Old bytes stay. Throws std::bad_alloc.
  void resize(std::size_t size);
  void reserve(std::size_t capacity);
  void clear() noexcept { size_ = 0; }
  /// `bytes` must not lie in this buffer: growing moves it.
  void append(ByteSpan bytes);
  /// Makes room for `size` more bytes and returns them, indeterminate.
  [[nodiscard]] MutableByteSpan extend(std::size_t size);

 private:
  std::unique_ptr<std::byte[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// Buffers that are used again instead of freed, at most `max_retained` bytes of them.
///
/// Threads: every member may be called concurrently. Must outlive nothing: give() after take() is
/// up to the caller, and a buffer that is never given back is simply freed. When there is no room
/// for a buffer that is given back, smaller ones are freed for it: the large ones cost most to make
/// again.
class BufferPool {
 public:
  explicit BufferPool(std::size_t max_retained) : max_retained_(max_retained) {}

  /// A buffer of `size` indeterminate bytes; its capacity may be up to four times that.
  [[nodiscard]] Buffer take(std::size_t size);
  void give(Buffer buffer) noexcept;
  [[nodiscard]] std::size_t retained() const noexcept;

 private:
  const std::size_t max_retained_;
  mutable std::mutex mutex_;
  std::vector<Buffer> free_;  // guarded by mutex_, ascending capacity
  std::size_t retained_ = 0;  // guarded by mutex_
};

}  // namespace cnf
