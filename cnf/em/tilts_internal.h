// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "cnf/core/util/context.h"
#include "cnf/em/source.h"

namespace cnf::em {

/// `source` as a tilt series, if a list of its tilts is there: SourceOptions::tilts, or else
/// beside `uri` IN.mrc.mdoc, IN.mdoc, IN.tlt, IN.rawtlt. One that was found and does not fit
/// (another number of images: a tomogram has its series' name) leaves the source as it is. The
/// list's text becomes an attachment. Throws Error invalid_argument where a list that was asked for
/// does not fit; not_found.
[[nodiscard]] std::unique_ptr<Source> with_tilts(std::unique_ptr<Source> source,
                                                 const std::string& uri,
                                                 const SourceOptions& options,
                                                 const Context& context);

}  // namespace cnf::em
