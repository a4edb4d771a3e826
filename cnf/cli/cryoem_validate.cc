// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "cnf/cli/cryoem.h"
#include "cnf/cli/formats.h"
#include "cnf/cli/session.h"
#include "cnf/core/query/dataset.h"
#include "cnf/formats/cryoem/validate.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cli {

std::vector<query::Finding> validate_cryoem(const query::Dataset& dataset, Depth depth,
                                            Session& session) {
  return findings_of([&](const cryoem::Complaint& complain) {
    const cryoem::Volume volume = cryoem::Volume::open(dataset.root, session.context());
    const cryoem::Depth how = depth == Depth::deep ? cryoem::Depth::pyramid : cryoem::Depth::voxels;
    cryoem::validate(volume, how, complain, read_options(session), session.context());
    for (const std::string& name : volume.labels(session.context())) {
      cryoem::validate(
          volume.label(name, session.context()), how,
          [&](const std::string& object, const std::string& what) {
            complain("labels/" + name + "/" + object, what);
          },
          read_options(session), session.context());
    }
  });
}

}  // namespace cnf::cli
