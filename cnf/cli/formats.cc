// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/formats.h"

#include <span>

#include "cnf/cli/bams3.h"

namespace cnf::cli {

std::span<const FormatChecks> format_checks() {
  static constexpr FormatChecks kFormats[] = {{"BAMS3", validate_bams3}};
  return kFormats;
}

}  // namespace cnf::cli
