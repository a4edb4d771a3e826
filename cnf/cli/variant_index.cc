// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/variant_index.h"

#include <cstdio>
#include <optional>
#include <string>

#include <htslib/tbx.h>
#include <htslib/vcf.h>

#include "cnf/cli/output.h"
#include "cnf/cli/session.h"
#include "cnf/cli/verb.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/sink.h"
#include "cnf/hts/messages.h"

namespace cnf::cli {
namespace {

constexpr int kCsiShift = 14;  // as bcftools index has it

}  // namespace

VariantIndex::VariantIndex(const Session& session, bool wanted, vcfs3::FileFormat format)
    : format_(format) {
  if (!wanted) return;
  const std::string& target = session.options().output;
  if (format != vcfs3::FileFormat::vcf_gz && format != vcfs3::FileFormat::bcf) {
    throw UsageError("--write-index needs -O z or -O b");
  }
  if (target != "-" && !is_special_file(target)) path_ = storage::local_path(target);
  if (!path_) throw UsageError("--write-index needs a local file: -o PATH");
}

void VariantIndex::build() const {
  if (!path_) return;
  hts::silence_htslib();
  int status = -1;
  if (format_ == vcfs3::FileFormat::vcf_gz) {
    status = tbx_index_build3(path_->c_str(), (*path_ + ".tbi").c_str(), 0, 0, &tbx_conf_vcf);
    if (status != 0) {
      std::remove((*path_ + ".tbi").c_str());
      status =
          tbx_index_build3(path_->c_str(), (*path_ + ".csi").c_str(), kCsiShift, 0, &tbx_conf_vcf);
    }
  } else {
    status = bcf_index_build3(path_->c_str(), (*path_ + ".csi").c_str(), kCsiShift, 0);
  }
  if (status != 0) {
    throw Error(Errc::unsupported, "write index", *path_,
                "htslib cannot index it: records are not sorted, or contigs not in one piece");
  }
}

}  // namespace cnf::cli
