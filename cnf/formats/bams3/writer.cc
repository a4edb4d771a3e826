// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/writer.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/chunk/chunk.h"
#include "cnf/core/chunk/coordinator.h"
#include "cnf/core/index/btree.h"
#include "cnf/core/index/interval.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/group.h"
#include "cnf/formats/bams3/group_row.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/layout.h"
#include "cnf/formats/bams3/streams.h"

namespace cnf::bams3 {
namespace {

// Indices and headers up to this size travel in the manifest itself.
constexpr std::size_t kMaxInlined = std::size_t{64} << 10;
constexpr std::size_t kMaxInlinedRoot = std::size_t{48} << 10;

chunk::Key first_key(const EncodedGroup& group) {
  if (group.summary.spans.empty()) return {};
  const ReferenceSpan& span = group.summary.spans.front();
  return {span.ref < 0 ? kUnplaced : static_cast<std::uint32_t>(span.ref), span.start};
}

}  // namespace

DatasetWriter::DatasetWriter(std::shared_ptr<storage::Storage> root,
                             std::shared_ptr<storage::Storage> chunks, Options options,
                             const Context& context)
    : root_(std::move(root)),
      chunk_storage_(std::move(chunks)),
      options_(std::move(options)),
      context_(context),
      coordinator_(chunk_storage_, 0, context),
      index_(std::make_unique<index::IntervalTreeBuilder>(
          index::TreeOptions{.columns = GroupRow::kColumns, .summed = GroupRow::kSummedColumns},
          [this](ByteSpan bytes) { index_bytes_.append(bytes); })) {}

void DatasetWriter::open_chunk(const chunk::Key& first) {
  fill_ = {};
  fill_.first = first;
  coordinator_.write(as_bytes(kChunkMagic));
}

void DatasetWriter::write(const EncodedGroup& group) {
  const chunk::Key first = first_key(group);
  if (!pending_.empty()) {
    fill_.bytes = coordinator_.offset() + pending_bytes_;
    if (options_.strategy->ends_before(fill_, first)) close_chunk();
  }
  if (pending_.empty()) open_chunk(first);

  PendingGroup pending{Buffer::copy_of(group.core),
                       rows_of(group.summary, groups_, options_.in_order)};
  const std::uint64_t body_offset = coordinator_.offset();
  for (std::size_t i = 1; i < kSections; ++i) coordinator_.write(group.sections[i]);
  for (GroupRow& row : pending.rows) {
    row.chunk = coordinator_.number();
    row.body_offset = body_offset;
    for (std::size_t i = 1; i < kSections; ++i) row.section_lengths[i] = group.sections[i].size();
    row.core_length = group.core.size();
    row.core_crc32c = crc32c(group.core);
  }
  fill_.records += group.summary.records;
  pending_bytes_ += group.core.size();
  pending_.push_back(std::move(pending));
  ++groups_;
}

void DatasetWriter::close_chunk() {
  if (pending_.empty()) return;
  ChunkFooter footer;
  for (PendingGroup& pending : pending_) {
    const std::uint64_t core_offset = coordinator_.offset();
    coordinator_.write(pending.core);
    for (GroupRow& row : pending.rows) row.core_offset = core_offset;
    const GroupRow& row = pending.rows.front();
    footer.groups.push_back({row.group_records, row.body_offset, row.body_length(), row.core_offset,
                             row.core_length, row.core_crc32c});
  }
  coordinator_.write(footer.encode());
  coordinator_.finish_chunk();
  for (const PendingGroup& pending : pending_) {
    for (const GroupRow& row : pending.rows) index_->add(row.key, row.columns());
  }
  pending_.clear();
  pending_bytes_ = 0;
}

void DatasetWriter::put_object(metadata::Metadata& metadata, std::string_view name,
                               const std::string& path, ByteSpan bytes, Buffer root,
                               bool inline_it) {
  written_objects_.push_back(path);
  root_->put(path, bytes, {}, context_);
  metadata::ObjectInfo info;
  info.name = name;
  info.path = path;
  info.length = bytes.size();
  info.crc32c = crc32c(bytes);
  if (root.size() <= kMaxInlinedRoot) info.root = std::move(root);
  if (inline_it && bytes.size() <= kMaxInlined) info.inlined = Buffer::copy_of(bytes);
  metadata.storage.total_size += bytes.size();
  metadata.objects.push_back(std::move(info));
}

metadata::Metadata DatasetWriter::finish(const Header& header) {
  close_chunk();
  metadata::Metadata metadata;
  metadata.format = kFormat;
  metadata.version = kVersion;
  metadata.chunks.strategy = options_.strategy->name();
  metadata.chunks.chunk_size = options_.strategy->chunk_size();
  const std::string& id = coordinator_.id();
  const std::vector<chunk::WrittenChunk>& chunks = coordinator_.written();
  metadata.chunks.num_chunks = chunks.size();
  if (!chunks.empty()) metadata.chunks.runs.push_back({chunks.front().number, chunks.size(), id});

  Buffer chunk_index;
  index::BTreeBuilder builder({.columns = 2, .summed = 1},
                              [&](ByteSpan bytes) { chunk_index.append(bytes); });
  for (const chunk::WrittenChunk& chunk : chunks) {
    builder.add(index::big_endian_key(chunk.number),
                std::array<std::uint64_t, 2>{chunk.length, chunk.crc32c});
    metadata.storage.total_size += chunk.length;
  }
  index::TreeInfo chunk_info = builder.finish();
  index::TreeInfo group_info = index_->finish();
  put_object(metadata, kHeaderObject, fmt::format("_header-{}.sam.zst", id), header.encode(), {},
             true);
  put_object(metadata, kGroupIndex, fmt::format("_index/spatial-{}.idx", id), index_bytes_,
             std::move(group_info.root), false);
  put_object(metadata, metadata::kChunkIndex, fmt::format("_index/chunks-{}.idx", id), chunk_index,
             std::move(chunk_info.root), false);
  return metadata;
}

void DatasetWriter::discard() noexcept {
  try {
    // The context that ended the work must not end the cleaning as well.
    const Context context =
        Context().with_deadline(Context::Clock::now() + std::chrono::seconds(10));
    std::vector<std::string> chunks;
    for (const chunk::WrittenChunk& chunk : coordinator_.written()) {
      chunks.push_back(chunk::chunk_path(chunk.number, coordinator_.id()));
    }
    chunk_storage_->remove(chunks, context);
    root_->remove(written_objects_, context);
  } catch (const Error&) {
    return;  // what is left are orphans, which validate names and gc removes
  }
}

}  // namespace cnf::bams3
