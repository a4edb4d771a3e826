// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cnf/core/storage/temporary_file.h"
#include "cnf/core/util/buffer.h"

namespace cnf::em {

/// How a file of voxels is packed as a whole.
enum class Packing : std::uint8_t { none, gzip, bzip2 };

/// By the first bytes. A gzip member's third byte is 8, so no MRC file below 559,903 columns is
/// taken for one (RFC 1952, 2.3.1); bzip2 begins with "BZh1" to "BZh9".
[[nodiscard]] Packing packing_of(ByteSpan first_bytes) noexcept;

/// Takes a packed file piece by piece and appends what is in it to a temporary file.
class Unpacker {
 public:
  virtual ~Unpacker() = default;
  Unpacker() = default;
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;

  virtual void take(ByteSpan piece) = 0;
  /// The input has ended; throws Error corrupt_data if it should not have.
  virtual void finish() = 0;
};

/// `out` must outlive it.
[[nodiscard]] std::unique_ptr<Unpacker> make_unpacker(Packing packing, storage::TemporaryFile& out,
                                                      std::string subject);

}  // namespace cnf::em
