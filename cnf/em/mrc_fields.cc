// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>

#include <nlohmann/json.hpp>

#include "cnf/em/mrc.h"
#include "cnf/em/mrc_extended_internal.h"

namespace cnf::em {
namespace {

using nlohmann::json;

// JSON has no number that is infinite or none.
json number(float value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json numbers(const std::array<float, 3>& values) {
  return {number(values[0]), number(values[1]), number(values[2])};
}

}  // namespace

json mrc_fields(const MrcHeader& header) {
  json fields = {{"format", "mrc"},
                 {"nx", header.n[0]},
                 {"ny", header.n[1]},
                 {"nz", header.n[2]},
                 {"mode", header.mode},
                 {"nstart", header.nstart},
                 {"mx", header.m[0]},
                 {"my", header.m[1]},
                 {"mz", header.m[2]},
                 {"cella", numbers(header.cella)},
                 {"cellb", numbers(header.cellb)},
                 {"mapc", header.map[0] + 1},
                 {"mapr", header.map[1] + 1},
                 {"maps", header.map[2] + 1},
                 {"dmin", number(header.dmin)},
                 {"dmax", number(header.dmax)},
                 {"dmean", number(header.dmean)},
                 {"rms", number(header.rms)},
                 {"statistics_known", header.statistics_known()},
                 {"ispg", header.ispg},
                 {"nsymbt", header.nsymbt},
                 {"exttyp", header.exttyp},
                 {"nversion", header.nversion},
                 {"origin", numbers(header.origin)},
                 {"machst", header.machst},
                 {"byte_order", header.big_endian ? "big" : "little"},
                 {"labels", header.labels}};
  if (header.imod_flags) fields["imod_flags"] = *header.imod_flags;
  if (header.mode == 0) fields["bytes"] = header.is_unsigned ? "unsigned" : "signed";
  if (header.map_is_assumed) fields["axes_assumed"] = true;
  return fields;
}

}  // namespace cnf::em
