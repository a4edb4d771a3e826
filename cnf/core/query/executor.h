// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "cnf/core/query/plan.h"
#include "cnf/core/query/table.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"

namespace cnf::query {

/// Turns a unit's bytes (one span per range, checked) into rows. Pure; called concurrently. What it
/// throws, Results::next() rethrows as it was.
using Decoder = std::function<Table(const Unit& unit, std::span<const ByteSpan> ranges)>;

/// Does with a unit's bytes (one span per range, checked) what the format wants: writes into memory
/// of its own, say. Called concurrently and in any order; the bytes are gone after it.
using Visitor = std::function<void(const Unit& unit, std::span<const ByteSpan> ranges)>;

struct ExecutorOptions {
  std::size_t threads = 0;                ///< Decoding; 0: the machine's cores.
  std::uint64_t memory = kDefaultMemory;  ///< Bytes fetched or decoded and not yet taken.
  /// Memory for fetched bytes that is kept from one run to the next; null: each run has its own.
  std::shared_ptr<BufferPool> buffers = {};
  storage::FetchOptions fetch = {};  ///< What is coalesced, if not as the store finds best.
  /// Who sends the requests of a visit().
  enum class Fetching : std::uint8_t {
    ahead,     ///< Two threads of their own, while others decode: requests take long.
    in_place,  ///< Those who decode: a file answers before another thread has started.
  };
  Fetching fetching = Fetching::ahead;
};

/// The answer of a query, table by table, in the plan's order, while later units are still coming.
/// Destroying it early stops the downloads. Threads: one at a time.
class Results {
 public:
  ~Results();
  Results(Results&&) noexcept;
  Results& operator=(Results&&) noexcept;
  Results(const Results&) = delete;
  Results& operator=(const Results&) = delete;

  /// The next table with at least one row; nullopt at the end or when the limit is reached. Throws
  /// the error of fetching, checking, decoding or filtering that is first in the plan's order, once
  /// the tables before it are taken, and from then on always: an answer is whole or it is an error,
  /// and which one does not depend on the number of threads. Throws Error cancelled and
  /// deadline_exceeded as soon as the context says so.
  [[nodiscard]] std::optional<Table> next();

 private:
  friend class Executor;
  struct Impl;
  explicit Results(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Runs plans: fetch → check → decode → filter → ordered tables, with bounded memory.
/// At least one unit is always let in, so a bound smaller than a unit slows but does not stop it.
class Executor {
 public:
  explicit Executor(std::shared_ptr<const storage::Storage> storage, ExecutorOptions options = {})
      : storage_(std::move(storage)), options_(std::move(options)) {}

  /// Starts fetching at once. Cost: two threads that wait for the store, and those that decode.
  /// Throws Error invalid_argument if a range of the plan has no end below 2^64, unavailable if the
  /// system gives no more threads.
  [[nodiscard]] Results run(Plan plan, Decoder decoder, const Context& context = {}) const;

  /// Fetches the units of a plan (without filter, limit and columns) and hands each one's bytes to
  /// `visitor`; returns when all is done. Throws as run() and Results::next(): what is first in the
  /// plan's order; then some other units may have been visited, and none is any more.
  /// Cost: that of run(), where units are fetched ahead; else only the threads that decode, each
  /// with its part of the memory. Nothing is started for one thread, one unit, or a few MiB: then
  /// all happens on the caller's thread.
  void visit(Plan plan, const Visitor& visitor, const Context& context = {}) const;

 private:
  std::shared_ptr<const storage::Storage> storage_;
  ExecutorOptions options_;
};

}  // namespace cnf::query
