// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>
#include <string_view>

namespace cnf::cli {

/// stderr as people see it: whole lines that begin with "cnf: ", and below them, on a terminal
/// only, one line that is drawn anew as the work proceeds.
///
/// Threads: every member may be called concurrently.
class StatusLine {
 public:
  /// \param enabled  false: draw() does nothing.
  explicit StatusLine(bool enabled);
  ~StatusLine();
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  void stop_drawing();
  /// Shows `text` in place of what was drawn before, cut to the terminal's width.
  void draw(std::string_view text);
  /// Prints "cnf: " and `text` on a line of its own; control characters become spaces.
  void print(std::string_view text);
  /// Prints `text` as it is on a line of its own.
  void print_raw(std::string_view text);

 private:
  void clear();  // with mutex_ held

  std::mutex mutex_;
  bool enabled_;        // guarded by mutex_
  bool drawn_ = false;  // guarded by mutex_
};

}  // namespace cnf::cli
