// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/cryoem/source_zarr.h"

#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/storage/temporary_file.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/box_stream.h"
#include "cnf/formats/cryoem/chunk_cache_internal.h"
#include "cnf/formats/cryoem/image_axes_internal.h"
#include "cnf/formats/cryoem/volume.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/metadata.h"

namespace cnf::cryoem {
namespace {

class ZarrSource final : public em::Source {
 public:
  ZarrSource(const Volume& volume, const em::SourceOptions& options, const Context& context)
      : array_(volume.level(0)) {
    axes_ = image_axes(volume, options.kind);
    info_ = describe(volume, axes_, 0, Box::of(array_.shape()));
    const zarr::ArrayMetadata& metadata = array_.metadata();
    info_.fields = {{"format", fmt::format("Zarr v{}", metadata.zarr_format)},
                    {"name", volume.image().name}};
    if (ChunkCache::suits(array_)) {
      cache_ = std::make_unique<ChunkCache>(array_);
    } else {
      unpack(context);
    }
  }

  [[nodiscard]] const em::SourceInfo& info() const noexcept override { return info_; }

  void read(const Box& box, MutableByteSpan into, const Context& context) const override {
    check_within(box, info_.shape, array_.uri());
    const Box wanted = axes_.box_of(box, Box::of(array_.shape()));
    if (cache_) {
      cache_->read(wanted, into, context);
    } else {
      const Box whole = Box::of(array_.shape());
      copy_box(unpacked_.bytes().data(), whole, into.data(), wanted, wanted,
               size_of(array_.metadata().type));
    }
  }

  [[nodiscard]] nlohmann::json identity() const override {
    return {{"shape", info_.shape}, {"metadata", zarr::to_json(array_.metadata())}};
  }

 private:
  void unpack(const Context& context) {
    storage::TemporaryFile file({}, "unpack into");
    stream_box(
        array_, Box::of(array_.shape()), [&file](ByteSpan voxels) { file.append(voxels); }, {},
        context);
    unpacked_ = storage::MappedFile(file);
  }

  zarr::Array array_;
  em::SourceInfo info_;
  ImageAxes axes_;
  std::unique_ptr<ChunkCache> cache_;  // null: all lies in unpacked_
  storage::MappedFile unpacked_;
};

}  // namespace

std::unique_ptr<em::Source> open_zarr_source(const Volume& volume, const em::SourceOptions& options,
                                             const Context& context) {
  return std::make_unique<ZarrSource>(volume, options, context);
}

}  // namespace cnf::cryoem
