// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/columns.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cnf/core/compress/codec.h"
#include "cnf/core/compress/integers.h"
#include "cnf/core/compress/stream_set.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"

namespace cnf::vcfs3 {
namespace {

constexpr int kThoroughLevel = 9;

ByteSpan checked(ByteSpan bytes, const std::string& subject) {
  ByteReader in(bytes, subject);
  const auto expected = in.get<std::uint32_t>();
  const ByteSpan rest = in.get_bytes(in.remaining());
  verify_crc32c(rest, expected, subject);
  return rest;
}

}  // namespace

void EncodedColumn::append(EncodedColumn part) {
  head.append(part.head);
  uses_contexts |= part.uses_contexts;
  for (Buffer& stream : part.streams) streams.push_back(std::move(stream));
}

Sizer::Sizer(int level)
    : codec_(compress::make_codec({.algorithm = "zstd", .level = std::min(level, kThoroughLevel)})),
      thorough_(level >= kThoroughLevel) {}

std::size_t Sizer::size(const EncodedColumn& column) const {
  std::size_t total = column.head.size();
  Buffer scratch;
  for (const Buffer& stream : column.streams) {
    total += 1;
    if (stream.size() < compress::kTinyStream) {
      total += stream.size();
      continue;
    }
    scratch.clear();
    codec_->compress(stream, scratch);
    const std::size_t stored = std::min(stream.size(), scratch.size());
    total += stored + compress::varint_size(stored);
  }
  return total;
}

void Smallest::offer(EncodedColumn column) {
  const std::size_t size = sizer_.size(column);
  if (size >= size_) return;
  size_ = size;
  best_ = std::move(column);
}

Buffer ColumnReader::take() {
  if (next >= end) head.fail("a stream of a column is missing");
  return streams->get(next++);
}

Buffer encode_section(const std::vector<EncodedColumn>& columns, int level) {
  Buffer plan_bytes;
  ByteWriter plan(plan_bytes);
  plan.put_varint(columns.size());
  for (const EncodedColumn& column : columns) {
    plan.put_varint(column.head.size());
    plan.put_varint(column.streams.size());
  }
  for (const EncodedColumn& column : columns) plan.put_bytes(column.head);
  std::vector<Buffer> streams;
  streams.push_back(std::move(plan_bytes));
  for (const EncodedColumn& column : columns) {
    for (const Buffer& stream : column.streams) streams.push_back(Buffer::copy_of(stream));
  }
  Buffer body;
  compress::put_stream_set(streams, level, body);
  Buffer section;
  ByteWriter out(section);
  out.put(crc32c(body));
  out.put_bytes(body);
  return section;
}

Section::Section(ByteSpan bytes, std::string subject) : subject_(std::move(subject)) {
  streams_ =
      std::make_unique<compress::StreamSet>(checked(bytes, subject_), kMaxSectionBytes, subject_);
  plan_ = streams_->get(0);
  ByteReader in(plan_, subject_);
  const std::uint64_t number = in.get_count(2);
  if (number > kMaxColumns) in.fail("too many columns");
  columns_.resize(number);
  std::vector<std::uint64_t> heads;
  heads.reserve(columns_.size());
  std::size_t first = 1;
  for (Column& column : columns_) {
    heads.push_back(in.get_varint());
    const std::uint64_t count = in.get_varint();
    if (count > streams_->size() - first) in.fail("a column has streams that are not there");
    column.first = first;
    column.end = first += count;
  }
  for (std::size_t i = 0; i < columns_.size(); ++i) columns_[i].head = in.get_bytes(heads[i]);
}

ColumnReader Section::column(std::size_t index) {
  if (index >= columns_.size()) {
    throw Error(Errc::corrupt_data, "read site page", subject_, "a column is missing");
  }
  const Column& column = columns_[index];
  return {ByteReader(column.head, subject_), streams_.get(), column.first, column.end};
}

}  // namespace cnf::vcfs3
