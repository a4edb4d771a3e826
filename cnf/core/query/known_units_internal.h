// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cnf/core/query/executor.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/wrappers.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"

// For this package's tests: data whose answer is known, and a store that tells what it is asked.
namespace cnf::query::test {

using Rows = std::vector<std::uint32_t>;

/// Units are runs of uint32 values; the rows of a query are the values.
struct KnownUnits {
  std::shared_ptr<storage::Storage> store = storage::make_memory();
  std::vector<Unit> units = {};
  std::vector<Rows> rows = {};  ///< Of each unit.

  [[nodiscard]] Plan plan() const { return {.units = units}; }
  [[nodiscard]] Rows all_rows() const {
    Rows all;
    for (const Rows& unit : rows) all.insert(all.end(), unit.begin(), unit.end());
    return all;
  }
};

[[nodiscard]] inline ByteSpan bytes_of(const Rows& rows) { return std::as_bytes(std::span(rows)); }

/// What the decoder makes of a run of values: columns "x" and "unit".
[[nodiscard]] inline Table decode(const Unit& unit, std::span<const ByteSpan> ranges) {
  Column x("x", Type::uint32);
  for (const ByteSpan range : ranges) x.values().append(range);
  Column number("unit", Type::uint64);
  std::ranges::fill(number.fill<std::uint64_t>(x.rows()), unit.id);
  Table table;
  table.add(std::move(x));
  table.add(std::move(number));
  return table;
}

/// `count` units of `rows` values each, unit i in the object "data/i".
[[nodiscard]] inline KnownUnits one_object_each(std::size_t count, std::size_t rows) {
  KnownUnits data;
  for (std::size_t i = 0; i < count; ++i) {
    Rows values(rows);
    for (std::size_t r = 0; r < rows; ++r) values[r] = static_cast<std::uint32_t>(i * rows + r);
    const std::string key = "data/" + std::to_string(i);
    data.store->put(key, bytes_of(values));
    data.units.push_back({.ranges = {{key, 0, 4 * rows, crc32c(bytes_of(values))}},
                          .decoded_bytes = 12 * rows,
                          .id = i});
    data.rows.push_back(std::move(values));
  }
  return data;
}

/// Up to 60 units with up to 3 ranges each, some of them empty, of three objects: in any order,
/// with gaps, and sometimes the same bytes twice.
[[nodiscard]] inline KnownUnits random_units(std::mt19937& random) {
  KnownUnits data;
  constexpr std::size_t kObjectValues = 2000;
  std::vector<Rows> objects(3, Rows(kObjectValues));
  for (std::size_t o = 0; o < objects.size(); ++o) {
    for (std::uint32_t& value : objects[o]) value = static_cast<std::uint32_t>(random() % 100);
    data.store->put("data/" + std::to_string(o), bytes_of(objects[o]));
  }
  const std::size_t count = random() % 60;
  for (std::size_t i = 0; i < count; ++i) {
    Unit unit{.id = i};
    Rows rows;
    for (std::size_t r = random() % 4; r > 0; --r) {
      const std::size_t object = random() % objects.size();
      const std::size_t length = random() % 3 == 0 ? random() % 200 : random() % 20;
      const std::size_t begin = random() % (kObjectValues - length);
      const Rows values(objects[object].begin() + static_cast<std::ptrdiff_t>(begin),
                        objects[object].begin() + static_cast<std::ptrdiff_t>(begin + length));
      unit.ranges.push_back(
          {"data/" + std::to_string(object), 4 * begin, 4 * length,
           random() % 2 == 0 ? std::optional(crc32c(bytes_of(values))) : std::nullopt});
      rows.insert(rows.end(), values.begin(), values.end());
    }
    unit.decoded_bytes = 12 * rows.size();
    data.units.push_back(std::move(unit));
    data.rows.push_back(std::move(rows));
  }
  return data;
}

/// Everything that is left, as values.
[[nodiscard]] inline Rows drain(Results& results) {
  Rows rows;
  while (const std::optional<Table> table = results.next()) {
    const auto values = table->column("x").as<std::uint32_t>();
    rows.insert(rows.end(), values.begin(), values.end());
  }
  return rows;
}

/// Calls `before` with each batch of transfers, and coalesces as it is told.
class WatchedStorage final : public storage::StorageWrapper {
 public:
  using Before = std::function<void(std::span<const storage::Transfer>, const Context&)>;

  WatchedStorage(std::shared_ptr<storage::Storage> inner, Before before,
                 storage::ReadProfile profile = {.gap = 0})
      : StorageWrapper(std::move(inner)), before_(std::move(before)), profile_(profile) {}

 private:
  [[nodiscard]] storage::ReadProfile do_read_profile() const override { return profile_; }
  void do_fetch(std::span<const storage::Transfer> transfers, const Context& context,
                const storage::TransferDone& done) const override {
    if (before_) before_(transfers, context);
    StorageWrapper::do_fetch(transfers, context, done);
  }

  Before before_;
  storage::ReadProfile profile_;
};

/// Waits until it was told so often; the test hangs, and fails by its time limit, if it never is.
class Counter {
 public:
  void add() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  void wait_for(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return count_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

[[nodiscard]] inline std::uint64_t gets(const Context& context) {
  return context.accounting().snapshot().count(RequestKind::get);
}

/// Blocks until the context says stop, as a store that does not answer would.
inline void hang(const Context& context) {
  while (true) {
    context.check("read", "a store that hangs");
    std::this_thread::yield();
  }
}

}  // namespace cnf::query::test
