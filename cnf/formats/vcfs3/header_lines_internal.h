// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cnf/formats/vcfs3/header.h"

namespace cnf::vcfs3 {

/// Fills what the "##" lines of `header.text` define: contigs, INFO, FORMAT.
void read_meta_lines(Header& header);

}  // namespace cnf::vcfs3
