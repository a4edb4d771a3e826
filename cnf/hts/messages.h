// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace cnf::hts {

/// Turns htslib's own messages off for the whole process, once: it complains on stderr as it goes,
/// and here the Error alone tells. A program that wants them may turn them on again after it.
void silence_htslib();

}  // namespace cnf::hts
