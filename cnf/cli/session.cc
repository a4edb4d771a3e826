// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/session.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include "cnf/cli/exit_status.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"
#include "cnf/core/worker/pool.h"

namespace cnf::cli {
namespace {

// S3 Standard, us-east-1: GET and HEAD 0.0004 USD, PUT, COPY and LIST 0.005 USD a thousand; DELETE
// is free. https://aws.amazon.com/s3/pricing/
constexpr double kUsdPerRead = 0.4e-6;
constexpr double kUsdPerWrite = 5e-6;

std::uint64_t peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;  // Linux counts in KiB
}

}  // namespace

double price_usd(const Usage& usage) noexcept {
  const auto reads = usage.count(RequestKind::get) + usage.count(RequestKind::head);
  const auto writes = usage.count(RequestKind::put) + usage.count(RequestKind::list) +
                      usage.count(RequestKind::copy);
  return static_cast<double>(reads) * kUsdPerRead + static_cast<double>(writes) * kUsdPerWrite;
}

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
  if (is_remote(uri)) remote_ = true;
  return storage::from_uri(uri, globals_.storage);
}

storage::Location Session::locate(std::string_view uri) {
  if (is_remote(uri)) remote_ = true;
  return storage::locate(uri, globals_.storage);
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
          {"price_usd", remote_ ? price_usd(usage) : 0.0},
          {"seconds", elapsed.count()},
          {"peak_rss_bytes", peak_rss_bytes()}};
}

void Session::print_metrics() { stderr_.print_raw(metrics().dump()); }

}  // namespace cnf::cli
