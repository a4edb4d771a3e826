// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/query/copy.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "cnf/core/index/btree.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/chunk_rows_internal.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/query/new_dataset.h"
#include "cnf/core/storage/scan.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/worker/pool.h"

namespace cnf::query {
namespace {

/// One object on its way: where it lies, where it goes, and what it must be.
struct Item {
  std::shared_ptr<const storage::Storage> from;
  std::shared_ptr<storage::Storage> to;
  ListedChunk object;
};

class Copy {
 public:
  /// \param place  of the manifest. Names of objects are used once only, but in a group arrays are
  /// called alike everywhere: there only the same bytes are the same object.
  Copy(const CopyOptions& options, metadata::Place place, const Context& context)
      : options_(options),
        context_(context),
        compares_(place == metadata::Place::group),
        threads_(std::max<std::size_t>(options.threads, 1)),
        window_(std::clamp<std::uint64_t>(options.memory / (4 * threads_), 64 << 10, 16 << 20)),
        pool_(threads_, context) {}

  void submit(Item item) {
    pool_.submit([this, item = std::move(item)] { copy(item); });
  }

  CopyReport finish() {
    pool_.wait();
    return report_;
  }

 private:
  void copy(const Item& item) {
    const std::optional<storage::FileInfo> there = item.to->try_stat(item.object.path, context_);
    const bool resumed = there && there->size == item.object.length &&
                         (!compares_ || sum_of(*item.to, *there) == item.object.crc32c);
    if (!resumed) transfer(item);
    const std::lock_guard lock(mutex_);
    ++report_.objects;
    report_.bytes += item.object.length;
    if (resumed) ++report_.resumed;
  }

  std::uint32_t sum_of(const storage::Storage& storage, const storage::FileInfo& info) const {
    std::uint32_t crc = 0;
    storage::scan(storage, info, {.window = window_}, context_,
                  [&](ByteSpan bytes) { crc = crc32c(bytes, crc); });
    return crc;
  }

  void transfer(const Item& item) {
    const ListedChunk& object = item.object;
    const storage::FileInfo info = item.from->stat(object.path, context_);
    const auto writer = item.to->create(object.path, {.size_hint = info.size}, context_);
    std::uint32_t crc = 0;
    storage::scan(*item.from, info, {.window = window_}, context_, [&](ByteSpan bytes) {
      crc = crc32c(bytes, crc);
      writer->write(bytes);
      if (options_.progress != nullptr) options_.progress->add(bytes.size(), 0);
    });
    if (info.size != object.length || crc != object.crc32c) {
      throw Error(Errc::corrupt_data, "copy", item.from->uri(object.path),
                  fmt::format("it has {} bytes with crc32c {:#010x}, not {} with {:#010x}",
                              info.size, crc, object.length, object.crc32c),
                  "cnf validate tells what else is damaged");
    }
    (void)writer->commit();
  }

  const CopyOptions& options_;
  const Context& context_;
  const bool compares_;
  const std::size_t threads_;
  const std::uint64_t window_;
  std::mutex mutex_;
  CopyReport report_;  // guarded by mutex_
  worker::Pool pool_;  // last: its tasks use what stands above
};

// Visits every chunk of the chunk index.
void for_each_chunk(const std::shared_ptr<storage::Storage>& root,
                    const metadata::Metadata& manifest, const Context& context,
                    const std::function<void(ListedChunk)>& visit) {
  if (manifest.chunks.num_chunks == 0) return;
  const index::BTree tree = open_chunk_index(root, manifest, context);
  const std::string subject = root->uri(manifest.object(metadata::kChunkIndex).path);
  if (tree.rows() != manifest.chunks.num_chunks) {
    throw Error(Errc::corrupt_data, "copy", subject,
                fmt::format("it lists {} chunks of the manifest's {}", tree.rows(),
                            manifest.chunks.num_chunks));
  }
  tree.for_each([&](const index::BTree::Row& row) { visit(chunk_of(row, manifest, subject)); },
                context);
}

void submit_objects(const Dataset& source, const std::shared_ptr<storage::Storage>& root,
                    const std::shared_ptr<storage::Storage>& chunks, Copy& copy,
                    const Context& context) {
  for (const metadata::ObjectInfo& object : source.manifest().objects) {
    copy.submit({source.root, root, {object.path, object.length, object.crc32c}});
  }
  for_each_chunk(source.root, source.manifest(), context, [&](ListedChunk chunk) {
    copy.submit({source.chunks, chunks, std::move(chunk)});
  });
}

// Arrays of groups are called alike everywhere. To copy one over another would destroy the one that
// is there before the new one is whole.
void require_apart(const Dataset& source, const std::shared_ptr<storage::Storage>& target,
                   const metadata::Metadata& there, const Context& context) {
  if (source.manifest().dataset_id == there.dataset_id) return;
  std::map<std::string, std::pair<std::uint64_t, std::uint32_t>, std::less<>> named;
  for (const metadata::ObjectInfo& object : there.objects) {
    named[object.path] = {object.length, object.crc32c};
  }
  for_each_chunk(target, there, context, [&](const ListedChunk& chunk) {
    named[chunk.path] = {chunk.length, chunk.crc32c};
  });
  const auto check = [&](const std::string& path, std::uint64_t length, std::uint32_t crc32c) {
    const auto found = named.find(path);
    if (found == named.end() || found->second == std::pair(length, crc32c)) return;
    throw Error(Errc::already_exists, "copy to", target->uri(path),
                "it is an object of the dataset that is there",
                "choose another place, or remove that dataset first");
  };
  for (const metadata::ObjectInfo& object : source.manifest().objects) {
    check(object.path, object.length, object.crc32c);
  }
  for_each_chunk(source.root, source.manifest(), context,
                 [&](const ListedChunk& chunk) { check(chunk.path, chunk.length, chunk.crc32c); });
}

}  // namespace

CopyReport copy_dataset(Dataset source, const std::shared_ptr<storage::Storage>& target,
                        const CopyOptions& options, const Context& context) {
  const metadata::Place place = source.committed.place();
  const bool group = place == metadata::Place::group;
  if (group && options.sharding_bits.value_or(0) != 0) {
    throw Error(Errc::invalid_argument, "copy", source.root->uri(),
                "the chunks of a Zarr group are not spread over prefixes",
                "copy it without sharding bits");
  }
  const std::optional<metadata::Committed> existing =
      load_existing(target, Existing::replace, context, place);
  if (existing && !options.replace) {
    throw Error(Errc::already_exists, "copy to", target->uri(), "there is a dataset already",
                "replace it with --overwrite, or choose another place");
  }
  if (existing && group) require_apart(source, target, existing->metadata, context);
  metadata::Metadata& manifest = source.committed.metadata;
  manifest.storage.sharding_bits = options.sharding_bits.value_or(manifest.storage.sharding_bits);
  Copy copy(options, place, context);
  submit_objects(source, target, metadata::Manager::chunk_storage(target, manifest), copy, context);
  const CopyReport report = copy.finish();
  metadata::Manager manager(target);
  if (existing) {
    manager.replace(manifest, existing->etag, context, source.committed.group);
  } else {
    manager.create(manifest, context, source.committed.group);
  }
  return report;
}

}  // namespace cnf::query
