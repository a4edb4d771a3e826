// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>

#include "cnf/cli/session.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"

namespace cnf::cli {

/// Memory that is lent to transfers, so that many small ones or few large ones run at once.
/// Threads: every member may be called concurrently.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::uint64_t bytes) : bytes_(bytes) {}

  /// Waits until there is room; one that exceeds the whole budget is let in alone. Throws
  /// cancelled.
  void acquire(std::uint64_t bytes, const Context& context);
  void release(std::uint64_t bytes);

 private:
  const std::uint64_t bytes_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t used_ = 0;  // guarded by mutex_
};

/// How one store's objects become another's (or the same one's).
struct Route {
  std::shared_ptr<storage::Storage> from;
  std::shared_ptr<storage::Storage> to;
  bool within_store = false;  ///< The store can copy by itself: from and to are the same.
  storage::WriteOptions write = {};
};

/// Copies one object in bounded memory and verifies that what was stored has the source's size.
/// `info` is what `route.from` says of it. Throws Error; then nothing of it is visible.
void copy_object(const Route& route, const storage::FileInfo& info, const std::string& to,
                 Session& session, Progress& progress);

/// The most memory that copy_object takes for an object of `size` bytes.
[[nodiscard]] std::uint64_t copy_memory(std::uint64_t size, const Session& session);

/// Throws Error corrupt_data unless as many bytes were stored as the source has.
void verify_size(const storage::FileInfo& stored, std::uint64_t expected, const std::string& uri);

/// Bytes of an object that are read ahead.
[[nodiscard]] std::uint64_t scan_window(const Session& session) noexcept;

// Requests that a transfer of so many bytes takes.
[[nodiscard]] std::uint64_t requests_to_read(std::uint64_t bytes) noexcept;
[[nodiscard]] std::uint64_t requests_to_write(std::uint64_t bytes, const Session& session) noexcept;

}  // namespace cnf::cli
