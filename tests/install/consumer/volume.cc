// SPDX-License-Identifier: Apache-2.0
// A volume in memory becomes a dataset, and a box of it comes back: exit status 0 if it does.

#include <cstddef>
#include <cstdio>
#include <vector>

#include <cnf/core/storage/memory.h>
#include <cnf/core/util/buffer.h>
#include <cnf/core/util/data_type.h>
#include <cnf/core/util/error.h>
#include <cnf/formats/cryoem/import.h>
#include <cnf/formats/cryoem/volume.h>

int main() {
  try {
    const auto store = cnf::storage::make_memory();
    std::vector<std::byte> voxels(20 * 30 * 40);
    for (std::size_t i = 0; i < voxels.size(); ++i) voxels[i] = static_cast<std::byte>(i % 251);
    cnf::cryoem::write(voxels, {20, 30, 40}, cnf::DataType::uint8, store);
    const auto volume = cnf::cryoem::Volume::open(store);
    const cnf::Buffer box =
        volume.read({.x = 7, .y = 8, .z = 9, .width = 1, .height = 1, .depth = 1});
    return box.span()[0] == voxels[(9 * 30 + 8) * 40 + 7] ? 0 : 1;
  } catch (const cnf::Error& error) {
    std::fprintf(stderr, "volume: %s\n", error.what());
    return 1;
  }
}
