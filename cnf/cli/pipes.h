// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"

namespace cnf::cli {

/// Whoever read our stdout has gone. Not an error: the program ends as other tools do.
class BrokenPipe {};

/// A file descriptor that is written or read as a stream and never seeked: stdin, stdout, a FIFO, a
/// device. Waiting for the other side ends when the context says stop.
///
/// Threads: one at a time. Owns the descriptor only if it opened it.
class Pipe {
 public:
  [[nodiscard]] static Pipe standard_input();
  [[nodiscard]] static Pipe standard_output();
  /// Opens a special file for writing. Throws Error.
  [[nodiscard]] static Pipe open_for_writing(const std::string& path);

  Pipe(Pipe&& other) noexcept;
  Pipe& operator=(Pipe&& other) = delete;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe();

  [[nodiscard]] bool is_terminal() const noexcept;
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// Writes all of it. Throws BrokenPipe, Error cancelled, out_of_space or unavailable.
  void write(ByteSpan bytes, const Context& context);
  /// Reads what is there, at least a byte; 0 at the end.
  [[nodiscard]] std::size_t read(MutableByteSpan into, const Context& context);

 private:
  Pipe(int descriptor, bool owned, std::string name)
      : descriptor_(descriptor), owned_(owned), name_(std::move(name)) {}
  void wait(short events, const Context& context) const;

  int descriptor_;
  bool owned_;
  std::string name_;
};

}  // namespace cnf::cli
