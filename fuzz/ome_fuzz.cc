// SPDX-License-Identifier: Apache-2.0
// Attributes of OME-Zarr groups: what is read of any version is the same when it is written as 0.5.

#include <cstddef>
#include <cstdint>
#include <optional>

#include "fuzz/harness.h"
#include <nlohmann/json.hpp>

#include "cnf/core/util/error.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/ome.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cnf::Errc;
  using cnf::fuzz::require;
  namespace zarr = cnf::zarr;
  nlohmann::json attributes;
  const bool is_json = cnf::fuzz::returns({Errc::corrupt_data}, [&] {
    attributes = zarr::parse_document(cnf::fuzz::bytes_of(data, size), "input");
  });
  if (!is_json) return 0;
  cnf::fuzz::returns({Errc::corrupt_data}, [&] { (void)zarr::parse_labels(attributes, "input"); });
  cnf::fuzz::returns({Errc::corrupt_data, Errc::unsupported}, [&] {
    const std::optional<zarr::Multiscale> image = zarr::parse_multiscale(attributes, "input");
    if (!image) return;
    const nlohmann::json written = zarr::to_json(*image);
    const auto again = zarr::parse_multiscale({{"ome", written}}, "again");
    require(again.has_value(), "no image any more");
    require(zarr::to_json(*again) == written, "the image changed");
    for (const zarr::Level& level : image->levels) {
      require(level.scale.size() == image->axes.size() &&
                  level.translation.size() == image->axes.size(),
              "a level of other axes");
    }
  });
  return 0;
}
