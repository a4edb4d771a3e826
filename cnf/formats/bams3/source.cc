// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/source.h"

#include <memory>
#include <string>
#include <utility>

#include <htslib/hts.h>

#include "cnf/core/util/context.h"
#include "cnf/formats/bams3/source_readers_internal.h"
#include "cnf/hts/input.h"

namespace cnf::bams3 {

std::unique_ptr<RecordSource> open_source(const std::string& uri, const SourceOptions& options,
                                          const Context& context) {
  return read_records(
      std::make_unique<hts::Input>(uri, hts::Content::alignments, options.storage, context),
      options.reference);
}

std::unique_ptr<RecordSource> read_records(std::unique_ptr<hts::Input> input,
                                           const std::string& reference) {
  switch (input->file()->format.format) {
    case bam:
      return read_bam(std::move(input));
    case cram:
      return read_cram(std::move(input), reference);
    default:  // Input has refused whatever is none of the three
      return read_sam(std::move(input));
  }
}

}  // namespace cnf::bams3
