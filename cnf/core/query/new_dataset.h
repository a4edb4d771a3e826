// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/chunk/chunk.h"
#include "cnf/core/chunk/coordinator.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"

namespace cnf::query {

/// What becomes of a dataset that is there already.
enum class Existing : std::uint8_t { refuse, replace };

/// The dataset at a store's root, nullopt if there is none: what a commit will be conditional on.
/// One request. Throws Error already_exists if there is one and `policy` is to refuse.
///
/// \param place  where the new dataset's manifest will be. For group up to three requests: then a
/// dataset that is no group is refused also where `policy` is to replace (one write cannot put one
/// in the other's place), and so is a group that others wrote.
[[nodiscard]] std::optional<metadata::Committed> load_existing(
    const std::shared_ptr<storage::Storage>& root, Existing policy, const Context& context,
    metadata::Place place = metadata::Place::object);

/// A dataset that is being made: puts its chunks and objects on the store and lists them for the
/// manifest. What holds for every format stands here; what the bytes are, the format knows.
///
/// Nothing is a dataset before commit(). One that is destroyed before leaves objects that nobody
/// names; discard() removes them. Threads: one at a time.
class NewDataset {
 public:
  /// \param root    where objects go; \param chunks  where chunks go (sharded or not).
  /// \param first_chunk  the number of the first chunk.
  NewDataset(std::shared_ptr<storage::Storage> root, std::shared_ptr<storage::Storage> chunks,
             const Context& context, std::uint64_t first_chunk = 0);

  [[nodiscard]] chunk::Coordinator& chunks() noexcept { return coordinator_; }
  /// A part of the names of all chunks, and to be one of every object's: no earlier commit used it.
  [[nodiscard]] const std::string& id() const noexcept { return coordinator_.id(); }

  /// Objects and roots of trees up to these sizes travel in the manifest itself.
  static constexpr std::size_t kMaxCarried = std::size_t{64} << 10;
  static constexpr std::size_t kMaxCarriedRoot = std::size_t{48} << 10;

  enum class Carry : std::uint8_t {
    nothing,  ///< Readers fetch the object.
    small,    ///< The manifest carries all of it, if it has at most kMaxCarried bytes.
  };
  /// Returns true if the manifest will carry it.
  bool put(std::string_view name, const std::string& path, ByteSpan bytes, Carry carry);

  using Sink = std::function<void(ByteSpan)>;
  /// Streams a saved tree to its object as `build` gives it; the manifest carries its root, if that
  /// has at most kMaxCarriedRoot bytes. Memory: as the storage's Writer.
  void put_tree(std::string_view name, const std::string& path,
                const std::function<index::TreeInfo(const Sink&)>& build);

  /// Tells of a chunk that the format itself named and put on the store, at `path` below the root,
  /// in any order; such a dataset writes none through chunks(). It may be a chunk of the dataset
  /// that is there, which stays one of the new: discard() leaves it.
  void list(std::string path, std::uint64_t length, std::uint32_t crc32c);

  /// Takes over chunks that another session wrote, under their numbers, which ascend from call to
  /// call. A dataset that does so writes none itself. discard() leaves them.
  void adopt(const metadata::ChunkRun& run, const std::vector<chunk::WrittenChunk>& chunks);

  /// Writes the open chunk's end and the chunk index. The manifest's parts that this knows: chunks,
  /// objects, total size, a new dataset_id, the time.
  [[nodiscard]] metadata::Metadata finish(const chunk::Strategy& strategy);
  /// The same for chunks that were told by list(): the chunk index is keyed by their paths and lies
  /// at `index_path`. Throws Error invalid_argument if two have one path.
  [[nodiscard]] metadata::Metadata finish_listed(const chunk::Strategy& strategy,
                                                 const std::string& index_path);

  /// The manifest of a dataset that is there already, with the objects that were put: each takes
  /// the place of the one of its name. Nothing else changes. For what is added to a dataset: a
  /// table, an index.
  [[nodiscard]] metadata::Metadata extend(const metadata::Metadata& manifest);

  /// Makes it the dataset at the root, in the place of `existing` if there is one. Throws Error
  /// already_exists or precondition_failed if somebody else committed meanwhile: then, as nobody
  /// will ever name them, the objects are removed (of a group they stay, and are orphans: the names
  /// of arrays may be those of the dataset that was faster).
  ///
  /// \param group  the zarr.json that is to carry the manifest; null: none does.
  void commit(const metadata::Metadata& manifest,
              const std::optional<metadata::Committed>& existing,
              const nlohmann::json& group = nullptr);

  /// Removes every object written so far, as far as it can be done; for a writer that gave up.
  /// Works although the context has been cancelled, for up to 10 seconds.
  void discard() noexcept;

 private:
  [[nodiscard]] metadata::Metadata manifest_of(const chunk::Strategy& strategy,
                                               std::uint64_t chunks, std::uint64_t chunk_bytes);

  std::shared_ptr<storage::Storage> root_;
  Context context_;
  chunk::Coordinator coordinator_;
  std::vector<metadata::ObjectInfo> objects_;
  std::uint64_t object_bytes_ = 0;
  std::vector<metadata::ChunkRun> adopted_runs_;
  std::vector<chunk::WrittenChunk> adopted_;
  struct Listed {
    std::string path;
    std::uint64_t length = 0;
    std::uint32_t crc32c = 0;
  };
  std::vector<Listed> listed_;
  std::vector<std::string> paths_;  // also of what was begun and perhaps not finished
};

}  // namespace cnf::query
