// SPDX-License-Identifier: Apache-2.0
// What a dataset keeps of points. The first byte: 0, a block of lines as it is stored; 1, one
// before compression, for no fuzzer guesses a zstd frame; else the header.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz/harness.h"

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"
#include "cnf/em/particles.h"
#include "cnf/formats/cryoem/points_coding_internal.h"

namespace {

using cnf::Buffer;
using cnf::ByteSpan;
using cnf::Errc;
using cnf::fuzz::require;
namespace cryoem = cnf::cryoem;

void read_block(ByteSpan stored) {
  const std::vector<cryoem::PointLine> lines = cryoem::decode_points(stored, "input");
  std::vector<cnf::em::Particle> particles;
  for (const cryoem::PointLine& line : lines) particles.push_back({{}, line.tomogram, line.line});
  std::vector<const cnf::em::Particle*> rows;
  for (const cnf::em::Particle& particle : particles) rows.push_back(&particle);
  const std::vector<cryoem::PointLine> again =
      cryoem::decode_points(cryoem::encode_points(rows), "again");
  require(again.size() == lines.size(), "another number of lines");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    require(again[i].line == lines[i].line && again[i].tomogram == lines[i].tomogram,
            "another line");
  }
}

void read_header(ByteSpan stored) {
  const cnf::em::Particles header = cryoem::decode_points_header(stored, "input");
  const cnf::em::Particles again =
      cryoem::decode_points_header(cryoem::encode_points_header(header), "again");
  require(again.columns == header.columns && again.preamble == header.preamble &&
              again.postamble == header.postamble && again.block == header.block &&
              again.format == header.format && again.pixels_per_voxel == header.pixels_per_voxel,
          "another header");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteSpan input = cnf::fuzz::bytes_of(data, size).subspan(1);
  cnf::fuzz::returns({Errc::corrupt_data, Errc::unsupported}, [&] {
    if (data[0] == 0) {
      read_block(input);
    } else if (data[0] == 1) {
      Buffer stored;
      cnf::ByteWriter(stored).put_varint(input.size());
      cnf::compress::make_codec({.algorithm = "zstd", .level = 1})->compress(input, stored);
      read_block(stored);
    } else {
      read_header(input);
    }
  });
  return 0;
}
