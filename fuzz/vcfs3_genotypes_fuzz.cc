// SPDX-License-Identifier: Apache-2.0
// A genotype tile without its checksum, behind a byte with the number of samples and one with the
// number of records (the eighth of which has no GT). What is read must come back when written.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz/harness.h"

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/genotype_tile.h"
#include "cnf/formats/vcfs3/genotypes.h"

namespace {

bool same(const cnf::vcfs3::Genotypes& a, const cnf::vcfs3::Genotypes& b) {
  if (a.texts != b.texts || a.codes != b.codes || a.escapes.size() != b.escapes.size())
    return false;
  for (std::size_t i = 0; i < a.escapes.size(); ++i) {
    if (a.escapes[i].cell != b.escapes[i].cell || a.escapes[i].text != b.escapes[i].text) {
      return false;
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace vcfs3 = cnf::vcfs3;
  if (size < 2) return 0;
  const std::size_t samples = data[0];
  std::vector<std::uint8_t> present(data[1], 1);
  for (std::size_t i = 7; i < present.size(); i += 8) present[i] = 0;
  cnf::Buffer tile = cnf::Buffer::copy_of(cnf::fuzz::bytes_of(data, size).subspan(2));
  const std::uint32_t sum = cnf::crc32c(tile);
  cnf::ByteWriter(tile).put(sum);
  cnf::fuzz::returns({cnf::Errc::corrupt_data}, [&] {
    const auto read = vcfs3::decode_genotypes(tile, present, samples, "input");
    const cnf::Buffer written = vcfs3::encode_genotypes(read, {0, samples});
    const auto again = vcfs3::decode_genotypes(written, present, samples, "written");
    cnf::fuzz::require(same(read, again), "genotypes changed");
  });
  return 0;
}
