// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/transfer.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include <fmt/format.h>

#include "cnf/cli/session.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/scan.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"

namespace cnf::cli {
namespace {

// An object this small is read and written whole, in one request each.
constexpr std::uint64_t kSmall = std::uint64_t{4} << 20;

void copy_small(const Route& route, const storage::FileInfo& info, const std::string& to,
                const Context& context) {
  const storage::Object object = route.from->read_all(info.key, info.size, context);
  if (object.bytes.size() != info.size) {
    throw Error(Errc::corrupt_data, "copy", route.from->uri(info.key),
                fmt::format("it had {} bytes and now has {}", info.size, object.bytes.size()),
                "somebody writes to it; copy it again");
  }
  verify_size(route.to->put(to, object.bytes, route.write, context), info.size, route.to->uri(to));
}

void copy_large(const Route& route, const storage::FileInfo& info, const std::string& to,
                Session& session, Progress& progress) {
  storage::WriteOptions write = route.write;
  write.size_hint = info.size;
  const auto writer = route.to->create(to, write, session.context());
  storage::scan(*route.from, info, {.window = scan_window(session)}, session.context(),
                [&](ByteSpan bytes) {
                  writer->write(bytes);
                  progress.add(bytes.size(), 0);
                });
  verify_size(writer->commit(), info.size, route.to->uri(to));
}

// False where the store cannot copy this object by itself (S3: over 5 GiB).
bool copy_within_store(const Route& route, const storage::FileInfo& info, const std::string& to,
                       const Context& context) {
  try {
    verify_size(route.to->copy(info.key, to, route.write, context), info.size, route.to->uri(to));
    return true;
  } catch (const Error& error) {
    if (error.code() == Errc::unsupported) return false;
    throw;
  }
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

void copy_object(const Route& route, const storage::FileInfo& info, const std::string& to,
                 Session& session, Progress& progress) {
  session.context().check("copy", route.from->uri(info.key));
  if (route.within_store && copy_within_store(route, info, to, session.context())) {
    progress.add(info.size, 0);
  } else if (info.size <= kSmall) {
    copy_small(route, info, to, session.context());
    progress.add(info.size, 0);
  } else {
    copy_large(route, info, to, session, progress);
  }
  session.detail(fmt::format("copied {} to {}", route.from->uri(info.key), route.to->uri(to)));
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
