// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>

#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"

namespace cnf::storage {
namespace {

using Milliseconds = std::chrono::milliseconds;

struct TextField {
  std::string_view name;
  std::string Options::*field;
};

// Those that any text will do for.
constexpr TextField kTexts[] = {
    {"access_key_id", &Options::access_key_id},
    {"account", &Options::account},
    {"account_key", &Options::account_key},
    {"cache", &Options::cache},
    {"client_id", &Options::client_id},
    {"client_secret", &Options::client_secret},
    {"connection_string", &Options::connection_string},
    {"endpoint", &Options::endpoint},
    {"external_id", &Options::external_id},
    {"profile", &Options::profile},
    {"region", &Options::region},
    {"role_arn", &Options::role_arn},
    {"sas_token", &Options::sas_token},
    {"secret_access_key", &Options::secret_access_key},
    {"service_account", &Options::service_account},
    {"session_token", &Options::session_token},
    {"sse", &Options::sse},
    {"sse_customer_key", &Options::sse_customer_key},
    {"sse_kms_key_id", &Options::sse_kms_key_id},
    {"tenant_id", &Options::tenant_id},
    {"token", &Options::token},
    {"user_project", &Options::user_project},
};

// The others, as set() knows them.
constexpr std::string_view kOtherNames =
    "addressing, anonymous, cache_size, cache_ttl, concurrency, connect_timeout, durability, "
    "hedge, "
    "max_retries, network, objective, part_size, rate, read_only, requester_pays, timeout";

std::string all_names() {
  std::string out;
  for (const auto& row : kTexts) out.append(row.name).append(", ");
  return out.append(kOtherNames);
}

[[noreturn]] void refuse(std::string_view name, std::string_view value, std::string_view expected) {
  throw Error(Errc::invalid_argument, "set storage option", name,
              "'" + std::string(value.substr(0, 100)) + "' is not " + std::string(expected));
}

template <typename T>
T parse_number(std::string_view name, std::string_view value, T least, T most) {
  T number{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < least ||
      number > most) {
    refuse(name, value, "a number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return number;
}

bool parse_flag(std::string_view name, std::string_view value) {
  if (value == "true" || value == "1" || value == "yes") return true;
  if (value == "false" || value == "0" || value == "no") return false;
  refuse(name, value, "true or false");
}

// "500ms", "30s", "2m"; a number alone is seconds, as in the vendors' own tools.
Milliseconds parse_duration(std::string_view name, std::string_view value) {
  struct Unit {
    std::string_view suffix;
    std::int64_t milliseconds;
  };
  constexpr std::array kUnits{Unit{"ms", 1}, Unit{"s", 1'000}, Unit{"m", 60'000}, Unit{"", 1'000}};
  constexpr std::int64_t kMost = std::int64_t{24} * 3'600'000;
  const auto& unit = *std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& candidate) {
    return value.ends_with(candidate.suffix);
  });
  const std::string_view digits = value.substr(0, value.size() - unit.suffix.size());
  return Milliseconds(unit.milliseconds *
                      parse_number<std::int64_t>(name, digits, 1, kMost / unit.milliseconds));
}

std::uint64_t parse_part_size(std::string_view name, std::string_view value) {
  constexpr std::uint64_t kMost = std::uint64_t{5} << 30;  // of a part, on S3
  const std::uint64_t size = parse_size(value);
  if (size == 0 || size > kMost) refuse(name, value, "a size from 1 to 5G");
  return size;
}

double parse_rate(std::string_view name, std::string_view value) {
  constexpr double kMost = 1e9;
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || !(number > 0) ||
      number > kMost) {
    refuse(name, value, "a number of requests a second, above 0");
  }
  return number;
}

Options::Addressing parse_addressing(std::string_view name, std::string_view value) {
  if (value == "auto") return Options::Addressing::automatic;
  if (value == "path") return Options::Addressing::path;
  if (value == "virtual" || value == "host") return Options::Addressing::virtual_host;
  refuse(name, value, "auto, path or virtual");
}

Options::Durability parse_durability(std::string_view name, std::string_view value) {
  if (value == "fsync") return Options::Durability::fsync;
  if (value == "none") return Options::Durability::none;
  refuse(name, value, "fsync or none");
}

Options::Network parse_network(std::string_view name, std::string_view value) {
  if (value == "auto") return Options::Network::automatic;
  if (value == "region") return Options::Network::region;
  if (value == "continent") return Options::Network::continent;
  if (value == "internet") return Options::Network::internet;
  refuse(name, value, "auto, region, continent or internet");
}

Options::Objective parse_objective(std::string_view name, std::string_view value) {
  if (value == "auto") return Options::Objective::automatic;
  if (value == "latency") return Options::Objective::latency;
  if (value == "cost") return Options::Objective::cost;
  refuse(name, value, "auto, latency or cost");
}

Options::Hedge parse_hedge(std::string_view name, std::string_view value) {
  if (value == "auto") return Options::Hedge::automatic;
  return parse_flag(name, value) ? Options::Hedge::on : Options::Hedge::off;
}

}  // namespace

void Options::set(std::string_view name, std::string_view value) {
  const auto* const text = std::find_if(std::begin(kTexts), std::end(kTexts),
                                        [&](const TextField& row) { return row.name == name; });
  if (text != std::end(kTexts)) {
    this->*(text->field) = value;
  } else if (name == "anonymous") {
    anonymous = parse_flag(name, value);
  } else if (name == "addressing") {
    addressing = parse_addressing(name, value);
  } else if (name == "requester_pays") {
    requester_pays = parse_flag(name, value);
  } else if (name == "part_size") {
    part_size = parse_part_size(name, value);
  } else if (name == "concurrency") {
    concurrency = parse_number<unsigned>(name, value, 1, 1'024);
  } else if (name == "connect_timeout") {
    connect_timeout = parse_duration(name, value);
  } else if (name == "timeout") {
    stall_timeout = parse_duration(name, value);
  } else if (name == "max_retries") {
    max_retries = parse_number<int>(name, value, 0, 100);
  } else if (name == "network") {
    network = parse_network(name, value);
  } else if (name == "objective") {
    objective = parse_objective(name, value);
  } else if (name == "hedge") {
    hedge = parse_hedge(name, value);
  } else if (name == "durability") {
    durability = parse_durability(name, value);
  } else if (name == "cache_size") {
    cache_size = parse_size(value);
  } else if (name == "cache_ttl") {
    cache_ttl = value == "0" ? Milliseconds(0) : parse_duration(name, value);
  } else if (name == "rate") {
    rate = parse_rate(name, value);
  } else if (name == "read_only") {
    access = parse_flag(name, value) ? Access::read_only : Access::read_write;
  } else {
    throw Error(Errc::invalid_argument, "set storage option", name, "there is no such option",
                "the options are " + all_names());
  }
}

}  // namespace cnf::storage
