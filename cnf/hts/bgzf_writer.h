// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"

namespace cnf::hts {

/// Compresses a stream as BGZF (SAMv1, section 4.1), blocks in parallel. Threads: one at a time.
class BgzfWriter {
 public:
  /// \param level  0 to 9, as zlib's.
  BgzfWriter(std::function<void(ByteSpan)> out, int level, std::size_t threads,
             const Context& context);

  void write(ByteSpan bytes);
  /// Ends the current block: what follows begins a new one.
  void end_block();
  /// Writes what is left and the empty block that ends a file.
  void finish();

 private:
  void compress_gathered();

  std::function<void(ByteSpan)> out_;
  int level_;
  std::size_t threads_;
  Context context_;
  Buffer gathered_;                  // raw bytes of whole blocks to come
  std::vector<std::size_t> breaks_;  // where a block must end
};

}  // namespace cnf::hts
