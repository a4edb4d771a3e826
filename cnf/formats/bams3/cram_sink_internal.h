// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "cnf/formats/bams3/sink.h"

namespace cnf::bams3 {

/// CRAM 3.0 by htslib, whose file is a pipe that a thread of ours empties into `out`.
[[nodiscard]] std::unique_ptr<RecordSink> make_cram_sink(const Header& header, ByteSink out,
                                                         const SinkOptions& options);

}  // namespace cnf::bams3
