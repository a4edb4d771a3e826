// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/text.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/session.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"

namespace cnf::cli {
namespace {

std::string with_commas(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

// Requests run `concurrency` at a time, and so do the connections that carry the bytes.
double estimate_seconds(const Usage& usage, const query::CostModel& model) {
  const auto requests = static_cast<double>(usage.total_requests());
  const double abreast = std::clamp(requests, 1.0, static_cast<double>(model.concurrency));
  const auto bytes = static_cast<double>(usage.bytes_fetched + usage.bytes_sent);
  return requests / abreast * model.first_byte_seconds + bytes / (model.bytes_per_second * abreast);
}

}  // namespace

std::string format_time(std::chrono::sys_seconds time) {
  if (time == std::chrono::sys_seconds{}) return {};
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::string count_of(std::uint64_t count, std::string_view singular) {
  return fmt::format("{} {}{}", with_commas(count), singular, count == 1 ? "" : "s");
}

nlohmann::json to_json(const storage::FileInfo& info, const std::string& uri) {
  return {{"key", info.key},   {"uri", uri},
          {"size", info.size}, {"modified", format_time(info.modified)},
          {"etag", info.etag}, {"storage_class", info.storage_class}};
}

std::string dump_line(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

double price_usd(Session& session, const Estimate& estimate) {
  const bool two = !estimate.target.empty() && estimate.target != estimate.store;
  Usage here = estimate.usage;
  Usage there;
  if (two) {
    for (const RequestKind kind : {RequestKind::put, RequestKind::copy}) {
      const auto i = static_cast<std::size_t>(kind);
      there.requests[i] = std::exchange(here.requests[i], 0);
    }
  }
  const double price = session.price_usd(estimate.store, here);
  return two ? price + session.price_usd(estimate.target, there) : price;
}

int print_estimate(Session& session, const Estimate& estimate) {
  const Usage& usage = estimate.usage;
  const bool remote = is_remote(estimate.store) || is_remote(estimate.target);
  const double seconds = estimate_seconds(
      usage, remote ? query::CostModel::object_store() : query::CostModel::local());
  const double price = price_usd(session, estimate);
  Output out(session);
  if (session.options().json) {
    nlohmann::json requests = nlohmann::json::object();
    for (std::size_t kind = 0; kind < kRequestKinds; ++kind) {
      requests[std::string(to_string(static_cast<RequestKind>(kind)))] = usage.requests[kind];
    }
    out.line(dump_line({{"plan", estimate.what},
                        {"requests", requests},
                        {"bytes_fetched", usage.bytes_fetched},
                        {"bytes_sent", usage.bytes_sent},
                        {"seconds", seconds},
                        {"price_usd", price},
                        {"prices", session.prices()}}));
  } else {
    out.line(estimate.what);
    out.line(fmt::format("requests  {}", with_commas(usage.total_requests())));
    out.line(fmt::format("fetched   {}", format_size(usage.bytes_fetched)));
    out.line(fmt::format("sent      {}", format_size(usage.bytes_sent)));
    out.line(fmt::format("seconds   {:.2g}", seconds));
    out.line(fmt::format("price     {:.6f} USD", price));
  }
  out.commit();
  return kDone;
}

}  // namespace cnf::cli
