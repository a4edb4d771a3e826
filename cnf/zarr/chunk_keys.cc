// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cnf/core/util/shape.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr {

const Sharding* ArrayMetadata::sharding() const noexcept {
  if (codecs.size() != 1 || codecs.front().kind != Codec::Kind::sharding) return nullptr;
  return codecs.front().sharding.get();
}

const Shape& ArrayMetadata::inner_chunk() const noexcept {
  const Sharding* shards = sharding();
  return shards != nullptr ? shards->chunk : chunk;
}

std::string ArrayMetadata::chunk_key(const Shape& at) const {
  const std::string places = fmt::format("{}", fmt::join(at, std::string(1, separator)));
  // An array without axes has one chunk: "c", in version 2 "0".
  if (v2_keys) return places.empty() ? "0" : places;
  return places.empty() ? "c" : fmt::format("c{}{}", separator, places);
}

}  // namespace cnf::zarr
