// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "cnf/cli/session.h"
#include "cnf/formats/vcfs3/sink.h"

namespace cnf::cli {

/// The index beside a VCF.gz or BCF file that is being written: --write-index.
class VariantIndex {
 public:
  /// Throws UsageError if it is wanted and the output is no local file of such a format.
  VariantIndex(const Session& session, bool wanted, vcfs3::FileFormat format);
  /// Makes it, once the file is there: .tbi, or .csi for BCF and where contigs are longer than TBI
  /// can tell. Throws Error unsupported if htslib cannot (records are not sorted).
  void build() const;

 private:
  std::optional<std::string> path_;
  vcfs3::FileFormat format_;
};

}  // namespace cnf::cli
