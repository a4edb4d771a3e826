// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/session.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include "cnf/cli/exit_status.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/prices.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"
#include "cnf/core/worker/pool.h"

namespace cnf::cli {
namespace {

std::uint64_t peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;  // Linux counts in KiB
}

}  // namespace

bool is_remote(std::string_view uri) noexcept {
  return uri.find("://") != std::string_view::npos && !uri.starts_with("file:");
}

Session::Session(const Globals& globals, std::stop_token stop)
    : globals_(globals),
      context_(std::move(stop)),
      stderr_(!globals.quiet && !globals.no_progress) {
  // An upload holds so many parts and one: they must fit, too.
  storage::Options& storage = globals_.storage;
  const std::uint64_t parts = globals_.memory / 2 / std::max<std::uint64_t>(storage.part_size, 1);
  const std::uint64_t most = std::max<std::uint64_t>(parts, 2) - 1;
  storage.concurrency = static_cast<unsigned>(std::min<std::uint64_t>(storage.concurrency, most));
}

std::size_t Session::threads() const noexcept {
  return globals_.threads != 0 ? globals_.threads : worker::default_threads();
}

std::size_t Session::transfers() const noexcept {
  return globals_.threads != 0 ? globals_.threads : globals_.storage.concurrency;
}

std::shared_ptr<storage::Storage> Session::open(std::string_view uri) {
  auto store = storage::from_uri(uri, globals_.storage);
  remember_prices(*store);
  return store;
}

storage::Location Session::locate(std::string_view uri) {
  auto location = storage::locate(uri, globals_.storage);
  remember_prices(*location.storage);
  return location;
}

void Session::remember_prices(const storage::Storage& store) {
  const storage::PriceTable& table = store.prices();
  if (table.service.empty()) return;
  const std::lock_guard lock(mutex_);
  prices_.insert(&table);
}

double Session::price_usd(std::string_view uri, const Usage& usage) {
  return is_remote(uri) ? locate(uri).storage->prices().price_usd(usage) : 0.0;
}

nlohmann::json Session::prices() const {
  nlohmann::json out = nlohmann::json::array();
  const std::lock_guard lock(mutex_);
  for (const storage::PriceTable* table : prices_) {
    out.push_back({{"service", table->service},
                   {"as_of", table->as_of},
                   {"source", table->source},
                   {"usd_per_gib_out", table->usd_per_gib_out}});
  }
  return out;
}

void Session::note(std::string_view line) {
  if (!globals_.quiet) stderr_.print(line);
}

void Session::detail(std::string_view line) {
  if (globals_.verbose) stderr_.print(line);
}

void Session::complain(std::string_view line) { stderr_.print(line); }

int Session::nothing_matched(std::string_view line) {
  complain(line);
  return kNothingMatched;
}

std::unique_ptr<Progress> Session::progress(std::uint64_t total_bytes) {
  auto progress = std::make_unique<Progress>(
      [this](const ProgressState& state) { stderr_.draw(describe(state)); });
  progress->set_total(total_bytes);
  return progress;
}

nlohmann::json Session::metrics() const {
  const Usage usage = context_.accounting().snapshot();
  nlohmann::json requests = nlohmann::json::object();
  for (std::size_t kind = 0; kind < kRequestKinds; ++kind) {
    requests[std::string(to_string(static_cast<RequestKind>(kind)))] = usage.requests[kind];
  }
  requests["total"] = usage.total_requests();
  const std::chrono::duration<double> elapsed = Context::Clock::now() - start_;
  return {{"requests", std::move(requests)},
          {"bytes_wanted", usage.bytes_wanted},
          {"bytes_fetched", usage.bytes_fetched},
          {"bytes_sent", usage.bytes_sent},
          {"retries", usage.retries},
          {"throttles", usage.throttles},
          {"hedges", usage.hedges},
          {"connections", {{"new", usage.connections_new}, {"reused", usage.connections_reused}}},
          {"cache_hits", usage.cache_hits},
          {"price_usd", usage.usd},
          {"prices", prices()},
          {"seconds", elapsed.count()},
          {"peak_rss_bytes", peak_rss_bytes()}};
}

void Session::print_metrics() { stderr_.print_raw(metrics().dump()); }

}  // namespace cnf::cli
