// SPDX-License-Identifier: Apache-2.0
#include "cnf/hts/messages.h"

#include <htslib/hts_log.h>

namespace cnf::hts {

void silence_htslib() {
  [[maybe_unused]] static const bool done = [] {
    hts_set_log_level(HTS_LOG_OFF);
    return true;
  }();
}

}  // namespace cnf::hts
