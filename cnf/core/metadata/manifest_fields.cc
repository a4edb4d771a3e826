// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cnf/core/metadata/manifest_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::metadata {
namespace {

// Deeper than any manifest; shallow enough for whoever walks the values by recursion.
constexpr std::size_t kMaxDepth = 64;

// What four digits of a year can say.
constexpr std::chrono::sys_seconds kFirstTime = std::chrono::sys_days(std::chrono::year(0) / 1 / 1);
constexpr std::chrono::sys_seconds kEndOfTime =
    std::chrono::sys_days(std::chrono::year(10'000) / 1 / 1);

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Takes `count` digits off the front of `text`.
std::optional<int> take_number(std::string_view& text, std::size_t count) {
  if (text.size() < count || !std::ranges::all_of(text.substr(0, count), is_digit)) return {};
  int value = 0;
  std::from_chars(text.data(), text.data() + count, value);
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// "Z" or "+01:30"; what must be subtracted from the time before it.
std::optional<std::chrono::minutes> take_offset(std::string_view& text) {
  if (take(text, "Zz")) return std::chrono::minutes{0};
  const bool behind = text.starts_with('-');
  if (!take(text, "+-")) return {};
  const auto hours = take_number(text, 2);
  if (!hours || !take(text, ":")) return {};
  const auto minutes = take_number(text, 2);
  if (!minutes || *hours > 23 || *minutes > 59) return {};
  const auto offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return behind ? -offset : offset;
}

// Counts levels and remembers keys while nlohmann's parser (which does not recurse) builds values.
class Guard {
 public:
  explicit Guard(std::string_view subject) : subject_(subject) {}

  bool operator()(int /*depth*/, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    switch (event) {
      case Event::object_start:
      case Event::array_start:
        if (keys_.size() == kMaxDepth) {
          throw_field(subject_, "the document", fmt::format("it nests deeper than {}", kMaxDepth));
        }
        keys_.emplace_back();
        break;
      case Event::key:
        if (!keys_.back().insert(parsed.get<std::string>()).second) {
          throw_field(subject_, parsed.get<std::string>(), "the key stands twice in one object");
        }
        break;
      case Event::object_end:
      case Event::array_end:
        keys_.pop_back();
        break;
      case Event::value:
        break;
    }
    return true;
  }

 private:
  std::string_view subject_;
  std::vector<std::set<std::string>> keys_;  // of each object around the current place
};

}  // namespace

void throw_field(std::string_view subject, std::string_view field, std::string_view why) {
  constexpr std::size_t kShown = 100;  // keys come from outside, and may be long
  throw Error(Errc::corrupt_data, "read manifest", subject,
              fmt::format("{}: {}", field.substr(0, kShown), why.substr(0, 4 * kShown)));
}

nlohmann::json parse_json(ByteSpan text, std::string_view subject) {
  const std::string_view characters = as_text(text);
  const std::size_t zero = characters.find('\0');  // nlohmann's parser takes one for the end
  if (zero != std::string_view::npos) {
    throw_field(subject, fmt::format("byte {}", zero + 1), "it is not JSON");
  }
  try {
    return nlohmann::json::parse(characters.begin(), characters.end(), Guard(subject));
  } catch (const nlohmann::json::parse_error& error) {
    throw_field(subject, fmt::format("byte {}", error.byte), "it is not JSON");
  } catch (const nlohmann::json::exception&) {
    throw_field(subject, "the document", "it holds a number that is out of range");
  }
}

std::string format_time(std::chrono::sys_seconds time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  if (time < kFirstTime || time >= kEndOfTime) {
    throw Error(Errc::invalid_argument, "write", "time", "its year has no four digits");
  }
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::optional<std::chrono::sys_seconds> parse_time(std::string_view text) {
  const auto year = take_number(text, 4);
  if (!year || !take(text, "-")) return {};
  const auto month = take_number(text, 2);
  if (!month || !take(text, "-")) return {};
  const auto day = take_number(text, 2);
  if (!day || !take(text, "Tt ")) return {};
  const auto hour = take_number(text, 2);
  if (!hour || !take(text, ":")) return {};
  const auto minute = take_number(text, 2);
  if (!minute || !take(text, ":")) return {};
  const auto second = take_number(text, 2);
  if (!second) return {};
  if (take(text, ".")) {
    if (!take_number(text, 1)) return {};
    while (take_number(text, 1)) {
    }
  }
  const auto offset = take_offset(text);
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  // 60 is a leap second.
  if (!offset || !text.empty() || !date.ok() || *hour > 23 || *minute > 59 || *second > 60) {
    return {};
  }
  const std::chrono::sys_seconds time = std::chrono::sys_days(date) + std::chrono::hours(*hour) +
                                        std::chrono::minutes(*minute) +
                                        std::chrono::seconds(*second) - *offset;
  if (time < kFirstTime || time >= kEndOfTime) return {};  // an offset may carry it over
  return time;
}

std::optional<int> major_version(std::string_view version) {
  const auto take_part = [&]() -> std::optional<int> {
    int value = 0;
    const auto [end, error] =
        std::from_chars(version.data(), version.data() + version.size(), value);
    if (error != std::errc() || !is_digit(version.front())) return {};
    version.remove_prefix(static_cast<std::size_t>(end - version.data()));
    return value;
  };
  const auto major = take_part();
  if (!major || !take(version, ".") || !take_part()) return {};
  if (take(version, ".") && !take_part()) return {};
  if (version.empty()) return major;
  const bool marked = take(version, "-+");
  const auto allowed = [](char c) {
    return is_digit(c) || is_letter(c) || c == '.' || c == '-' || c == '+';
  };
  if (!marked || version.empty() || !std::ranges::all_of(version, allowed)) return {};
  return major;
}

bool is_safe_path(std::string_view path) {
  const auto is_unsafe = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\';
  };
  if (path.empty() || std::ranges::any_of(path, is_unsafe)) return false;
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment.empty() || segment == "." || segment == "..") return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

std::string chunk_name(std::uint64_t number, std::string_view id) {
  return fmt::format("data/{:05}-{}.chunk", number, id);
}

std::optional<ChunkName> parse_chunk_name(std::string_view name) {
  constexpr std::string_view kFolder = "data/";
  constexpr std::string_view kSuffix = ".chunk";
  const std::size_t dash = name.find('-');
  if (!name.starts_with(kFolder) || !name.ends_with(kSuffix) || dash == std::string_view::npos ||
      dash + 1 > name.size() - kSuffix.size()) {
    return {};
  }
  ChunkName chunk;
  std::from_chars(name.data() + kFolder.size(), name.data() + dash, chunk.number);
  chunk.id = name.substr(dash + 1, name.size() - kSuffix.size() - dash - 1);
  if (chunk_name(chunk.number, chunk.id) != name) return {};  // every name has one spelling
  return chunk;
}

}  // namespace cnf::metadata
