// SPDX-License-Identifier: Apache-2.0
// zarr.json of an array, or .zarray: what is read must be the same when it is written and read
// again, and must be fit to be read from.

#include <cstddef>
#include <cstdint>

#include "fuzz/harness.h"
#include <nlohmann/json.hpp>

#include "cnf/core/storage/memory.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/metadata.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace zarr = cnf::zarr;
  using cnf::Errc;
  using cnf::fuzz::require;
  cnf::fuzz::returns({Errc::corrupt_data, Errc::unsupported}, [&] {
    const nlohmann::json document = zarr::parse_document(cnf::fuzz::bytes_of(data, size), "input");
    const bool is_v2 = document.is_object() && document.contains("chunks");
    const zarr::ArrayMetadata array = is_v2 ? zarr::parse_array_v2(document, nullptr, "input")
                                            : zarr::parse_array(document, "input");
    require(array.fill.size() == cnf::size_of(array.type), "the fill value is not one element");
    require(array.chunk.size() == array.shape.size(), "a chunk has other axes than the array");
    require(array.inner_chunk().elements() * cnf::size_of(array.type) <= zarr::kMaxChunkBytes,
            "a chunk is too large");
    const zarr::Array opened(cnf::storage::make_memory(), "", array);
    cnf::fuzz::returns({Errc::unsupported}, [&] {
      const nlohmann::json written = zarr::to_json(array);
      require(zarr::to_json(zarr::parse_array(written, "again")) == written, "it changed");
    });
  });
  return 0;
}
