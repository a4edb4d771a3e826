// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/formats.h"

#include <span>

namespace cnf::cli {

std::span<const FormatChecks> format_checks() { return {}; }

}  // namespace cnf::cli
