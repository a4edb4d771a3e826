// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/shape.h"
#include "cnf/formats/cryoem/levels_internal.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/shard.h"

namespace cnf::cryoem {

/// Objects by their keys.
using WrittenObjects = std::map<std::string, zarr::WrittenObject>;

/// Writes the shards of one level, one after another as ChunkOrder brings their chunks. Threads:
/// has() may be called at any time, the rest by one at a time.
class LevelWriter {
 public:
  /// \param path  of the array. \param written  objects that are there already; with the plans
  /// it must outlive this. \param done  told each object that was finished.
  LevelWriter(std::shared_ptr<storage::Storage> storage, std::string path,
              const zarr::ArrayMetadata& array, const LevelPlan& plan,
              const WrittenObjects& written, std::function<void(const zarr::WrittenObject&)> done,
              const Context& context);

  /// Whether the shard that a chunk belongs to is there already.
  [[nodiscard]] bool has(const Shape& chunk_at) const;
  void add(const Shape& chunk_at, ByteSpan encoded);
  /// Ends the last shard.
  void finish();

 private:
  [[nodiscard]] std::string key_of(const Shape& shard_at) const;
  void end_shard();

  std::shared_ptr<storage::Storage> storage_;
  std::string path_;
  const zarr::ArrayMetadata& array_;
  const LevelPlan& plan_;
  const WrittenObjects& written_;
  std::function<void(const zarr::WrittenObject&)> done_;
  Context context_;
  std::unique_ptr<zarr::ObjectWriter> writer_;
  Shape shard_at_;  // of the open shard
};

}  // namespace cnf::cryoem
