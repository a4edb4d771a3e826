// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/scan.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

struct ScanCase {
  std::uint64_t offset;
  std::uint64_t length;
  std::uint64_t window;
  std::string_view want;
  std::size_t windows;
};

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
constexpr ScanCase kCases[] = {
    {0, kAll, 100, "0123456789", 1},
    {0, kAll, 10, "0123456789", 1},
    {0, kAll, 3, "0123456789", 4},
    {0, kAll, 0, "0123456789", 10},
    {4, 3, 2, "456", 2},
    {9, kAll, 4, "9", 1},
    {10, kAll, 4, "", 0},
    {99, kAll, 4, "", 0},
    {2, 0, 4, "", 0},
};

TEST(Scan, VisitsTheRangeInWindows) {
  const auto storage = make_memory();
  const FileInfo info = storage->put("key", as_bytes("0123456789"));
  for (const ScanCase& row : kCases) {
    std::string seen;
    std::size_t windows = 0;
    const Context context;
    scan(*storage, info, {.offset = row.offset, .length = row.length, .window = row.window},
         context, [&](ByteSpan bytes) {
           seen += as_text(bytes);
           ++windows;
         });
    EXPECT_EQ(seen, row.want) << row.offset << ' ' << row.length << ' ' << row.window;
    EXPECT_EQ(windows, row.windows) << row.offset << ' ' << row.length << ' ' << row.window;
    EXPECT_EQ(context.accounting().snapshot().bytes_wanted, row.want.size());
  }
}

TEST(Scan, RefusesAnObjectThatChangesMeanwhile) {
  const auto storage = make_memory();
  const FileInfo info = storage->put("key", as_bytes("0123456789"));
  std::string seen;
  try {
    scan(*storage, info, {.window = 2}, {}, [&](ByteSpan bytes) {
      seen += as_text(bytes);
      storage->put("key", as_bytes("abcdefghij"));
    });
    FAIL() << "read " << seen;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::corrupt_data);
  }
  EXPECT_EQ(seen.find_first_not_of("0123456789"), std::string::npos) << seen;
}

TEST(Scan, EndsWithTheVisitorsException) {
  const auto storage = make_memory();
  const FileInfo info = storage->put("key", as_bytes("0123456789"));
  int visits = 0;
  EXPECT_THROW(scan(*storage, info, {.window = 2}, {},
                    [&](ByteSpan) {
                      if (++visits == 2) throw std::runtime_error("enough");
                    }),
               std::runtime_error);
  EXPECT_EQ(visits, 2);
}

TEST(Scan, StopsWhenTold) {
  const auto storage = make_memory();
  const FileInfo info = storage->put("key", as_bytes("0123456789"));
  std::stop_source stop;
  int visits = 0;
  try {
    scan(*storage, info, {.window = 1}, Context(stop.get_token()), [&](ByteSpan) {
      ++visits;
      stop.request_stop();
    });
    FAIL() << visits << " visits";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::cancelled);
  }
  EXPECT_LE(visits, 2);  // the window that was on its way may have arrived
}

}  // namespace
}  // namespace cnf::storage
