// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "cnf/cli/status_line.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/prices.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"

namespace cnf::cli {

/// The options that every verb has.
struct Globals {
  std::size_t threads = 0;                        ///< 0: not given.
  std::uint64_t memory = std::uint64_t{1} << 30;  ///< Bound on working memory, in bytes.
  std::string output = "-";                       ///< A path or a URI; "-" is stdout.
  bool json = false;
  bool explain = false;
  bool metrics = false;
  bool overwrite = false;
  bool quiet = false;
  bool verbose = false;
  bool no_progress = false;
  storage::Options storage = {};
};

/// One run of one verb: its common options, when to stop, what it costs, and how it talks on
/// stderr.
///
/// Threads: every member may be called concurrently.
class Session {
 public:
  Session(const Globals& globals, std::stop_token stop);

  [[nodiscard]] const Globals& options() const noexcept { return globals_; }
  /// Stops at Ctrl-C, and counts for --metrics: hand it to every call that takes one.
  [[nodiscard]] const Context& context() const noexcept { return context_; }
  /// Workers for what keeps a core busy: --threads, or all cores.
  [[nodiscard]] std::size_t threads() const noexcept;
  /// Objects that are transferred at once: --threads if given, else the store's concurrency, for
  /// these workers wait more than they work.
  [[nodiscard]] std::size_t transfers() const noexcept;

  /// The store below `uri`, with --storage-option. Throws as storage::from_uri.
  [[nodiscard]] std::shared_ptr<storage::Storage> open(std::string_view uri);
  /// The object that `uri` names, with --storage-option. Throws as storage::locate.
  [[nodiscard]] storage::Location locate(std::string_view uri);

  /// A line for people on stderr, unless --quiet.
  void note(std::string_view line);
  /// A line for people on stderr, with --verbose only.
  void detail(std::string_view line);
  /// The line on stderr that says why the exit status is not 0.
  void complain(std::string_view line);
  /// complain(), and the exit status for it: `return session.nothing_matched("…");`.
  [[nodiscard]] int nothing_matched(std::string_view line);

  /// Counts work and draws it on a terminal. \param total_bytes  0: not known.
  [[nodiscard]] std::unique_ptr<Progress> progress(std::uint64_t total_bytes = 0);
  /// Draws no progress from now on: data goes to the terminal.
  void stop_drawing() { stderr_.stop_drawing(); }

  /// What --metrics prints.
  [[nodiscard]] nlohmann::json metrics() const;
  void print_metrics();

  /// What such requests cost at the store of `uri`, in US dollars; 0 if it does not bill.
  [[nodiscard]] double price_usd(std::string_view uri, const Usage& usage);
  /// The price lists of the stores that were opened: service, as_of and source of each.
  [[nodiscard]] nlohmann::json prices() const;

 private:
  void remember_prices(const storage::Storage& store);

  Globals globals_;
  Context context_;
  Context::Clock::time_point start_ = Context::Clock::now();
  mutable std::mutex mutex_;
  std::set<const storage::PriceTable*> prices_;  // guarded by mutex_: of stores that bill
  StatusLine stderr_;
};

/// True if requests to the store of this URI are billed: it is neither a path nor file: nor
/// memory:.
[[nodiscard]] bool is_remote(std::string_view uri) noexcept;

}  // namespace cnf::cli
