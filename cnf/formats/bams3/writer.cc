// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/writer.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/chunk/chunk.h"
#include "cnf/core/chunk/coordinator.h"
#include "cnf/core/index/interval.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/new_dataset.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/bams3/group.h"
#include "cnf/formats/bams3/group_row.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/layout.h"
#include "cnf/formats/bams3/streams.h"

namespace cnf::bams3 {
namespace {

chunk::Key first_key(const EncodedGroup& group) {
  if (group.summary.spans.empty()) return {};
  const ReferenceSpan& span = group.summary.spans.front();
  return {span.ref < 0 ? kUnplaced : static_cast<std::uint32_t>(span.ref), span.start};
}

}  // namespace

DatasetWriter::DatasetWriter(std::shared_ptr<storage::Storage> root,
                             std::shared_ptr<storage::Storage> chunks, Options options,
                             const Context& context)
    : options_(std::move(options)),
      dataset_(std::move(root), std::move(chunks), context),
      coordinator_(dataset_.chunks()),
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

metadata::Metadata DatasetWriter::finish(const Header& header) {
  close_chunk();
  const std::string& id = dataset_.id();
  dataset_.put(kHeaderObject, fmt::format("_header-{}.sam.zst", id), header.encode(),
               query::NewDataset::Carry::small);
  dataset_.put_tree(kGroupIndex, fmt::format("_index/spatial-{}.idx", id),
                    [&](const query::NewDataset::Sink& sink) {
                      index::TreeInfo tree = index_->finish();
                      sink(index_bytes_);
                      return tree;
                    });
  metadata::Metadata metadata = dataset_.finish(*options_.strategy);
  metadata.format = kFormat;
  metadata.version = kVersion;
  return metadata;
}

}  // namespace cnf::bams3
