// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <variant>

#include "cnf/core/storage/options.h"
#include "cnf/core/storage/temporary_file.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"

namespace cnf::em {

/// All bytes of an input as memory, unpacked: a local file is mapped; gzip and bzip2, pipes and
/// objects of stores come through a temporary file. Move-only. Threads: may be read concurrently.
class InputFile {
 public:
  /// \param uri  a path, a URI, or "-" for standard input.
  /// Throws Error not_found, corrupt_data (gzip or bzip2 is damaged or cut off), out_of_space, and
  /// what stores throw.
  InputFile(const std::string& uri, const storage::Options& options, const Context& context);
  /// Bytes that are in memory already.
  InputFile(Buffer bytes, std::string name);

  [[nodiscard]] ByteSpan bytes() const noexcept;
  /// As messages have it.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// What the file is called when it is unpacked, in lower case: "EMD-3001.MAP.gz" is
  /// "emd-3001.map". Endings of names tell what is in files.
  [[nodiscard]] const std::string& plain_name() const noexcept { return plain_name_; }

 private:
  std::string name_;
  std::string plain_name_;
  std::variant<Buffer, storage::MappedFile> bytes_;
};

}  // namespace cnf::em
