// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cnf/cli/cryoem.h"
#include "cnf/cli/session.h"
#include "cnf/cli/verb.h"
#include "cnf/formats/cryoem/export.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Fetches only the chunks, or the parts of them, that the box meets: one request for
the dataset, one for the places of its chunks, one for them.

x, y, z and sizes are voxels of the level that is read: level 1 has half as many
along each axis.

Examples:
  cnf cryoem query s3://bucket/tomogram.zarr --box 400,380,120,64,64,64 -o box.mrc
  cnf cryoem query tomogram.zarr --box 0,0,30,480,464,1 --level 1 -o plane.npy
  cnf cryoem query --explain s3://bucket/tomogram.zarr --box 400,380,120,64,64,64)";

struct QueryArgs {
  std::string uri;
  std::string label;
  std::string box;
  std::string format;
  std::int64_t level = 0;
};

cryoem::Query parse_box(const std::string& text) {
  if (text.empty()) throw UsageError("which box? (--box x,y,z,width,height,depth)");
  const std::vector<std::uint64_t> n = parse_numbers("--box", text, 6, 6);
  return {.x = n[0], .y = n[1], .z = n[2], .width = n[3], .height = n[4], .depth = n[5]};
}

int query(const QueryArgs& args, Session& session) {
  const cryoem::Query box = parse_box(args.box);
  const auto level = static_cast<std::size_t>(args.level);
  const std::string& target = session.options().output;
  if (session.options().explain) {
    const cryoem::Volume volume = open_cryoem(session, args.uri, args.label);
    return explain_boxes(volume, level, {volume.box_of(box, level)}, session);
  }
  const cryoem::FileFormat format = voxel_format(target, args.format);
  return write_voxels(open_cryoem(session, args.uri, args.label),
                      {.format = format, .level = level, .query = box}, target, session);
}

}  // namespace

void add_cryoem_query(Verb& cryoem) {
  auto args = std::make_shared<QueryArgs>();
  Verb verb = cryoem.add("query", "A box of voxels as MRC, TIFF, NumPy or raw values", kDetails);
  verb.argument("URI", args->uri, "The dataset, or any Zarr image");
  verb.option("--box", "X,Y,Z,W,H,D", args->box, "From voxel X,Y,Z, so many along x, y, z");
  add_label_option(verb, args->label);
  verb.option("--level", "N", args->level, "Of the pyramid; 0 is the finest (default: 0)");
  verb.choice("--format", args->format, voxel_formats(), "Instead of what the name of -o says");
  verb.run([args](Session& session) { return query(*args, session); });
}

}  // namespace cnf::cli
