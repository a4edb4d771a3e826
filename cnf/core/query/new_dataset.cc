// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/query/new_dataset.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cnf/core/chunk/chunk.h"
#include "cnf/core/chunk/coordinator.h"
#include "cnf/core/index/btree.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::query {

std::optional<metadata::Committed> load_existing(const std::shared_ptr<storage::Storage>& root,
                                                 Existing policy, const Context& context,
                                                 metadata::Place place) {
  const bool group = place == metadata::Place::group;
  std::optional<metadata::Committed> existing = metadata::Manager(root).try_load(
      context, group ? metadata::Place::either : metadata::Place::object);
  if (existing && policy == Existing::refuse) {
    throw Error(Errc::already_exists, "convert", root->uri(), "there is a dataset already",
                "replace it with --overwrite, or choose another place");
  }
  const bool other =
      group && (existing ? existing->place() != place : root->exists(metadata::kGroupKey, context));
  if (other) {
    throw Error(Errc::already_exists, "convert", root->uri(),
                existing ? fmt::format("a {} dataset lies here", existing->metadata.format)
                         : "a Zarr group or array of other tools lies here",
                "choose another place, or remove it first");
  }
  return existing;
}

NewDataset::NewDataset(std::shared_ptr<storage::Storage> root,
                       std::shared_ptr<storage::Storage> chunks, const Context& context,
                       std::uint64_t first_chunk)
    : root_(std::move(root)),
      context_(context),
      coordinator_(std::move(chunks), first_chunk, context) {}

bool NewDataset::put(std::string_view name, const std::string& path, ByteSpan bytes, Carry carry) {
  paths_.push_back(path);
  root_->put(path, bytes, {}, context_);
  metadata::ObjectInfo info{
      .name = std::string(name), .path = path, .length = bytes.size(), .crc32c = crc32c(bytes)};
  const bool carried = carry == Carry::small && bytes.size() <= kMaxCarried;
  if (carried) info.inlined = Buffer::copy_of(bytes);
  object_bytes_ += bytes.size();
  objects_.push_back(std::move(info));
  return carried;
}

void NewDataset::put_tree(std::string_view name, const std::string& path,
                          const std::function<index::TreeInfo(const Sink&)>& build) {
  paths_.push_back(path);
  const std::unique_ptr<storage::Writer> writer = root_->create(path, {}, context_);
  index::TreeInfo tree = build([&](ByteSpan bytes) { writer->write(bytes); });
  writer->commit();
  metadata::ObjectInfo info{
      .name = std::string(name), .path = path, .length = tree.bytes, .crc32c = tree.crc32c};
  if (tree.root.size() <= kMaxCarriedRoot) info.root = std::move(tree.root);
  object_bytes_ += tree.bytes;
  objects_.push_back(std::move(info));
}

void NewDataset::adopt(const metadata::ChunkRun& run,
                       const std::vector<chunk::WrittenChunk>& chunks) {
  if (!chunks.empty()) adopted_runs_.push_back(run);
  adopted_.insert(adopted_.end(), chunks.begin(), chunks.end());
}

void NewDataset::list(std::string path, std::uint64_t length, std::uint32_t crc32c) {
  listed_.push_back({std::move(path), length, crc32c});
}

metadata::Metadata NewDataset::manifest_of(const chunk::Strategy& strategy, std::uint64_t chunks,
                                           std::uint64_t chunk_bytes) {
  metadata::Metadata manifest;
  manifest.dataset_id = random_id(16);
  manifest.created = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  manifest.chunks.strategy = strategy.name();
  manifest.chunks.chunk_size = strategy.chunk_size();
  manifest.chunks.num_chunks = chunks;
  manifest.storage.total_size = object_bytes_ + chunk_bytes;
  manifest.objects = std::move(objects_);
  return manifest;
}

metadata::Metadata NewDataset::finish_listed(const chunk::Strategy& strategy,
                                             const std::string& index_path) {
  std::ranges::sort(listed_, {}, &Listed::path);
  const auto twice = std::ranges::adjacent_find(listed_, {}, &Listed::path);
  if (twice != listed_.end()) {
    throw Error(Errc::invalid_argument, "commit", root_->uri(twice->path), "two chunks lie there");
  }
  std::uint64_t chunk_bytes = 0;
  put_tree(metadata::kChunkIndex, index_path, [&](const Sink& sink) {
    index::BTreeBuilder builder({.columns = 2, .summed = 1}, sink);
    for (const Listed& chunk : listed_) {
      builder.add(chunk.path, std::array<std::uint64_t, 2>{chunk.length, chunk.crc32c});
      chunk_bytes += chunk.length;
    }
    return builder.finish();
  });
  return manifest_of(strategy, listed_.size(), chunk_bytes);
}

metadata::Metadata NewDataset::finish(const chunk::Strategy& strategy) {
  coordinator_.finish_chunk();
  const auto& chunks = adopted_.empty() ? coordinator_.written() : adopted_;
  std::uint64_t chunk_bytes = 0;
  put_tree(metadata::kChunkIndex, fmt::format("_index/chunks-{}.idx", id()), [&](const Sink& sink) {
    index::BTreeBuilder builder({.columns = 2, .summed = 1}, sink);
    for (const chunk::WrittenChunk& chunk : chunks) {
      builder.add(index::big_endian_key(chunk.number),
                  std::array<std::uint64_t, 2>{chunk.length, chunk.crc32c});
      chunk_bytes += chunk.length;
    }
    return builder.finish();
  });
  metadata::Metadata manifest = manifest_of(strategy, chunks.size(), chunk_bytes);
  manifest.chunks.runs = std::move(adopted_runs_);
  if (manifest.chunks.runs.empty() && !chunks.empty()) {
    manifest.chunks.runs.push_back(
        {.first = chunks.front().number, .count = chunks.size(), .id = id()});
  }
  return manifest;
}

metadata::Metadata NewDataset::extend(const metadata::Metadata& manifest) {
  metadata::Metadata extended =
      metadata::parse_metadata(as_bytes(metadata::to_json(manifest)), root_->uri());
  for (metadata::ObjectInfo& object : objects_) {
    std::erase_if(extended.objects, [&](const metadata::ObjectInfo& old) {
      if (old.name != object.name) return false;
      extended.storage.total_size -= std::min(extended.storage.total_size, old.length);
      return true;
    });
    extended.objects.push_back(std::move(object));
  }
  objects_.clear();
  extended.storage.total_size += object_bytes_;
  return extended;
}

void NewDataset::commit(const metadata::Metadata& manifest,
                        const std::optional<metadata::Committed>& existing,
                        const nlohmann::json& group) {
  metadata::Manager manager(root_);
  try {
    existing ? manager.replace(manifest, existing->etag, context_, group)
             : manager.create(manifest, context_, group);
  } catch (const Error& error) {
    // After any other error the commit may have happened: then the objects are somebody's.
    const bool refused =
        error.code() == Errc::already_exists || error.code() == Errc::precondition_failed;
    if (refused && group.is_null()) discard();
    throw;
  }
}

void NewDataset::discard() noexcept {
  coordinator_.abort();
  try {
    // The context that ended the work must not end the cleaning as well.
    const Context context =
        Context().with_deadline(Context::Clock::now() + std::chrono::seconds(10));
    root_->remove(paths_, context);
  } catch (const Error&) {
    return;  // what is left are orphans, which validate names and gc removes
  }
}

}  // namespace cnf::query
