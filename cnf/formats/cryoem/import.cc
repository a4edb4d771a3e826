// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/cryoem/import.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/new_dataset.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/chunk_statistics_internal.h"
#include "cnf/formats/cryoem/import_labels_internal.h"
#include "cnf/formats/cryoem/import_parts_internal.h"
#include "cnf/formats/cryoem/import_pipeline_internal.h"
#include "cnf/formats/cryoem/import_plan_internal.h"
#include "cnf/formats/cryoem/import_session_internal.h"
#include "cnf/formats/cryoem/layout.h"
#include "cnf/formats/cryoem/statistics.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/ome.h"

namespace cnf::cryoem {
namespace {

// Viewers begin with a contrast that leaves so much out at either end.
constexpr double kOutside = 0.005;
constexpr std::size_t kHistogramClasses = 256;

zarr::Window window_of(const ImportFacts& facts) {
  const Statistics& all = facts.levels.front();
  zarr::Window window{.min = all.min,
                      .max = all.max,
                      .start = std::max(all.min, facts.histogram.quantile(kOutside)),
                      .end = std::min(all.max, facts.histogram.quantile(1 - kOutside))};
  // A contrast of no width divides by zero.
  if (!(window.start < window.end)) {
    window.start = window.min;
    window.end = window.max > window.min ? window.max : window.min + 1;
  }
  return window;
}

Custom custom_of(const em::Source& source, const ImportPlan& plan, const ImportFacts& facts) {
  const em::SourceInfo& info = source.info();
  Custom custom{.kind = info.kind, .statistics = facts.levels};
  const Statistics& all = facts.levels.front();
  if (std::isfinite(all.min) && std::isfinite(all.max) && all.min < all.max) {
    custom.histogram = {.low = all.min,
                        .high = all.max,
                        .counts = facts.histogram.even(all.min, all.max, kHistogramClasses)};
  }
  custom.source = {{"fields", info.fields},
                   {"identity", source.identity()},
                   {"voxel", info.voxel},
                   {"origin", info.origin}};
  custom.keep_bits = plan.keep_bits;
  if (plan.source_type != plan.type) custom.converted_from = plan.source_type;
  custom.flipped_y = plan.flip_y;
  custom.tilts = info.tilts;
  return custom;
}

void put_extras(const em::Source& source, const ImportSession& session, const ImportFacts& facts,
                query::NewDataset& dataset) {
  const std::string extras = std::string(kExtras) + session.id() + "-";
  dataset.put_tree(kStatisticsObject, extras + "statistics.idx",
                   [&](const auto& sink) { return save_statistics(facts, sink); });
  for (const em::Attachment& attachment : source.attachments()) {
    dataset.put("attachment/" + attachment.name, extras + attachment.name, attachment.bytes,
                query::NewDataset::Carry::small);
  }
}

void commit_image(const em::Source& source, const ImportPlan& plan, const ImportFacts& facts,
                  ImportSession& session, const std::shared_ptr<storage::Storage>& root,
                  const ImportOptions& options, const std::optional<metadata::Committed>& existing,
                  const Context& context) {
  query::NewDataset dataset(root, root, context);
  zarr::Multiscale image = describe_image(source.info(), plan, options.name, session.prefix());
  if (!is_complex(plan.type)) image.window = window_of(facts);
  const Nodes nodes = put_arrays(plan, session, "", dataset);
  put_extras(source, session, facts, dataset);
  for (const auto& [key, object] : session.objects())
    dataset.list(key, object.length, object.crc32c);
  metadata::Metadata manifest =
      dataset.finish_listed(chunk::GridStrategy(plan.pyramid.chunk.elements()),
                            std::string(kExtras) + session.id() + "-chunks.idx");
  manifest.format = kFormat;
  manifest.version = kVersion;
  manifest.created_by = std::string("cnf ") + CNF_VERSION;
  manifest.compression.algorithm = plan.codec;
  manifest.compression.ratio =
      static_cast<double>(plan.voxels() * size_of(plan.type)) /
      static_cast<double>(std::max<std::uint64_t>(1, manifest.storage.total_size));
  manifest.custom = to_json(custom_of(source, plan, facts));
  session.confirm();
  dataset.commit(manifest, existing, zarr::group_json({{"ome", zarr::to_json(image)}}, nodes));
}

ImportReport import_image(const em::Source& source, const ImportPlan& plan,
                          const std::shared_ptr<storage::Storage>& root,
                          const ImportOptions& options, const Context& context) {
  const std::optional<metadata::Committed> existing =
      query::load_existing(root, options.existing, context, metadata::Place::group);
  ImportSession session(source, plan, root, options, "", context);
  try {
    const ImportFacts facts = session.run();
    commit_image(source, plan, facts, session, root, options, existing, context);
  } catch (const Error& error) {
    session.give_up(error);
    throw;
  }
  session.close();
  return report_of(plan, session);
}

}  // namespace

ImportReport import_source(const em::Source& source, const std::shared_ptr<storage::Storage>& root,
                           const ImportOptions& options, const Context& context) {
  const ImportPlan plan = plan_import(source.info(), options);
  if (options.progress != nullptr) options.progress->set_total(plan.voxels() * size_of(plan.type));
  const ImportReport report = options.label ? import_label(source, root, options, context)
                                            : import_image(source, plan, root, options, context);
  if (options.progress != nullptr) options.progress->finish();
  return report;
}

}  // namespace cnf::cryoem
