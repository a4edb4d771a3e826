// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/query/plan.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/query/batches_internal.h"
#include "cnf/core/storage/forecast.h"
#include "cnf/core/storage/prices.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"

namespace cnf::query {
namespace {

/// The requests of a batch as fetch() gets them. Only the sizes of their buffers are looked at.
[[nodiscard]] std::vector<storage::FetchRequest> requests_of(const Plan& plan, const Batch& batch) {
  std::vector<storage::FetchRequest> requests;
  for (std::size_t i = batch.begin; i < batch.end; ++i) {
    for (const PlannedRange& range : plan.units[i].ranges) {
      requests.push_back({.key = range.key,
                          .offset = range.offset,
                          .into = {static_cast<std::byte*>(nullptr), range.length}});
    }
  }
  return requests;
}

[[nodiscard]] std::string describe_columns(const std::vector<std::string>& columns) {
  return columns.empty() ? "all" : fmt::format("{}", fmt::join(columns, ", "));
}

[[nodiscard]] std::string counted(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace

CostModel CostModel::local() {
  // A page fault or a seek, and what an SSD reads; nobody bills for it.
  return {.first_byte_seconds = 100e-6, .bytes_per_second = 500.0 * 1024 * 1024, .concurrency = 4};
}

CostModel CostModel::object_store() { return {}; }

CostModel CostModel::of(const storage::Storage& storage) {
  const std::string uri = storage.uri();
  constexpr std::string_view kRemote[] = {
      "s3:", "gs:", "az:", "abfs:", "abfss:", "http:", "https:"};
  const bool is_remote = std::ranges::any_of(
      kRemote, [&uri](std::string_view scheme) { return uri.starts_with(scheme); });
  CostModel model = is_remote ? object_store() : local();
  const storage::ReadProfile reads = storage.read_profile();
  model.gap = reads.gap;
  model.max_request = reads.max_request;
  model.small_gap = reads.small_gap;
  const storage::PriceTable& prices = storage.prices();
  model.usd_per_get = prices.request_usd(RequestKind::get);
  model.usd_per_byte = prices.byte_usd();
  return model;
}

Cost estimate(const Plan& plan, const CostModel& model) {
  Cost cost;
  Batches batches(plan, model.memory);
  while (const std::optional<Batch> batch = batches.next()) {
    const storage::Forecast forecast = storage::forecast_fetch(
        requests_of(plan, *batch),
        {.gap = model.gap, .max_request = model.max_request, .small_gap = model.small_gap});
    cost.requests += forecast.requests;
    cost.bytes += forecast.bytes;
  }
  const auto requests = static_cast<double>(cost.requests);
  const auto bytes = static_cast<double>(cost.bytes);
  const auto connections = static_cast<double>(
      std::clamp<std::uint64_t>(cost.requests, 1, std::max(model.concurrency, 1U)));
  cost.seconds = std::ceil(requests / connections) * model.first_byte_seconds +
                 bytes / (model.bytes_per_second * connections);
  cost.price_usd = requests * model.usd_per_get + bytes * model.usd_per_byte;
  return cost;
}

std::string describe(const Plan& plan, const Cost& cost) {
  std::unordered_set<std::string_view> objects;
  std::uint64_t ranges = 0;
  std::uint64_t wanted = 0;
  for (const Unit& unit : plan.units) {
    for (const PlannedRange& range : unit.ranges) {
      objects.insert(range.key);
      ++ranges;
      wanted += range.length;
    }
  }
  std::string text;
  const auto line = [&text](std::string_view name, const std::string& value) {
    text += fmt::format("{:<9}{}\n", name, value);
  };
  line("units", counted(plan.units.size(), "unit"));
  line("ranges", fmt::format("{} of {}, {}", counted(ranges, "range"),
                             counted(objects.size(), "object"), format_size(wanted)));
  line("columns", describe_columns(plan.columns));
  if (!plan.filter.empty()) line("filter", plan.filter.describe());
  if (plan.limit) {
    line("limit", fmt::format("{}: the cost is an upper bound", counted(*plan.limit, "row")));
  }
  line("fetches",
       fmt::format("{}, {}", counted(cost.requests, "request"), format_size(cost.bytes)));
  line("time", fmt::format("about {:.2g} s", cost.seconds));
  line("price", fmt::format("{:.2g} USD", cost.price_usd));
  return text;
}

}  // namespace cnf::query
