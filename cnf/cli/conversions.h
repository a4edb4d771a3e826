// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "cnf/cli/session.h"

namespace cnf::cli {

// What conversions into any format need.

/// Bytes of an input file, or of an object; 0 for standard input, for what is neither, and for what
/// is not there. One request.
[[nodiscard]] std::uint64_t input_size(const std::string& input, Session& session);

/// Answers --explain for a conversion of `bytes`; returns the exit status. \param what  the line
/// that says what would be done, without its end.
int explain_conversion(const std::string& what, const std::string& input, const std::string& target,
                       std::uint64_t bytes, Session& session);

}  // namespace cnf::cli
