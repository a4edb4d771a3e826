// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/index/btree.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/cryoem/chunk_statistics.h"
#include "cnf/formats/cryoem/chunk_statistics_internal.h"
#include "cnf/formats/cryoem/layout.h"
#include "cnf/formats/cryoem/volume.h"
#include "cnf/zarr/array.h"

namespace cnf::cryoem {

void for_each_chunk(const Volume& volume, std::size_t level, const VisitChunk& visit,
                    const Context& context) {
  const zarr::Array& array = volume.level(level);
  if (volume.committed() == nullptr) {
    throw Error(Errc::unsupported, "read the statistics of", array.uri(),
                "others wrote it, and keep none of chunks", "import it");
  }
  const metadata::ObjectInfo& info = volume.committed()->metadata.object(kStatisticsObject);
  const index::BTree tree =
      info.root.empty() ? index::BTree::open(volume.storage(), info.path, context)
                        : index::BTree(index::object_pages(volume.storage(), info.path), info.root);
  const chunk::Grid grid(array.shape(), array.metadata().inner_chunk());
  const std::uint64_t chunks = grid.counts().elements();
  const index::BTree::Query all = {
      {.first = statistics_key(level, 0), .last = statistics_key(level, chunks)}};
  for (const index::BTree::Row& row : tree.find(all, context)) {
    if (row.columns.size() != kStatisticsColumns || row.key.size() != statistics_key(0, 0).size()) {
      throw Error(Errc::corrupt_data, "read", volume.storage()->uri(info.path),
                  "a row that is none of a chunk");
    }
    // The range ends before the number of chunks, so the chunk is one of the grid.
    const std::uint64_t number = index::number_of_key(row.key.substr(row.key.size() - 8));
    visit(grid.elements_of(grid.chunk_of_number(number)),
          {.count = row.columns[0],
           .nan = row.columns[1],
           .min = std::bit_cast<double>(row.columns[2]),
           .max = std::bit_cast<double>(row.columns[3]),
           .mean = std::bit_cast<double>(row.columns[4]),
           .m2 = std::bit_cast<double>(row.columns[5])});
  }
}

}  // namespace cnf::cryoem
