// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/interrupts.h"

#include <csignal>

#include <signal.h>
#include <unistd.h>

#include "cnf/cli/exit_status.h"

namespace cnf::cli {
namespace {

// A job in the background of a script is started with SIGINT ignored, and then Ctrl-C is not for
// it.
bool is_ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

// Sent to the waiting thread alone, to end it.
constexpr int kWake = SIGUSR2;

sigset_t awaited_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, kWake);
  sigaddset(&signals, SIGTERM);
  if (!is_ignored(SIGINT)) sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

Interrupts::Interrupts() {
  const sigset_t signals = awaited_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // writes answer EPIPE instead, and what was begun is aborted
  waiter_ = std::thread([this] { wait_for_signals(); });
}

Interrupts::~Interrupts() {
  done_ = true;
  pthread_kill(waiter_.native_handle(), kWake);
  waiter_.join();
}

void Interrupts::wait_for_signals() {
  const sigset_t signals = awaited_signals();
  for (int signal = 0; sigwait(&signals, &signal) == 0 && !done_;) {
    if (signal != kWake && !stop_.request_stop()) _exit(kInterrupted);
  }
}

void end_by_broken_pipe() {
  std::signal(SIGPIPE, SIG_DFL);
  static_cast<void>(std::raise(SIGPIPE));
  _exit(kFailed);  // only where SIGPIPE is blocked
}

}  // namespace cnf::cli
