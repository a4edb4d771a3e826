// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/status_line.h"

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>

#include <sys/ioctl.h>
#include <unistd.h>

namespace cnf::cli {
namespace {

std::size_t terminal_columns() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

}  // namespace

StatusLine::StatusLine(bool enabled) : enabled_(enabled && isatty(STDERR_FILENO) == 1) {}

StatusLine::~StatusLine() {
  const std::lock_guard lock(mutex_);
  clear();
}

void StatusLine::stop_drawing() {
  const std::lock_guard lock(mutex_);
  clear();
  enabled_ = false;
}

void StatusLine::draw(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (!enabled_) return;
  clear();
  const std::string_view shown = text.substr(0, terminal_columns() - 1);
  std::fwrite(shown.data(), 1, shown.size(), stderr);
  std::fflush(stderr);
  drawn_ = true;
}

void StatusLine::print(std::string_view text) {
  std::string line = "cnf: ";
  line += text;
  std::replace_if(
      line.begin(), line.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  print_raw(line);
}

void StatusLine::print_raw(std::string_view text) {
  const std::lock_guard lock(mutex_);
  clear();
  std::string line(text);
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void StatusLine::clear() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  drawn_ = false;
}

}  // namespace cnf::cli
