// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/scan.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <span>
#include <stop_token>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"

namespace cnf::storage {
namespace {

// Pieces of a window that are fetched at the same time.
constexpr std::uint64_t kPiece = std::uint64_t{4} << 20;

void fetch_window(const Storage& storage, const FileInfo& info, std::uint64_t offset,
                  MutableByteSpan into, const Context& context) {
  std::array requests{
      FetchRequest{.key = info.key, .offset = offset, .into = into, .etag = info.etag}};
  storage.fetch(requests, context, {}, {.max_request = kPiece});
}

}  // namespace

void scan(const Storage& storage, const FileInfo& info, const ScanOptions& options,
          const Context& context, const std::function<void(ByteSpan)>& visit) {
  std::uint64_t position = std::min(options.offset, info.size);
  const std::uint64_t end = position + std::min(options.length, info.size - position);
  const std::uint64_t window = std::max<std::uint64_t>(options.window, 1);

  // When `visit` throws, the window that is on its way is called off.
  std::stop_source stop;
  const std::stop_callback forward(context.stop(), [&stop] { stop.request_stop(); });
  const Context own = context.with_stop(stop.get_token());

  std::array<Buffer, 2> buffers;
  std::size_t turn = 0;
  const auto size_at = [&](std::uint64_t offset) {
    return static_cast<std::size_t>(std::min(window, end - offset));
  };
  if (position == end) return;
  buffers[turn].resize(size_at(position));
  fetch_window(storage, info, position, buffers[turn].span(), own);
  while (position < end) {
    const Buffer& current = buffers[turn];
    const std::uint64_t next = position + current.size();
    std::future<void> coming;
    if (next < end) {
      Buffer& other = buffers[1 - turn];
      other.resize(size_at(next));
      coming = std::async(std::launch::async, [&storage, &info, &own, &other, next] {
        fetch_window(storage, info, next, other.span(), own);
      });
    }
    try {
      visit(current.span());
    } catch (...) {
      stop.request_stop();
      throw;  // the future waits for its thread
    }
    if (coming.valid()) coming.get();
    position = next;
    turn = 1 - turn;
  }
}

}  // namespace cnf::storage
