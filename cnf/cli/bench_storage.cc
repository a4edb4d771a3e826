// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/place.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/verb.h"
#include "cnf/cli/verbs.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Reads ranges at random places of one object, of several sizes, so many at once,
and prints what each pair of the two gave: throughput, and the time of a request.
URI is an object; of a folder its largest object is read. Nothing is written.

A pair that would read more than --bytes is left out. On a store that bills, ask
--explain first: it says how many requests and bytes there will be.

Examples:
  cnf bench storage s3://bucket/volume/0/c/0/0/0
  cnf bench storage --explain --bytes 256M s3://bucket/volume)";

constexpr std::array<std::uint64_t, 4> kSizes{4U << 10U, 64U << 10U, 1U << 20U, 8U << 20U};
constexpr std::array<unsigned, 4> kConcurrency{1, 4, 16, 64};
constexpr std::uint64_t kMostRequests = 256;  // of a pair: enough for a mean

/// One pair of the table.
struct Cell {
  std::uint64_t size = 0;
  unsigned concurrency = 0;
  std::uint64_t requests = 0;
  double seconds = 0;

  [[nodiscard]] double bytes_per_second() const {
    return static_cast<double>(size * requests) / std::max(seconds, 1e-9);
  }
  /// Of one request, while so many are under way.
  [[nodiscard]] double milliseconds() const {
    const auto at_once = static_cast<double>(std::min<std::uint64_t>(concurrency, requests));
    return 1e3 * seconds * at_once / static_cast<double>(requests);
  }
};

// The pairs that an object and a bound on bytes allow: at least two rounds of each.
std::vector<Cell> cells_of(std::uint64_t object_bytes, std::uint64_t most_bytes) {
  std::vector<Cell> cells;
  for (const std::uint64_t size : kSizes) {
    for (const unsigned concurrency : kConcurrency) {
      const std::uint64_t least = std::uint64_t{2} * concurrency;
      const std::uint64_t requests = std::min(most_bytes / size, std::max(least, kMostRequests));
      if (size > object_bytes || requests < least) continue;
      cells.push_back({.size = size, .concurrency = concurrency, .requests = requests});
    }
  }
  return cells;
}

// Reads the cell's ranges through a store of its own, so that connections are counted in.
void measure(Cell& cell, const std::string& uri, const storage::FileInfo& object,
             Session& session) {
  storage::Options options = session.options().storage;
  options.concurrency = cell.concurrency;
  const storage::Location place = storage::locate(uri, options);
  std::mt19937_64 random(cell.size + cell.concurrency);
  std::uniform_int_distribution<std::uint64_t> offsets(0, object.size - cell.size);
  Buffer memory(cell.size * std::min<std::uint64_t>(cell.concurrency, cell.requests));
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t done = 0; done < cell.requests;) {
    std::vector<storage::FetchRequest> round;
    for (; round.size() < cell.concurrency && done < cell.requests; ++done) {
      const auto into = memory.span().subspan(round.size() * cell.size, cell.size);
      round.push_back({.key = place.key, .offset = offsets(random), .into = into});
    }
    // A gap of one byte: ranges are joined only where they touch.
    place.storage->fetch(round, session.context(), {}, {.gap = 1, .max_request = cell.size});
  }
  cell.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The object to read, and its URI.
struct Chosen {
  std::string uri;
  storage::FileInfo info;
};

Chosen choose(const std::string& uri, Session& session) {
  const Place place(session, uri);
  if (const std::optional<storage::FileInfo> object = place.object()) return {uri, *object};
  std::optional<storage::FileInfo> largest;
  if (place.may_be_folder()) {
    for (const storage::FileInfo& info : place.folder()->list({}, session.context())) {
      if (!largest || info.size > largest->size) largest = info;
    }
  }
  if (!largest) place.nothing_here("read");
  return {place.folder()->uri(largest->key), *largest};
}

void print(const std::vector<Cell>& cells, const Chosen& chosen, Session& session) {
  Output out(session);
  if (session.options().json) {
    nlohmann::json rows = nlohmann::json::array();
    for (const Cell& cell : cells) {
      rows.push_back({{"size", cell.size},
                      {"concurrency", cell.concurrency},
                      {"requests", cell.requests},
                      {"seconds", cell.seconds},
                      {"bytes_per_second", cell.bytes_per_second()},
                      {"request_milliseconds", cell.milliseconds()}});
    }
    out.line(dump_line({{"uri", chosen.uri}, {"size", chosen.info.size}, {"reads", rows}}));
  } else {
    out.line(fmt::format("{} ({})", chosen.uri, format_size(chosen.info.size)));
    out.line("     size  at once  requests        MB/s  ms a request");
    for (const Cell& cell : cells) {
      out.line(fmt::format("{:>9}  {:>7}  {:>8}  {:>10.1f}  {:>12.2f}", format_size(cell.size),
                           cell.concurrency, cell.requests, cell.bytes_per_second() / 1e6,
                           cell.milliseconds()));
    }
  }
  out.commit();
}

int run(const std::string& uri, std::uint64_t most_bytes, Session& session) {
  const Chosen chosen = choose(uri, session);
  std::vector<Cell> cells = cells_of(chosen.info.size, most_bytes);
  if (cells.empty()) {
    throw Error(Errc::invalid_argument, "measure reads of", chosen.uri,
                fmt::format("it has {} bytes, and at least {} are needed", chosen.info.size,
                            kSizes.front()),
                "name a larger object, or give more --bytes");
  }
  if (session.options().explain) {
    Estimate estimate{.what = fmt::format("read ranges at random places of {}", chosen.uri),
                      .store = uri};
    for (const Cell& cell : cells) {
      estimate.usage.requests[static_cast<std::size_t>(RequestKind::get)] += cell.requests;
      estimate.usage.bytes_wanted += cell.requests * cell.size;
      estimate.usage.bytes_fetched += cell.requests * cell.size;
    }
    return print_estimate(session, estimate);
  }
  const std::unique_ptr<Progress> progress = session.progress();
  for (Cell& cell : cells) {
    measure(cell, chosen.uri, chosen.info, session);
    progress->add(cell.size * cell.requests, 0);
  }
  print(cells, chosen, session);
  return kDone;
}

}  // namespace

void add_bench(Verb& root) {
  Verb group = root.add_group("bench", "Measure what a store gives");
  auto uri = std::make_shared<std::string>();
  auto most = std::make_shared<std::uint64_t>(std::uint64_t{64} << 20U);
  Verb verb = group.add("storage", "Measure reads of a store: size × number at once", kDetails);
  verb.argument("URI", *uri, "An object, or a folder of objects");
  verb.option(
      "--bytes", "SIZE", [most](const std::string& text) { *most = parse_size(text); },
      "Read at most so much of each pair (default: 64M)");
  verb.run([uri, most](Session& session) { return run(*uri, *most, session); });
}

}  // namespace cnf::cli
