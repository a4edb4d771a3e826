// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/cryoem/extract.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/extracted_star.h"
#include "cnf/em/particles.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/extract_box_internal.h"
#include "cnf/formats/cryoem/extract_output_internal.h"
#include "cnf/formats/cryoem/extract_plan_internal.h"
#include "cnf/formats/cryoem/extract_run_internal.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cryoem {
namespace {

BoxRecipe recipe_of(const Volume& volume, StackFormat format, const ExtractPlan& plan,
                    const ExtractOptions& options) {
  BoxRecipe recipe{.from = volume.type(),
                   .to = stack_type(format, volume.type()),
                   .raw = plan.raw,
                   .out = plan.out,
                   .padding = options.padding,
                   .fill = options.fill,
                   .intensities = options.intensities,
                   .contrast = options.contrast};
  if (recipe.computes()) recipe.to = DataType::float32;
  check_fill(recipe);
  return recipe;
}

std::string extracted_list(const em::Particles& particles, const ExtractPlan& plan,
                           const Stack& stack, double volume_voxel, std::string_view name) {
  std::vector<em::ExtractedBox> boxes;
  boxes.reserve(plan.cuts.size());
  for (const Cut& cut : plan.cuts) boxes.push_back({cut.row, cut.centre});
  return em::extracted_star(particles, boxes,
                            {.stack = std::string(name.substr(name.rfind('/') + 1)),
                             .box_size = stack.box[2],
                             .dimensions = stack.images ? 2U : 3U,
                             .voxel = stack.voxel,
                             .volume_voxel = volume_voxel});
}

}  // namespace

ExtractReport extract(const Volume& volume, const em::Particles& particles,
                      const storage::Location& to, const ExtractOptions& options,
                      const Context& context) {
  const StackFormat format = stack_format(to);
  const ExtractPlan plan(volume, particles, options);
  if (plan.cuts.empty()) {
    throw Error(Errc::invalid_argument, "extract from", volume.storage()->uri(),
                plan.skipped == 0 ? "there are no particles" : "no box lies within the volume");
  }
  const BoxRecipe recipe = recipe_of(volume, format, plan, options);
  ExtractRun run(plan, recipe, options, context);
  if (options.progress != nullptr) {
    options.progress->set_total(plan.cuts.size() * recipe.out_bytes());
  }
  run.run();

  const Stack stack{.type = recipe.to,
                    .boxes = plan.cuts.size(),
                    .box = plan.out,
                    .images = volume.kind() != em::Kind::volume,
                    .voxel = volume.voxel(options.level).back() * static_cast<double>(options.bin),
                    .statistics = run.statistics()};
  const std::string list_key = to.key.substr(0, to.key.rfind('.')) + ".star";
  std::size_t taken = 0;
  write_stack(
      format, to, stack, [&](MutableByteSpan into) { run.take(taken++, into); }, list_key,
      extracted_list(particles, plan, stack, volume.voxel(0).back(), to.key), context);
  return {.boxes = plan.cuts.size(),
          .padded = plan.padded,
          .skipped = plan.skipped,
          .chunks = plan.chunks.size(),
          .type = recipe.to,
          .stack = to.storage->uri(to.key),
          .list = to.storage->uri(list_key)};
}

std::vector<Box> boxes_of(const Volume& volume, const em::Particles& particles,
                          const ExtractOptions& options) {
  const ExtractPlan plan(volume, particles, options);
  std::vector<Box> boxes;
  boxes.reserve(plan.cuts.size());
  for (const Cut& cut : plan.cuts) boxes.push_back(plan.elements_of(cut));
  return boxes;
}

}  // namespace cnf::cryoem
