// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
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
  /// What is done about an object that is at the target already.
  enum class Resume : std::uint8_t {
    no,           ///< It was not looked for: the write's condition decides.
    by_evidence,  ///< It stays if it is known to be a copy of the source's: see same_object.h.
    by_size,      ///< It stays if it has the source's size.
  };
  Resume resume = Resume::no;
  enum class Check : std::uint8_t { size, read_back };
  Check check = Check::size;  ///< read_back: what was stored is read again and compared.
};

enum class Copied : std::uint8_t { sent, was_there };

/// Copies one object in bounded memory and verifies that what was stored has the source's size, or
/// its bytes if the route says so. `info` is what `route.from` says of it, `existing` what is at
/// the target, if that was looked for. Throws Error; then nothing of it is visible, but for
/// corrupt_data of an object that was read back.
Copied copy_object(const Route& route, const storage::FileInfo& info, const std::string& to,
                   const std::optional<storage::FileInfo>& existing, Session& session,
                   Progress& progress);

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
