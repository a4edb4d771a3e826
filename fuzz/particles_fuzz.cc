// SPDX-License-Identifier: Apache-2.0
// Lists of particles. What was read must say the same when it is written and read again.

#include <cstddef>
#include <cstdint>
#include <string>

#include "fuzz/harness.h"

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/em/particles.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cnf::Errc;
  const cnf::ByteSpan text = cnf::fuzz::bytes_of(data, size);
  const cnf::em::Geometry geometry{.voxel = 2, .dims = {9, 9, 9}, .pixel = 4};
  cnf::fuzz::returns({Errc::corrupt_data, Errc::invalid_argument}, [&] {
    const cnf::em::Particles particles = cnf::em::parse_particles(text, geometry, "input");
    const std::string written = cnf::em::to_text(particles);
    const cnf::em::Particles again =
        cnf::em::parse_particles(cnf::as_bytes(written), geometry, "again");
    cnf::fuzz::require(again.rows.size() == particles.rows.size(), "another number of particles");
    cnf::fuzz::require(again.columns == particles.columns, "other columns");
    for (std::size_t i = 0; i < again.rows.size(); ++i) {
      cnf::fuzz::require(again.rows[i].line == particles.rows[i].line, "another line");
      cnf::fuzz::require(again.rows[i].at == particles.rows[i].at, "another place");
    }
  });
  return 0;
}
