// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <htslib/hfile.h>
#include <htslib/hts.h>

#include "cnf/core/storage/uri.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/bams3/source.h"
#include "cnf/formats/bams3/source_feed_internal.h"

namespace cnf::bams3 {

/// An input as htslib reads it, wherever it lies. Threads: one at a time.
class Input {
 public:
  /// Opens a path, a URI or "-", and finds out what it holds.
  /// Throws Error not_found, permission_denied, corrupt_data (not SAM, BAM or CRAM), unsupported.
  Input(const std::string& uri, const SourceOptions& options, const Context& context);
  /// The same for an object whose store is open already.
  Input(storage::Location location, const Context& context);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] htsFile* file() const noexcept { return file_.get(); }
  [[nodiscard]] const Context& context() const noexcept { return context_; }
  /// Bytes read so far, as stored.
  [[nodiscard]] std::uint64_t consumed() const noexcept;
  /// At an end or a failure of input: throws if it was the reading that failed, not what was read.
  void check_reading() const;

 private:
  void open_path(const std::string& path);
  void open_object(storage::Location location);
  void open_file(Descriptor descriptor);

  struct CloseFile {
    void operator()(htsFile* file) const noexcept { (void)hts_close(file); }
  };

  std::string name_;  // as messages have it
  Context context_;
  std::unique_ptr<Feed> feed_;  // outlives file_, which reads from it
  std::unique_ptr<htsFile, CloseFile> file_;
  hFILE* stream_ = nullptr;  // owned by file_
};

}  // namespace cnf::bams3
