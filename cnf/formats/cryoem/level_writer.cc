// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/shape.h"
#include "cnf/formats/cryoem/level_writer_internal.h"
#include "cnf/formats/cryoem/levels_internal.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/shard.h"

namespace cnf::cryoem {

LevelWriter::LevelWriter(std::shared_ptr<storage::Storage> storage, std::string path,
                         const zarr::ArrayMetadata& array, const LevelPlan& plan,
                         const WrittenObjects& written,
                         std::function<void(const zarr::WrittenObject&)> done,
                         const Context& context)
    : storage_(std::move(storage)),
      path_(std::move(path)),
      array_(array),
      plan_(plan),
      written_(written),
      done_(std::move(done)),
      context_(context) {}

std::string LevelWriter::key_of(const Shape& shard_at) const {
  return path_ + "/" + array_.chunk_key(shard_at);
}

bool LevelWriter::has(const Shape& chunk_at) const {
  return !written_.empty() && written_.contains(key_of(plan_.shard_of(chunk_at)));
}

void LevelWriter::add(const Shape& chunk_at, ByteSpan encoded) {
  const Shape shard = plan_.shard_of(chunk_at);
  if (writer_ != nullptr && shard != shard_at_) end_shard();
  if (writer_ == nullptr) {
    writer_ = std::make_unique<zarr::ObjectWriter>(storage_, key_of(shard), array_, context_);
    shard_at_ = shard;
  }
  writer_->add(plan_.place_in_shard(chunk_at), encoded);
}

void LevelWriter::end_shard() {
  const std::optional<zarr::WrittenObject> object = writer_->finish();
  writer_.reset();
  if (object) done_(*object);
}

void LevelWriter::finish() {
  if (writer_ != nullptr) end_shard();
}

}  // namespace cnf::cryoem
