// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/group.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/bases.h"
#include "cnf/formats/bams3/consensus.h"
#include "cnf/formats/bams3/core_columns.h"
#include "cnf/formats/bams3/exceptions.h"
#include "cnf/formats/bams3/mates.h"
#include "cnf/formats/bams3/names.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/streams.h"
#include "cnf/formats/bams3/tags.h"

namespace cnf::bams3 {
namespace {

// A record is long if it ends more than eight times the width of its group behind the group's last
// start, and at least this far: spliced reads and misalignments, which would make every query to
// their right read the group. More than kMaxLong of them are the group's nature, not outliers.
constexpr std::int64_t kMinLongReach = 1 << 16;
constexpr std::size_t kMaxLong = 256;

/// What a group's records of one reference spread over.
struct Extent {
  std::int64_t first_start;
  std::int64_t last_start;
  [[nodiscard]] bool is_outreached_by(std::int64_t end) const {
    return end - last_start > std::max(kMinLongReach, 8 * (last_start - first_start));
  }
};

void find_long_records(const CoreColumns& core, ReferenceSpan& span, const Extent& extent) {
  std::int64_t end_of_others = span.start;
  for (std::size_t i = 0; i < core.size(); ++i) {
    if (core.ref[i] != span.ref) continue;
    const std::int64_t end = core.end(i);
    if (extent.is_outreached_by(end)) {
      span.long_records.emplace_back(core.pos[i], end);
    } else {
      end_of_others = std::max(end_of_others, end);
    }
  }
  if (span.long_records.size() > kMaxLong) {
    span.long_records.clear();
    return;
  }
  span.end = end_of_others;
  std::ranges::sort(span.long_records);
}

GroupSummary summarize(const CoreColumns& core, const std::vector<std::int32_t>& next_ref) {
  GroupSummary summary;
  summary.records = core.size();
  const auto [least, greatest] = std::ranges::minmax_element(core.mapq);
  if (!core.mapq.empty()) {
    summary.min_mapq = *least;
    summary.max_mapq = *greatest;
  }
  std::vector<Extent> extents;
  std::unordered_map<std::int32_t, std::size_t> span_of;
  for (std::size_t i = 0; i < core.size(); ++i) {
    summary.bases += core.length[i];
    summary.flagstat.add(core.flag[i], core.ref[i], next_ref[i], core.mapq[i]);
    const auto [place, is_new] = span_of.emplace(core.ref[i], summary.spans.size());
    if (is_new) {
      summary.spans.push_back({core.ref[i], core.pos[i], core.end(i), 0, 0, {}});
      extents.push_back({core.pos[i], core.pos[i]});
    }
    ReferenceSpan& span = summary.spans[place->second];
    Extent& extent = extents[place->second];
    extent.first_start = std::min<std::int64_t>(extent.first_start, core.pos[i]);
    extent.last_start = std::max<std::int64_t>(extent.last_start, core.pos[i]);
    span.start = extent.first_start;
    span.end = std::max(span.end, core.end(i));
    ++((core.flag[i] & flag::kUnmapped) ? span.unmapped : span.mapped);
  }
  for (std::size_t k = 0; k < summary.spans.size(); ++k) {
    if (summary.spans[k].ref >= 0 && extents[k].is_outreached_by(summary.spans[k].end)) {
      find_long_records(core, summary.spans[k], extents[k]);
    }
  }
  return summary;
}

void encode_qualities(const RecordBatch& batch, StreamWriter& out) {
  Buffer& bytes = out.add(StreamId::qualities);
  bytes.reserve(batch.bases());
  for (std::size_t i = 0; i < batch.size(); ++i) bytes.append(batch[i].qual());
}

}  // namespace

EncodedGroup encode_group(const RecordBatch& batch, const compress::Codec& codec) {
  if (batch.size() == 1 && batch.bytes() > kMaxRecordBytes) {
    throw Error(
        Errc::unsupported, "encode", batch[0].name(),
        fmt::format("a record of {} bytes; the limit is {}", batch.bytes(), kMaxRecordBytes));
  }
  const CoreColumns core = core_columns(batch);
  const MateColumns mates = mate_columns(batch, core);
  const Exceptions exceptions = find_exceptions(batch, core);
  const Bases bases = unpack_bases(batch);
  const Consensus consensus = make_consensus(batch, core, bases);

  StreamWriter streams;
  encode_core(core, streams);
  encode_mates(mates, core, streams);
  encode_exceptions(exceptions, streams);
  encode_names(batch, mates, exceptions, streams);
  consensus.encode(streams);
  encode_bases(core, bases, consensus, streams);
  encode_qualities(batch, streams);
  encode_tags(batch, {core, mates, bases, consensus}, streams);

  EncodedGroup group;
  group.summary = summarize(core, mates.next_ref);
  group.summary.raw_bytes = batch.bytes();
  GroupDirectory directory{batch.size(), batch.bases(), batch.bytes(), {}};
  directory.streams = streams.seal(codec, group.sections);

  Buffer encoded;
  directory.encode(encoded);
  Buffer& core_section = group.sections[static_cast<std::size_t>(Section::core)];
  ByteWriter writer(group.core);
  writer.put(static_cast<std::uint32_t>(encoded.size()));
  writer.put_bytes(encoded);
  writer.put_bytes(core_section);
  core_section.clear();
  return group;
}

struct GroupDecoder::Impl {
  // Everything that records are put together from, decoded once.
  struct Parts {
    Parts(const CoreColumns& core, const StreamReader& in)
        : mates(decode_mates(core, in)),
          exceptions(decode_exceptions(in)),
          names(decode_names(mates, exceptions, in)),
          consensus(Consensus::decode(in)),
          bases(decode_bases(core, consensus, in)),
          qualities(in.get(StreamId::qualities)),
          tags({core, mates, bases, consensus}, in) {
      if (qualities.size() != bases.nibbles.size()) {
        throw Error(Errc::corrupt_data, "decode", in.subject(),
                    "qualities and bases differ in number");
      }
    }
    MateColumns mates;
    Exceptions exceptions;
    Names names;
    Consensus consensus;
    Bases bases;
    Buffer qualities;
    TagDecoder tags;
  };

  Impl(ByteSpan core_part, SectionBytes sections, std::string name) : subject(std::move(name)) {
    ByteReader reader(core_part, subject);
    const auto directory_bytes = reader.get<std::uint32_t>();
    ByteReader directory_reader(reader.get_bytes(directory_bytes), subject);
    directory = GroupDirectory::decode(directory_reader, subject);
    sections[static_cast<std::size_t>(Section::core)] = reader.get_bytes(reader.remaining());
    streams.emplace(directory, sections, subject);
  }

  const CoreColumns& core() {
    if (!columns) {
      columns.emplace(decode_core(*streams));
      std::uint64_t bases = 0;
      for (const std::uint32_t length : columns->length) bases += length;
      if (bases != directory.bases) {
        throw Error(Errc::corrupt_data, "decode", subject,
                    "lengths do not add up to the group's bases");
      }
    }
    return *columns;
  }

  void append_record(std::size_t i, const Parts& parts, ByteSpan tags, Buffer& out);
  [[nodiscard]] std::uint16_t bin(std::size_t i, const Exceptions& exceptions);

  std::string subject;
  GroupDirectory directory;
  std::optional<StreamReader> streams;
  std::optional<CoreColumns> columns;
  std::size_t bin_run = 0;  // the first run of exceptions that may hold the next record
};

std::uint16_t GroupDecoder::Impl::bin(std::size_t i, const Exceptions& exceptions) {
  const auto& runs = exceptions.bins;
  while (bin_run < runs.size() && runs[bin_run].first + runs[bin_run].count <= i) ++bin_run;
  const bool in_run = bin_run < runs.size() && runs[bin_run].first <= i;
  return in_run ? runs[bin_run].bin : expected_bin(*columns, i);
}

void GroupDecoder::Impl::append_record(std::size_t i, const Parts& parts, ByteSpan tags,
                                       Buffer& out) {
  const CoreColumns& core_columns = *columns;
  const auto exception = parts.exceptions.names.find(i);
  const bool plain = exception == parts.exceptions.names.end();
  const std::string_view name = plain ? parts.names[i] : as_text(exception->second);
  const std::span<const std::uint32_t> cigar = core_columns.cigar(i);
  const std::size_t length = core_columns.length[i];
  const std::size_t name_bytes = name.size() + (plain ? 1 : 0);
  const std::size_t body = RecordView::kFixedBytes + name_bytes + 4 * cigar.size() +
                           (length + 1) / 2 + length + tags.size();

  ByteWriter writer(out);
  writer.put(static_cast<std::uint32_t>(body));
  writer.put(core_columns.ref[i]);
  writer.put(core_columns.pos[i]);
  writer.put(static_cast<std::uint8_t>(name_bytes));
  writer.put(core_columns.mapq[i]);
  writer.put(bin(i, parts.exceptions));
  writer.put(static_cast<std::uint16_t>(cigar.size()));
  writer.put(core_columns.flag[i]);
  writer.put(static_cast<std::uint32_t>(length));
  writer.put(parts.mates.next_ref[i]);
  writer.put(parts.mates.next_pos[i]);
  writer.put(parts.mates.tlen[i]);
  writer.put_bytes(as_bytes(name));
  if (plain) writer.put('\0');
  writer.put_bytes(std::as_bytes(cigar));
  const MutableByteSpan packed = out.extend((length + 1) / 2);
  pack_bases(parts.bases.of(i), packed);
  if (const auto spare = parts.exceptions.padding.find(i);
      spare != parts.exceptions.padding.end() && length % 2 == 1) {
    packed.back() |= static_cast<std::byte>(spare->second);
  }
  writer.put_bytes(parts.qualities.span().subspan(parts.bases.starts[i], length));
  writer.put_bytes(tags);
}

GroupDecoder::GroupDecoder(ByteSpan core, SectionBytes sections, std::string subject)
    : impl_(std::make_unique<Impl>(core, sections, std::move(subject))) {}
GroupDecoder::~GroupDecoder() = default;
GroupDecoder::GroupDecoder(GroupDecoder&&) noexcept = default;

const GroupDirectory& GroupDecoder::directory() const noexcept { return impl_->directory; }
const CoreColumns& GroupDecoder::core() { return impl_->core(); }

GroupSummary GroupDecoder::summary() {
  const CoreColumns& core = impl_->core();
  GroupSummary summary = summarize(core, decode_mates(core, *impl_->streams).next_ref);
  summary.raw_bytes = impl_->directory.raw_bytes;
  return summary;
}

void GroupDecoder::append_records(std::span<const std::uint32_t> selection, Buffer& out,
                                  std::vector<std::int64_t>& offsets) {
  if (selection.empty()) return;
  Impl::Parts parts(impl_->core(), *impl_->streams);
  impl_->bin_run = 0;
  if (selection.size() == impl_->directory.records)
    out.reserve(out.size() + impl_->directory.raw_bytes);
  Buffer tags;
  std::size_t record = 0;
  const std::size_t start = out.size();
  for (const std::uint32_t wanted : selection) {
    for (; record < wanted; ++record) parts.tags.skip();
    tags.clear();
    parts.tags.next(tags);
    impl_->append_record(record, parts, tags, out);
    ++record;
    offsets.push_back(static_cast<std::int64_t>(out.size()));
    if (out.size() - start > impl_->directory.raw_bytes) {
      throw Error(Errc::corrupt_data, "decode", impl_->subject,
                  "records take more bytes than the group has");
    }
  }
}

}  // namespace cnf::bams3
