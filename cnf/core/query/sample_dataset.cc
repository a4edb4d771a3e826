// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "cnf/core/chunk/coordinator.h"
#include "cnf/core/index/btree.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/sample_dataset_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"

namespace cnf::query::test {
namespace {

// Bytes that differ from chunk to chunk and from place to place.
Buffer chunk_bytes(std::uint64_t number, std::uint64_t size) {
  Buffer bytes(static_cast<std::size_t>(size));
  std::uint64_t state = number + 1;
  for (std::byte& byte : bytes.span()) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<std::byte>(state >> 56U);
  }
  return bytes;
}

metadata::ObjectInfo write_chunk_index(storage::Storage& root, const chunk::Coordinator& chunks) {
  Buffer saved;
  index::BTreeBuilder builder({.page_rows = 2, .columns = 2},
                              [&saved](ByteSpan bytes) { saved.append(bytes); });
  for (const chunk::WrittenChunk& written : chunks.written()) {
    builder.add(index::big_endian_key(written.number),
                std::array<std::uint64_t, 2>{written.length, written.crc32c});
  }
  index::TreeInfo info = builder.finish();
  std::string path = "_index/chunks-" + chunks.id() + ".idx";
  root.put(path, saved);
  return {.name = std::string(metadata::kChunkIndex),
          .path = std::move(path),
          .length = info.bytes,
          .crc32c = info.crc32c,
          .root = std::move(info.root)};
}

}  // namespace

metadata::Metadata write_sample_dataset(const std::shared_ptr<storage::Storage>& root,
                                        const SampleOptions& options) {
  metadata::Metadata manifest;
  manifest.format = "SAMPLE";
  manifest.version = "1.0.0";
  manifest.created = std::chrono::sys_seconds(std::chrono::seconds(1'767'225'600));  // 2026-01-01
  manifest.dataset_id = random_id();
  manifest.created_by = "a test";
  manifest.storage.sharding_bits = options.sharding_bits;
  manifest.chunks.strategy = "fixed";
  manifest.chunks.chunk_size = options.chunk_bytes;
  manifest.chunks.num_chunks = options.chunks;
  manifest.compression.algorithm = "none";
  manifest.compression.ratio = 1;
  manifest.custom = {{"records", 42}, {"sort_order", "coordinate"}};

  chunk::Coordinator chunks(metadata::Manager::chunk_storage(root, manifest), 0, {});
  for (std::uint64_t number = 0; number < options.chunks; ++number) {
    chunks.write(chunk_bytes(number, options.chunk_bytes));
    chunks.finish_chunk();
  }
  if (options.chunks != 0) {
    manifest.chunks.runs.push_back({.first = 0, .count = options.chunks, .id = chunks.id()});
  }

  const ByteSpan header = as_bytes("a header\n");
  const std::string header_path = "_index/header-" + chunks.id() + ".txt";
  root->put(header_path, header);
  manifest.objects.push_back({.name = "header",
                              .path = header_path,
                              .length = header.size(),
                              .crc32c = crc32c(header),
                              .root = {},
                              .inlined = Buffer::copy_of(header)});
  manifest.objects.push_back(write_chunk_index(*root, chunks));
  manifest.storage.total_size = options.chunks * options.chunk_bytes;
  for (const metadata::ObjectInfo& object : manifest.objects) {
    manifest.storage.total_size += object.length;
  }
  metadata::Manager(root).create(manifest);
  return manifest;
}

}  // namespace cnf::query::test
