// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "cnf/core/util/buffer.h"

namespace cnf::em {

/// Packs bytes as one gzip member as they come, and hands them on. Memory: a few hundred KiB.
/// Threads: one at a time.
class GzipWriter {
 public:
  using Sink = std::function<void(ByteSpan)>;

  explicit GzipWriter(Sink sink);
  ~GzipWriter();
  GzipWriter(const GzipWriter&) = delete;
  GzipWriter& operator=(const GzipWriter&) = delete;

  void write(ByteSpan bytes);
  /// Writes the member's end; what is not finished is no gzip file.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cnf::em
