// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/cryoem/input.h"

#include <memory>
#include <string>

#include "cnf/core/storage/uri.h"
#include "cnf/core/util/context.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/source_zarr.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cryoem {
namespace {

// A path or URI that names no object is the folder of a Zarr image; pipes and devices are files.
bool is_folder(const std::string& uri, const em::SourceOptions& options, const Context& context) {
  if (uri == "-" || !options.format.empty()) return false;
  const storage::Location location = storage::locate(uri, options.storage);
  return location.key.empty() || uri.ends_with('/') ||
         !location.storage->exists(location.key, context);
}

}  // namespace

std::unique_ptr<em::Source> open_input(const std::string& uri, const em::SourceOptions& options,
                                       const Context& context) {
  if (!is_folder(uri, options, context)) return em::open_source(uri, options, context);
  const auto root = storage::from_uri(uri, options.storage);
  return open_zarr_source(Volume::open(root, context), options, context);
}

}  // namespace cnf::cryoem
