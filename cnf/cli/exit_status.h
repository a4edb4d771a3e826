// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace cnf::cli {

/// What the program's exit status says, the same for every verb.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;      ///< The work failed; one line on stderr says why.
inline constexpr int kWrongUsage = 2;  ///< The command line itself is wrong.
inline constexpr int kNothingMatched =
    3;  ///< A sample, id, contig … asked for by name is not there.
inline constexpr int kInterrupted = 130;  ///< By SIGINT or SIGTERM.

}  // namespace cnf::cli
