// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/query/copy.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "cnf/core/index/btree.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/dataset.h"
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
  std::string path;
  std::uint64_t length = 0;
  std::uint32_t crc32c = 0;
};

class Copy {
 public:
  Copy(const CopyOptions& options, const Context& context)
      : options_(options),
        context_(context),
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
    const std::optional<storage::FileInfo> there = item.to->try_stat(item.path, context_);
    const bool resumed = there && there->size == item.length;
    if (!resumed) transfer(item);
    const std::lock_guard lock(mutex_);
    ++report_.objects;
    report_.bytes += item.length;
    if (resumed) ++report_.resumed;
  }

  void transfer(const Item& item) {
    const storage::FileInfo info = item.from->stat(item.path, context_);
    const auto writer = item.to->create(item.path, {.size_hint = info.size}, context_);
    std::uint32_t crc = 0;
    storage::scan(*item.from, info, {.window = window_}, context_, [&](ByteSpan bytes) {
      crc = crc32c(bytes, crc);
      writer->write(bytes);
      if (options_.progress != nullptr) options_.progress->add(bytes.size(), 0);
    });
    if (info.size != item.length || crc != item.crc32c) {
      throw Error(Errc::corrupt_data, "copy", item.from->uri(item.path),
                  fmt::format("it has {} bytes with crc32c {:#010x}, not {} with {:#010x}",
                              info.size, crc, item.length, item.crc32c),
                  "cnf validate tells what else is damaged");
    }
    (void)writer->commit();
  }

  const CopyOptions& options_;
  const Context& context_;
  const std::size_t threads_;
  const std::uint64_t window_;
  std::mutex mutex_;
  CopyReport report_;  // guarded by mutex_
  worker::Pool pool_;  // last: its tasks use what stands above
};

void submit_objects(const Dataset& source, const std::shared_ptr<storage::Storage>& root,
                    const std::shared_ptr<storage::Storage>& chunks, Copy& copy,
                    const Context& context) {
  const metadata::Metadata& manifest = source.manifest();
  for (const metadata::ObjectInfo& object : manifest.objects) {
    copy.submit({source.root, root, object.path, object.length, object.crc32c});
  }
  if (manifest.chunks.num_chunks == 0) return;
  const metadata::ObjectInfo& listed = manifest.object(metadata::kChunkIndex);
  const index::BTree tree =
      listed.root.empty()
          ? index::BTree::open(source.root, listed.path, context)
          : index::BTree(index::object_pages(source.root, listed.path), listed.root);
  if (tree.rows() != manifest.chunks.num_chunks) {
    throw Error(Errc::corrupt_data, "copy", source.root->uri(listed.path),
                fmt::format("it lists {} chunks of the manifest's {}", tree.rows(),
                            manifest.chunks.num_chunks));
  }
  tree.for_each(
      [&](const index::BTree::Row& row) {
        if (row.columns.size() != 2 || row.columns[1] > std::numeric_limits<std::uint32_t>::max()) {
          throw Error(Errc::corrupt_data, "copy", source.root->uri(listed.path),
                      "its columns are not length and crc32c");
        }
        copy.submit({source.chunks, chunks, manifest.chunks.path(index::number_of_key(row.key)),
                     row.columns[0], static_cast<std::uint32_t>(row.columns[1])});
      },
      context);
}

}  // namespace

CopyReport copy_dataset(Dataset source, const std::shared_ptr<storage::Storage>& target,
                        const CopyOptions& options, const Context& context) {
  metadata::Manager manager(target);
  const std::optional<metadata::Committed> existing = manager.try_load(context);
  if (existing && !options.replace) {
    throw Error(Errc::already_exists, "copy to", target->uri(), "there is a dataset already",
                "replace it with --overwrite, or choose another place");
  }
  metadata::Metadata& manifest = source.committed.metadata;
  manifest.storage.sharding_bits = options.sharding_bits.value_or(manifest.storage.sharding_bits);
  Copy copy(options, context);
  submit_objects(source, target, metadata::Manager::chunk_storage(target, manifest), copy, context);
  const CopyReport report = copy.finish();
  if (existing) {
    manager.replace(manifest, existing->etag, context);
  } else {
    manager.create(manifest, context);
  }
  return report;
}

}  // namespace cnf::query
