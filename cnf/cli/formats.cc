// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/formats.h"

#include <span>

#include "cnf/cli/bams3.h"
#include "cnf/cli/cryoem.h"
#include "cnf/cli/vcfs3.h"

namespace cnf::cli {

std::span<const FormatChecks> format_checks() {
  static constexpr FormatChecks kFormats[] = {
      {"BAMS3", validate_bams3}, {"VCFS3", validate_vcfs3}, {"CryoEM", validate_cryoem}};
  return kFormats;
}

}  // namespace cnf::cli
