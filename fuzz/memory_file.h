// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "fuzz/harness.h"
#include <sys/mman.h>
#include <unistd.h>

#include "cnf/core/util/buffer.h"

namespace cnf::fuzz {

/// A file that has a path but no place on a disk.
class MemoryFile {
 public:
  explicit MemoryFile(ByteSpan bytes) : descriptor_(::memfd_create("input", MFD_CLOEXEC)) {
    require(descriptor_ >= 0, "no file in memory can be made");
    require(
        ::write(descriptor_, bytes.data(), bytes.size()) == static_cast<::ssize_t>(bytes.size()),
        "a file in memory cannot be written");
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(descriptor_); }

  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace cnf::fuzz
