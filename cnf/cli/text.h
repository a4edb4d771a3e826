// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "cnf/cli/session.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"

namespace cnf::cli {

/// "2026-03-01T12:30:00Z"; empty for the epoch, which stands for "not known".
[[nodiscard]] std::string format_time(std::chrono::sys_seconds time);

/// "1 object", "12,345 objects".
[[nodiscard]] std::string count_of(std::uint64_t count, std::string_view singular);

/// An object as --json shows it.
[[nodiscard]] nlohmann::json to_json(const storage::FileInfo& info, const std::string& uri);

/// One line of JSON. Keys of a store need not be UTF-8: what is not is replaced, not refused.
[[nodiscard]] std::string dump_line(const nlohmann::json& value);

/// What work would cost, for --explain.
struct Estimate {
  std::string what;         ///< A line that says what would be done.
  Usage usage = {};         ///< Requests by kind and bytes.
  std::string store;        ///< URI of what is asked.
  std::string target = {};  ///< If another store: what puts and copies go to.
};
/// By the price lists of its stores, in US dollars.
[[nodiscard]] double price_usd(Session& session, const Estimate& estimate);
/// Prints it where --output says, as JSON with --json; returns the exit status.
int print_estimate(Session& session, const Estimate& estimate);

}  // namespace cnf::cli
