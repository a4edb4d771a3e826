// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/source.h"
#include "cnf/hts/input.h"

namespace cnf::bams3 {

/// The records of an input, whichever of the three it is.
[[nodiscard]] std::unique_ptr<RecordSource> read_records(std::unique_ptr<hts::Input> input,
                                                         const std::string& reference);

/// The raw records of a BAM, however it is compressed.
[[nodiscard]] std::unique_ptr<RecordSource> read_bam(std::unique_ptr<hts::Input> input);
/// The records of SAM text, as htslib parses them.
[[nodiscard]] std::unique_ptr<RecordSource> read_sam(std::unique_ptr<hts::Input> input);
/// The records of a CRAM, as htslib decodes them. \param reference  FASTA; may be empty.
[[nodiscard]] std::unique_ptr<RecordSource> read_cram(std::unique_ptr<hts::Input> input,
                                                      const std::string& reference);

/// What is wrong with a line that htslib could not parse, in the words of the SAM specification.
[[nodiscard]] std::string explain_sam_line(std::string_view line, const Header& header);

}  // namespace cnf::bams3
