// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string_view>
#include <vector>

#include "fuzz/seeds.h"

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/em/particles.h"
#include "cnf/formats/cryoem/points_coding_internal.h"

namespace cnf::fuzz {
namespace {

/// With the byte that tells points_fuzz.cc what it is.
Buffer marked(std::uint8_t what, ByteSpan bytes) {
  Buffer input;
  ByteWriter out(input);
  out.put(what);
  out.put_bytes(bytes);
  return input;
}

}  // namespace

void write_points_seeds(const SeedWriter& seeds) {
  const em::Particle first{{1, 2, 3}, "TS_01", " TS_01 1 2 3 "};
  const em::Particle second{{4, 5, 6}, "", "{\"location\":{\"x\":4,\"y\":5,\"z\":6}}"};
  const std::vector<const em::Particle*> rows{&first, &second};
  seeds.write("points", "block", marked(0, cryoem::encode_points(rows)));
  Buffer raw;
  ByteWriter out(raw);
  out.put_varint(2);
  for (const std::string_view text : {"TS_01", "1 2 3", "", "4 5 6"}) out.put_string(text);
  seeds.write("points", "lines", marked(1, raw));

  em::Particles list;
  list.columns = {"rlnTomoName", "rlnCoordinateX", "rlnCoordinateY", "rlnCoordinateZ"};
  list.preamble = "data_particles\nloop_\n_rlnTomoName\n";
  list.postamble = "\ndata_after\n";
  seeds.write("points", "header", marked(2, cryoem::encode_points_header(list)));
}

}  // namespace cnf::fuzz
