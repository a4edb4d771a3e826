// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <htslib/hfile.h>
#include <htslib/hts.h>

#include "cnf/core/storage/options.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/context.h"
#include "cnf/hts/feed.h"

namespace cnf::hts {

/// What an input must hold.
enum class Content : std::uint8_t {
  alignments,  ///< SAM, BAM, CRAM
  variants,    ///< VCF, BCF; and other text, which the caller looks at itself
};

/// An input as htslib reads it, wherever it lies. Threads: one at a time.
class Input {
 public:
  /// Opens a path, a URI or "-", and finds out what it holds.
  /// Throws Error not_found, permission_denied, corrupt_data (other content), unsupported.
  Input(const std::string& uri, Content content, const storage::Options& options,
        const Context& context);
  /// The same for an object whose store is open already.
  Input(storage::Location location, Content content, const Context& context);
  ~Input();
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

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
  Content content_;
  Context context_;
  std::unique_ptr<Feed> feed_;  // file_ reads from it
  std::unique_ptr<htsFile, CloseFile> file_;
  hFILE* stream_ = nullptr;  // owned by file_
};

}  // namespace cnf::hts
