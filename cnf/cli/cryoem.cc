// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/cryoem.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cnf/cli/queries.h"
#include "cnf/cli/session.h"
#include "cnf/cli/verb.h"
#include "cnf/cli/verbs.h"
#include "cnf/core/util/shape.h"
#include "cnf/formats/cryoem/volume.h"
#include "cnf/zarr/array.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(A CryoEM dataset is a plain OME-Zarr 0.5 image, which every Zarr tool opens, with
levels, statistics and the exact bytes of what was imported. Every verb that reads
takes any OME-Zarr (0.4, 0.5, 0.6) and any Zarr array as well.

Voxels are counted from 0 and boxes are x,y,z,width,height,depth. Of a stack or a
series z counts the images.

Examples:
  cnf cryoem import tomogram.mrc s3://bucket/tomogram.zarr
  cnf cryoem query s3://bucket/tomogram.zarr --box 400,380,120,64,64,64 -o box.mrc
  cnf cryoem slice s3://bucket/tomogram.zarr --axis z --at 120 -o slice.png
  cnf cryoem export tomogram.zarr tomogram.mrc)";

}  // namespace

cryoem::Volume open_cryoem(Session& session, const std::string& uri, const std::string& label) {
  cryoem::Volume volume = cryoem::Volume::open(session.open(uri), session.context());
  return label.empty() ? volume : volume.label(label, session.context());
}

void add_label_option(Verb& verb, std::string& label) {
  verb.option("--label", "NAME", label, "Read these labels of the dataset, not the image");
}

std::vector<std::uint64_t> parse_numbers(const std::string& name, const std::string& text,
                                         std::size_t least, std::size_t most) {
  std::vector<std::uint64_t> numbers;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    numbers.push_back(
        static_cast<std::uint64_t>(parse_integer(name, text.substr(at, comma - at), 0)));
    at = comma + 1;
  }
  if (numbers.size() < least || numbers.size() > most) {
    throw UsageError(fmt::format(
        "{}: {} numbers, where {} are needed", name, numbers.size(),
        least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most)));
  }
  return numbers;
}

Shape parse_sides(const std::string& name, const std::string& text) {
  std::vector<std::uint64_t> sides = parse_numbers(name, text, 3, 4);
  if (std::ranges::find(sides, 0U) != sides.end())
    throw UsageError(fmt::format("{}: a side is 1 at least", name));
  std::ranges::reverse(sides);
  return Shape(sides);
}

std::string format_sides(const Shape& shape) {
  std::vector<std::uint64_t> sides(shape.begin(), shape.end());
  std::ranges::reverse(sides);
  return to_string(Shape(sides));
}

zarr::ReadOptions read_options(const Session& session) {
  return {.threads = session.threads(), .memory = session.options().memory / 2};
}

int explain_boxes(const cryoem::Volume& volume, std::size_t level, const std::vector<Box>& boxes,
                  Session& session) {
  return explain_plan(volume.level(level).plan(boxes, session.context()), *volume.storage(),
                      "chunks", session);
}

void add_cryoem(Verb& root) {
  Verb group =
      root.add_group("cryoem", "Volumes of electron microscopy: import, query, export", kDetails);
  add_cryoem_import(group);
  add_cryoem_query(group);
  add_cryoem_slice(group);
  add_cryoem_extract(group);
  add_cryoem_points(group);
  add_cryoem_export(group);
  add_cryoem_stats(group);
}

}  // namespace cnf::cli
