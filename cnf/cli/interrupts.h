// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace cnf::cli {

/// Turns the first SIGINT or SIGTERM into a stop request, so that writers abort what they have
/// begun; the second ends the process at once with exit status 130.
///
/// Make it before any thread is started: a thread inherits which signals it leaves to this one.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  [[nodiscard]] std::stop_token token() const noexcept { return stop_.get_token(); }
  [[nodiscard]] bool happened() const noexcept { return stop_.stop_requested(); }

 private:
  void wait_for_signals();

  std::stop_source stop_;
  std::atomic<bool> done_{false};
  std::thread waiter_;
};

/// Ends the process by SIGPIPE, as a tool that never handled it would end: what `cnf … | head`
/// does.
[[noreturn]] void end_by_broken_pipe();

}  // namespace cnf::cli
