// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "cnf/core/util/buffer.h"

namespace cnf::em {

/// Planes that cost something to decode, each decoded once, when it is first needed, into a
/// temporary file without a name: memory stays free however a box crosses the planes, and nothing
/// is left behind in whatever way the process ends. The file has holes where nothing was needed.
///
/// Threads: need() and plane() may be called concurrently; write() by the thread that decodes.
class PlaneFile {
 public:
  /// Throws Error out_of_space, permission_denied, unavailable.
  PlaneFile(std::size_t planes, std::uint64_t plane_bytes, std::string subject);
  ~PlaneFile();
  PlaneFile(const PlaneFile&) = delete;
  PlaneFile& operator=(const PlaneFile&) = delete;

  /// Returns when the planes [begin, end) are there. `decode` is called, without a lock, for each
  /// that is not and that no other thread has in hand; it calls write(). What it throws is thrown
  /// here, and the plane is tried again by whoever needs it next.
  void need(std::size_t begin, std::size_t end, const std::function<void(std::size_t)>& decode);
  /// Bytes of a plane, from `offset` on. Throws Error out_of_space, unavailable.
  void write(std::size_t plane, std::uint64_t offset, ByteSpan bytes);
  /// A plane that need() has returned for.
  [[nodiscard]] ByteSpan plane(std::size_t plane) const noexcept;

 private:
  enum class State : std::uint8_t { absent, in_hand, there };
  [[nodiscard]] std::size_t next_absent(std::size_t begin, std::size_t end) const noexcept;

  std::uint64_t plane_bytes_;
  std::string subject_;
  std::vector<State> states_;  // guarded by mutex_
  int fd_ = -1;
  std::uint64_t size_ = 0;
  void* mapped_ = nullptr;
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace cnf::em
