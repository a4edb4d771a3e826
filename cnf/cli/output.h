// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cnf/cli/pipes.h"
#include "cnf/cli/session.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"

namespace cnf::cli {

/// Where a verb's answer goes: stdout, a special file, a file, or an object of any store.
///
/// A file or object becomes visible in commit(), whole, in place of the one that was there; without
/// commit() nothing changes. Small writes are gathered. Threads: one at a time.
class Output {
 public:
  /// Writes to where --output says.
  explicit Output(Session& session) : Output(session, session.options().output) {}
  /// \param target  "-" (stdout), a path, or a URI.
  Output(Session& session, const std::string& target, const storage::WriteOptions& options = {});
  ~Output();  ///< Aborts what was not committed.
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void write(ByteSpan bytes);
  void write(std::string_view text) { write(as_bytes(text)); }
  /// Writes `text` and a newline.
  void line(std::string_view text);
  /// Makes all of it visible. Throws what the store answers.
  void commit();

 private:
  void flush();

  Context context_;
  std::optional<Pipe> pipe_;
  std::unique_ptr<storage::Writer> writer_;
  bool unbuffered_ = false;
  Buffer gathered_;
};

/// True for a local path to what is neither a file nor a folder, such as /dev/null or a FIFO: it is
/// written to, never replaced.
[[nodiscard]] bool is_special_file(const std::string& uri);

}  // namespace cnf::cli
