// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/source.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <htslib/hts.h>

#include "cnf/core/util/context.h"
#include "cnf/core/worker/pool.h"
#include "cnf/formats/vcfs3/source_readers_internal.h"
#include "cnf/hts/input.h"

namespace cnf::vcfs3 {

std::unique_ptr<Source> open_source(const std::string& uri, const SourceOptions& options,
                                    const Context& context) {
  auto input = std::make_unique<hts::Input>(uri, hts::Content::variants, options.storage, context);
  const std::size_t threads = options.threads == 0 ? worker::default_threads() : options.threads;
  if (input->file()->format.format == bcf) return read_bcf(std::move(input), threads);
  return read_text(std::move(input), threads);
}

}  // namespace cnf::vcfs3
