// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/mates.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <unordered_map>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/formats/bams3/core_columns.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/streams.h"

namespace cnf::bams3 {
namespace {

// Kinds of mate, told for each record that is not the lower of a link; the values stand on disk.
constexpr std::uint8_t kExplicit = 0;    // RNEXT, PNEXT, TLEN stored
constexpr std::uint8_t kOuter = 1;       // linked; TLEN from the outer ends (SAMv1, section 1.4.9)
constexpr std::uint8_t kFivePrime = 2;   // linked; TLEN from the 5' ends, as bwa counts it
constexpr std::uint8_t kStatedTlen = 3;  // linked; both TLENs stored

bool on_one_reference(const CoreColumns& core, std::size_t a, std::size_t b) {
  return core.ref[a] == core.ref[b] && core.ref[a] >= 0 &&
         ((core.flag[a] | core.flag[b]) & flag::kUnmapped) == 0;
}

// TLEN of the upper record `a` of a link; the lower has its negative.
std::int64_t outer_tlen(const CoreColumns& core, std::size_t a, std::size_t b) {
  if (!on_one_reference(core, a, b)) return 0;
  const std::int64_t length =
      std::max(core.end(a), core.end(b)) - std::min(core.pos[a], core.pos[b]);
  return core.pos[a] <= core.pos[b] ? length : -length;
}

std::int64_t five_prime_tlen(const CoreColumns& core, std::size_t a, std::size_t b) {
  if (!on_one_reference(core, a, b)) return 0;
  const auto five_prime = [&](std::size_t i) {
    return (core.flag[i] & flag::kReverse) ? core.end(i) - 1 : std::int64_t{core.pos[i]};
  };
  const std::int64_t distance = five_prime(b) - five_prime(a);
  return distance + (distance > 0 ? 1 : distance < 0 ? -1 : 0);
}

std::uint8_t kind_of(const MateColumns& mates, const CoreColumns& core, std::size_t a,
                     std::size_t b) {
  const std::int64_t tlen = mates.tlen[a];
  if (mates.tlen[b] == -tlen) {
    if (tlen == outer_tlen(core, a, b)) return kOuter;
    if (tlen == five_prime_tlen(core, a, b)) return kFivePrime;
  }
  return kStatedTlen;
}

bool point_at_each_other(const MateColumns& mates, const CoreColumns& core, std::size_t a,
                         std::size_t b) {
  return mates.next_ref[a] == core.ref[b] && mates.next_pos[a] == core.pos[b] &&
         mates.next_ref[b] == core.ref[a] && mates.next_pos[b] == core.pos[a];
}

void set_tlen(MateColumns& mates, std::size_t a, std::size_t b, std::int64_t tlen) {
  mates.tlen[a] = static_cast<std::int32_t>(tlen);
  mates.tlen[b] = static_cast<std::int32_t>(-tlen);
}

std::int32_t get_int32(ByteReader& reader, std::int64_t base) {
  const std::int64_t delta = reader.get_zigzag();
  constexpr std::int64_t kReach = std::int64_t{1} << 33;
  const std::int64_t value = std::clamp(delta, -kReach, kReach) + base;
  if (value < std::numeric_limits<std::int32_t>::min() ||
      value > std::numeric_limits<std::int32_t>::max()) {
    reader.fail("value out of range");
  }
  return static_cast<std::int32_t>(value);
}

}  // namespace

MateColumns mate_columns(const RecordBatch& batch, const CoreColumns& core) {
  MateColumns mates;
  mates.link.assign(batch.size(), -1);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const RecordView record = batch[i];
    mates.next_ref.push_back(record.next_ref());
    mates.next_pos.push_back(record.next_pos());
    mates.tlen.push_back(record.tlen());
  }
  std::unordered_map<std::string_view, std::size_t> waiting;  // views into the batch
  waiting.reserve(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::uint16_t bits = core.flag[i];
    if (!(bits & flag::kPaired) || (bits & (flag::kSecondary | flag::kSupplementary))) continue;
    const auto [place, is_new] = waiting.emplace(as_text(batch[i].name_field()), i);
    if (is_new) continue;
    const std::size_t mate = place->second;
    if (point_at_each_other(mates, core, mate, i)) {
      mates.link[mate] = static_cast<std::int32_t>(i);
      mates.link[i] = static_cast<std::int32_t>(mate);
      waiting.erase(place);
    } else {
      place->second = i;
    }
  }
  return mates;
}

void encode_mates(const MateColumns& mates, const CoreColumns& core, StreamWriter& out) {
  Buffer& kinds = out.add(StreamId::mate_kinds);
  ByteWriter kind_writer(kinds);
  ByteWriter links(out.add(StreamId::mate_links));
  ByteWriter references(out.add(StreamId::mate_references));
  ByteWriter positions(out.add(StreamId::mate_positions));
  ByteWriter lengths(out.add(StreamId::template_lengths));
  for (std::size_t i = 0; i < core.size(); ++i) {
    if (mates.shares_name(i)) continue;
    if (mates.link[i] < 0) {
      kind_writer.put(kExplicit);
      references.put_zigzag(std::int64_t{mates.next_ref[i]} - core.ref[i]);
      positions.put_zigzag(std::int64_t{mates.next_pos[i]} -
                           (mates.next_ref[i] == core.ref[i] ? core.pos[i] : 0));
      lengths.put_zigzag(mates.tlen[i]);
      continue;
    }
    const auto mate = static_cast<std::size_t>(mates.link[i]);
    const std::uint8_t kind = kind_of(mates, core, i, mate);
    kind_writer.put(kind);
    links.put_varint(mate - i);
    if (kind == kStatedTlen) {
      lengths.put_zigzag(mates.tlen[i]);
      lengths.put_zigzag(mates.tlen[mate]);
    }
  }
}

MateColumns decode_mates(const CoreColumns& core, const StreamReader& in) {
  const std::size_t records = core.size();
  const Buffer kind_bytes = in.get(StreamId::mate_kinds);
  const Buffer link_bytes = in.get(StreamId::mate_links);
  const Buffer reference_bytes = in.get(StreamId::mate_references);
  const Buffer position_bytes = in.get(StreamId::mate_positions);
  const Buffer length_bytes = in.get(StreamId::template_lengths);
  ByteReader kinds(kind_bytes, in.subject());
  ByteReader links(link_bytes, in.subject());
  ByteReader references(reference_bytes, in.subject());
  ByteReader positions(position_bytes, in.subject());
  ByteReader lengths(length_bytes, in.subject());

  MateColumns mates;
  mates.next_ref.resize(records);
  mates.next_pos.resize(records);
  mates.tlen.resize(records);
  mates.link.assign(records, -1);
  for (std::size_t i = 0; i < records; ++i) {
    if (mates.link[i] >= 0) continue;
    const auto kind = kinds.get<std::uint8_t>();
    if (kind == kExplicit) {
      mates.next_ref[i] = get_int32(references, core.ref[i]);
      mates.next_pos[i] = get_int32(positions, mates.next_ref[i] == core.ref[i] ? core.pos[i] : 0);
      mates.tlen[i] = get_int32(lengths, 0);
      continue;
    }
    const std::uint64_t distance = links.get_varint();
    if (distance == 0 || distance >= records - i) links.fail("mate beyond the group");
    const std::size_t mate = i + distance;
    if (mates.link[mate] >= 0) links.fail("mate of two records");
    mates.link[i] = static_cast<std::int32_t>(mate);
    mates.link[mate] = static_cast<std::int32_t>(i);
    mates.next_ref[i] = core.ref[mate];
    mates.next_pos[i] = core.pos[mate];
    mates.next_ref[mate] = core.ref[i];
    mates.next_pos[mate] = core.pos[i];
    if (kind == kOuter) {
      set_tlen(mates, i, mate, outer_tlen(core, i, mate));
    } else if (kind == kFivePrime) {
      set_tlen(mates, i, mate, five_prime_tlen(core, i, mate));
    } else if (kind == kStatedTlen) {
      mates.tlen[i] = get_int32(lengths, 0);
      mates.tlen[mate] = get_int32(lengths, 0);
    } else {
      kinds.fail("unknown kind of mate");
    }
  }
  return mates;
}

}  // namespace cnf::bams3
