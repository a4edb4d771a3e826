// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace cnf {

/// How far a long piece of work is.
struct ProgressState {
  std::uint64_t bytes = 0;        ///< Input bytes done.
  std::uint64_t total_bytes = 0;  ///< 0: not known (a pipe).
  std::uint64_t records = 0;
  std::chrono::duration<double> elapsed{};
};

/// Counts work and tells a sink about it a few times a second. The library never prints: the
/// command line's sink does, and only on a terminal.
///
/// Threads: add() may be called concurrently; the sink is called by one thread at a time.
class Progress {
 public:
  using Sink = std::function<void(const ProgressState&)>;

  /// A Progress without a sink counts and tells nobody.
  Progress() = default;
  explicit Progress(Sink sink, std::chrono::milliseconds interval = std::chrono::milliseconds(200));

  void set_total(std::uint64_t bytes) noexcept { total_ = bytes; }
  void add(std::uint64_t bytes, std::uint64_t records);
  /// Tells the sink the final state, once; it hears nothing after that.
  void finish();
  [[nodiscard]] ProgressState state() const noexcept;

 private:
  Sink sink_;
  std::chrono::milliseconds interval_{200};
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::atomic<std::uint64_t> bytes_{0}, records_{0}, total_{0};
  std::atomic<std::int64_t> next_tell_ms_{0};
  std::mutex telling_;
  bool finished_ = false;  // guarded by telling_
};

/// "1.2 GiB of 4.0 GiB, 30 %, 12.3 M records, 85.0 MiB/s, 34 s left", as a terminal shows it.
[[nodiscard]] std::string describe(const ProgressState& state);

/// "1.5 GiB": binary units, as people read sizes.
[[nodiscard]] std::string format_size(std::uint64_t bytes);

/// Reads "64M", "1.5G", "2TiB", "512": binary units K M G T with an optional "iB", no unit is
/// bytes. Throws Error invalid_argument on anything else.
[[nodiscard]] std::uint64_t parse_size(std::string_view text);

}  // namespace cnf
