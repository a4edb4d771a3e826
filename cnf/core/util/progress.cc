// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/util/progress.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/core.h>

#include "cnf/core/util/error.h"

namespace cnf {
namespace {

// `value` in the largest of `units` (each `step` times the one before) that leaves it at least 1.
template <std::size_t N>
std::string scaled(double value, double step, const std::array<std::string_view, N>& units) {
  std::size_t unit = 0;
  // What would be rounded up to a whole step is one of the next unit: never "1024 KiB".
  for (; unit + 1 < N && value >= step - 0.5; ++unit) value /= step;
  const bool one_decimal = unit > 0 && value < 99.95;
  return fmt::format("{:.{}f}{}", value, one_decimal ? 1 : 0, units[unit]);
}

std::string format_duration(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::ceil(seconds));
  if (whole < 120) return fmt::format("{} s", whole);
  if (whole < std::uint64_t{120} * 60) return fmt::format("{} min", whole / 60);
  return fmt::format("{} h {} min", whole / 3600, whole / 60 % 60);
}

[[noreturn]] void refuse_size(std::string_view text, std::string_view why) {
  throw Error(Errc::invalid_argument, "read", fmt::format("size \"{}\"", text), why,
              "write it as 512, 64M or 1.5G");
}

// The unit's power of two; `text` is what follows the digits.
unsigned unit_shift(std::string_view unit, std::string_view text) {
  if (unit.empty()) return 0;
  constexpr std::string_view kUnits = "KMGT";
  const std::size_t index = kUnits.find(unit.front());
  unit.remove_prefix(1);
  if (index == std::string_view::npos || !(unit.empty() || unit == "iB")) {
    refuse_size(text, "unknown unit");
  }
  return 10 * static_cast<unsigned>(index + 1);
}

}  // namespace

Progress::Progress(Sink sink, std::chrono::milliseconds interval)
    : sink_(std::move(sink)), interval_(interval), next_tell_ms_(interval.count()) {}

void Progress::add(std::uint64_t bytes, std::uint64_t records) {
  bytes_ += bytes;
  records_ += records;
  if (!sink_) return;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start_);
  if (elapsed.count() < next_tell_ms_) return;
  // Whoever finds another thread telling leaves it to that one: work never waits for a terminal.
  const std::unique_lock lock(telling_, std::try_to_lock);
  if (!lock || finished_) return;
  next_tell_ms_ = (elapsed + interval_).count();
  sink_(state());
}

void Progress::finish() {
  const std::lock_guard lock(telling_);
  if (std::exchange(finished_, true) || !sink_) return;
  sink_(state());
}

ProgressState Progress::state() const noexcept {
  return {.bytes = bytes_,
          .total_bytes = total_,
          .records = records_,
          .elapsed = std::chrono::steady_clock::now() - start_};
}

std::string describe(const ProgressState& state) {
  std::string text = format_size(state.bytes);
  if (state.total_bytes != 0) {
    const auto share = static_cast<double>(state.bytes) / static_cast<double>(state.total_bytes);
    text += fmt::format(" of {}, {:.0f} %", format_size(state.total_bytes),
                        std::floor(std::min(share, 1.0) * 100));
  }
  if (state.records != 0) {
    constexpr std::array<std::string_view, 4> kCounts = {"", " k", " M", " G"};
    text += fmt::format(", {} records", scaled(static_cast<double>(state.records), 1000, kCounts));
  }
  const double rate = static_cast<double>(state.bytes) / state.elapsed.count();
  if (!std::isfinite(rate) || rate < 1) return text;
  text += fmt::format(", {}/s", format_size(static_cast<std::uint64_t>(rate)));
  if (state.total_bytes > state.bytes) {
    const auto left = static_cast<double>(state.total_bytes - state.bytes) / rate;
    text += fmt::format(", {} left", format_duration(left));
  }
  return text;
}

std::string format_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 7> kUnits = {" B",   " KiB", " MiB", " GiB",
                                                      " TiB", " PiB", " EiB"};
  return scaled(static_cast<double>(bytes), 1024, kUnits);
}

std::uint64_t parse_size(std::string_view text) {
  const char* const end = text.data() + text.size();
  std::uint64_t whole = 0;
  auto parsed = std::from_chars(text.data(), end, whole);
  if (parsed.ec != std::errc()) refuse_size(text, "no number, or one too large");
  double fraction = 0;
  if (parsed.ptr != end && *parsed.ptr == '.') {
    const char* const dot = parsed.ptr;
    parsed = std::from_chars(dot, end, fraction, std::chars_format::fixed);
    if (parsed.ec != std::errc() || parsed.ptr == dot + 1)
      refuse_size(text, "no digits behind the point");
  }
  const unsigned shift = unit_shift({parsed.ptr, end}, text);
  if (whole > std::numeric_limits<std::uint64_t>::max() >> shift)
    refuse_size(text, "it is too large");
  if (shift == 0 && fraction != 0) refuse_size(text, "there are no parts of a byte");
  const std::uint64_t unit = std::uint64_t{1} << shift;
  // A fraction of many nines is read as 1: it must not carry over into the whole.
  const auto part = static_cast<std::uint64_t>(fraction * static_cast<double>(unit));
  return whole * unit + std::min(part, unit - 1);
}

}  // namespace cnf
