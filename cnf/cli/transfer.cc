// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/transfer.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "cnf/cli/same_object.h"
#include "cnf/cli/session.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/scan.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"

namespace cnf::cli {
namespace {

// An object this small is read and written whole, in one request each.
constexpr std::uint64_t kSmall = std::uint64_t{4} << 20;

// What was stored, and the CRC32C of what was read for it, if somebody will ask; none if the store
// copied by itself.
struct Stored {
  storage::FileInfo info;
  std::optional<std::uint32_t> crc;
};

Stored copy_small(const Route& route, const storage::FileInfo& info, const std::string& to,
                  const Context& context) {
  const storage::Object object = route.from->read_all(info.key, info.size, context);
  if (object.bytes.size() != info.size) {
    throw Error(Errc::corrupt_data, "copy", route.from->uri(info.key),
                fmt::format("it had {} bytes and now has {}", info.size, object.bytes.size()),
                "somebody writes to it; copy it again");
  }
  Stored stored{route.to->put(to, object.bytes, route.write, context), std::nullopt};
  if (route.check == Route::Check::read_back) stored.crc = crc32c(object.bytes);
  return stored;
}

Stored copy_large(const Route& route, const storage::FileInfo& info, const std::string& to,
                  Session& session, Progress& progress) {
  storage::WriteOptions write = route.write;
  write.size_hint = info.size;
  const auto writer = route.to->create(to, write, session.context());
  std::optional<std::uint32_t> crc;
  if (route.check == Route::Check::read_back) crc = 0;
  storage::scan(*route.from, info, {.window = scan_window(session)}, session.context(),
                [&](ByteSpan bytes) {
                  if (crc) crc = crc32c(bytes, *crc);
                  writer->write(bytes);
                  progress.add(bytes.size(), 0);
                });
  return {writer->commit(), crc};
}

// Nullopt where the store cannot copy this object by itself.
std::optional<Stored> copy_within_store(const Route& route, const storage::FileInfo& info,
                                        const std::string& to, const Context& context) {
  try {
    return Stored{route.to->copy(info.key, to, route.write, context), std::nullopt};
  } catch (const Error& error) {
    if (error.code() == Errc::unsupported) return std::nullopt;
    throw;
  }
}

Stored send(const Route& route, const storage::FileInfo& info, const std::string& to,
            Session& session, Progress& progress) {
  if (route.within_store) {
    if (auto stored = copy_within_store(route, info, to, session.context())) {
      progress.add(info.size, 0);
      return *std::move(stored);
    }
  }
  if (info.size > kSmall) return copy_large(route, info, to, session, progress);
  Stored stored = copy_small(route, info, to, session.context());
  progress.add(info.size, 0);
  return stored;
}

void read_back(const Route& route, const storage::FileInfo& source, Stored stored,
               const std::string& to, const Session& session) {
  const std::uint64_t window = scan_window(session);
  const std::uint32_t wanted =
      stored.crc ? *stored.crc : content_crc(*route.from, source, window, session.context());
  stored.info.key = to;
  const std::uint32_t got = content_crc(*route.to, stored.info, window, session.context());
  if (got == wanted) return;
  throw Error(Errc::corrupt_data, "copy", route.to->uri(to),
              fmt::format("what was stored has crc32c {:#x}, the source {:#x}", got, wanted),
              "remove it and copy it again");
}

// True if what is at the target is a copy already; throws already_exists if it is anything else
// and may not be replaced.
bool is_there(const Route& route, const storage::FileInfo& info, const std::string& to,
              const storage::FileInfo& existing, const Session& session) {
  if (is_copy(route, info, existing, session.options().storage.part_size, scan_window(session),
              session.context())) {
    return true;
  }
  if (route.write.condition.kind() != storage::Condition::Kind::if_absent) return false;
  throw Error(Errc::already_exists, "copy to", route.to->uri(to),
              "it exists and is not known to be a copy of " + route.from->uri(info.key),
              "--overwrite replaces it");
}

}  // namespace

void MemoryBudget::acquire(std::uint64_t bytes, const Context& context) {
  std::unique_lock lock(mutex_);
  const bool admitted = changed_.wait(lock, context.stop(), [&] {
    return used_ == 0 || (bytes <= bytes_ && used_ <= bytes_ - bytes);
  });
  if (!admitted) context.check("wait for", "memory");
  used_ += bytes;
}

void MemoryBudget::release(std::uint64_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    used_ -= bytes;
  }
  changed_.notify_all();
}

void verify_size(const storage::FileInfo& stored, std::uint64_t expected, const std::string& uri) {
  if (stored.size == expected) return;
  throw Error(Errc::corrupt_data, "copy", uri,
              fmt::format("{} bytes were stored, the source has {}", stored.size, expected),
              "remove it and copy it again");
}

Copied copy_object(const Route& route, const storage::FileInfo& info, const std::string& to,
                   const std::optional<storage::FileInfo>& existing, Session& session,
                   Progress& progress) {
  session.context().check("copy", route.from->uri(info.key));
  if (existing && is_there(route, info, to, *existing, session)) {
    progress.add(info.size, 0);
    session.detail(fmt::format("kept {}", route.to->uri(to)));
    return Copied::was_there;
  }
  const Stored stored = send(route, info, to, session, progress);
  verify_size(stored.info, info.size, route.to->uri(to));
  if (route.check == Route::Check::read_back) read_back(route, info, stored, to, session);
  session.detail(fmt::format("copied {} to {}", route.from->uri(info.key), route.to->uri(to)));
  return Copied::sent;
}

std::uint64_t copy_memory(std::uint64_t size, const Session& session) {
  const storage::Options& options = session.options().storage;
  const std::uint64_t parts = options.part_size * (options.concurrency + std::uint64_t{1});
  return size <= kSmall ? size : 2 * scan_window(session) + std::min(parts, size);
}

std::uint64_t scan_window(const Session& session) noexcept {
  return std::clamp<std::uint64_t>(session.options().memory / 16, 256 << 10, 16 << 20);
}

std::uint64_t requests_to_read(std::uint64_t bytes) noexcept {
  return std::max<std::uint64_t>(1, (bytes + kSmall - 1) / kSmall);
}

std::uint64_t requests_to_write(std::uint64_t bytes, const Session& session) noexcept {
  const std::uint64_t part = session.options().storage.part_size;
  if (bytes <= part) return 1;
  return (bytes + part - 1) / part + 2;  // and one to begin the upload, one to complete it
}

}  // namespace cnf::cli
