// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/bases.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/formats/bams3/consensus.h"
#include "cnf/formats/bams3/core_columns.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/streams.h"
#include "cnf/formats/bams3/tags.h"

namespace cnf::bams3 {
namespace {

// A mismatch of two of A, C, G, T is reference * 4 + read (0 to 15); anything else is this +
// nibble.
constexpr std::uint8_t kOtherMismatch = 16;

constexpr auto kUnpack = [] {
  std::array<std::array<std::uint8_t, 2>, 256> table{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    table[byte] = {static_cast<std::uint8_t>(byte >> 4U), static_cast<std::uint8_t>(byte & 15U)};
  }
  return table;
}();

/// Bases that no consensus tells: two bits each, and a list of runs of those that are not A, C, G,
/// T.
class LiteralEncoder {
 public:
  void put(std::span<const std::uint8_t> nibbles) {
    for (const std::uint8_t nibble : nibbles) {
      const std::uint8_t bits = two_bits_of(nibble);
      if (bits > 3) {
        const bool extends = run_ > 0 && run_nibble_ == nibble && run_start_ + run_ == count_;
        if (!extends) {
          flush();
          run_start_ = count_;
          run_nibble_ = nibble;
        }
        ++run_;
      }
      if (count_ % 4 == 0) packed_.push_back(0);
      packed_.back() =
          static_cast<std::uint8_t>(packed_.back() | ((bits & 3U) << (2 * (count_ % 4))));
      ++count_;
    }
  }
  void finish(StreamWriter& out) {
    flush();
    out.add(StreamId::literal_bases).append(std::as_bytes(std::span(packed_)));
    out.add(StreamId::literal_exceptions).append(exceptions_);
  }

 private:
  void flush() {
    if (run_ == 0) return;
    ByteWriter writer(exceptions_);
    writer.put_varint(run_start_ - last_end_);
    writer.put_varint(run_);
    writer.put(run_nibble_);
    last_end_ = run_start_ + run_;
    run_ = 0;
  }

  std::vector<std::uint8_t> packed_;
  Buffer exceptions_;
  std::uint64_t count_ = 0;
  std::uint64_t run_start_ = 0, run_ = 0, last_end_ = 0;
  std::uint8_t run_nibble_ = 0;
};

class LiteralDecoder {
 public:
  explicit LiteralDecoder(const StreamReader& in)
      : packed_(in.get(StreamId::literal_bases)),
        exception_bytes_(in.get(StreamId::literal_exceptions)),
        exceptions_(exception_bytes_, in.subject()) {
    next_run();
  }
  LiteralDecoder(const LiteralDecoder&) = delete;
  LiteralDecoder& operator=(const LiteralDecoder&) = delete;

  void get(std::span<std::uint8_t> out) {
    if (out.size() > packed_.size() * 4 - count_) exceptions_.fail("too few literal bases");
    for (std::uint8_t& nibble : out) {
      const auto byte = std::to_integer<unsigned>(packed_.data()[count_ / 4]);
      nibble = nibble_of_two_bits((byte >> (2 * (count_ % 4))) & 3U);
      if (count_ >= run_start_ && run_ > 0) {
        nibble = run_nibble_;
        if (--run_ == 0) next_run();
      }
      ++count_;
    }
  }

 private:
  void next_run() {
    if (exceptions_.at_end()) return;
    const std::uint64_t gap = exceptions_.get_varint();
    run_ = exceptions_.get_varint();
    run_nibble_ = exceptions_.get<std::uint8_t>();
    const std::uint64_t total = packed_.size() * 4;
    if (gap > total || run_start_ + last_run_ > total - gap || run_ == 0 || run_ > total ||
        run_nibble_ > 15) {
      exceptions_.fail("run of bases beyond the group");
    }
    run_start_ += last_run_ + gap;
    last_run_ = run_;
  }

  Buffer packed_;
  Buffer exception_bytes_;
  ByteReader exceptions_;
  std::uint64_t count_ = 0;
  std::uint64_t run_start_ = 0, run_ = 0, last_run_ = 0;
  std::uint8_t run_nibble_ = 0;
};

std::uint8_t mismatch_code(std::uint8_t reference, std::uint8_t base) {
  const std::uint8_t from = two_bits_of(reference);
  const std::uint8_t to = two_bits_of(base);
  if (from > 3 || to > 3) return static_cast<std::uint8_t>(kOtherMismatch + base);
  return static_cast<std::uint8_t>(from * 4 + to);
}

void vote_with(const CoreColumns& core, std::size_t record, std::span<const std::uint8_t> bases,
               Consensus& consensus) {
  walk_cigar(
      core.cigar(record),
      [&](std::size_t query, std::int64_t offset, std::uint32_t length) {
        for (std::uint32_t i = 0; i < length; ++i) {
          consensus.vote(core.ref[record], core.pos[record] + offset + i, bases[query + i]);
        }
      },
      [](std::size_t, std::uint32_t) {}, [](std::int64_t, std::uint32_t) {});
}

}  // namespace

Bases unpack_bases(const RecordBatch& batch) {
  Bases bases;
  bases.starts.reserve(batch.size() + 1);
  bases.nibbles.resize(batch.bases() + 1);  // one spare, for the pad of an odd number
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    bases.starts.push_back(at);
    const ByteSpan seq = batch[i].seq();
    std::uint8_t* out = bases.nibbles.data() + at;
    for (std::size_t k = 0; k < seq.size(); ++k) {
      std::memcpy(out + 2 * k, kUnpack[std::to_integer<std::size_t>(seq[k])].data(), 2);
    }
    at += batch[i].seq_length();
  }
  bases.starts.push_back(at);
  return bases;
}

void pack_bases(std::span<const std::uint8_t> nibbles, MutableByteSpan out) noexcept {
  const std::size_t pairs = nibbles.size() / 2;
  for (std::size_t i = 0; i < pairs; ++i) {
    out[i] = static_cast<std::byte>((nibbles[2 * i] << 4U) | nibbles[2 * i + 1]);
  }
  if (nibbles.size() % 2 == 1) out[pairs] = static_cast<std::byte>(nibbles.back() << 4U);
}

Consensus make_consensus(const RecordBatch& batch, const CoreColumns& core, const Bases& bases) {
  // A text shorter than the deletions cannot spell them: pages for them would be for nothing.
  const auto spells_deletions = [&](std::size_t i) {
    const std::optional<std::string_view> md = find_text_tag(batch[i].tags(), "MD");
    return md && md->size() >= deleted_bases(core.cigar(i));
  };
  Consensus consensus(core, spells_deletions);
  if (consensus.empty()) return consensus;
  std::vector<std::size_t> voters;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!is_aligned(core, i)) continue;
    const std::optional<std::string_view> md = find_text_tag(batch[i].tags(), "MD");
    if (!md || !learn_from_md(core, i, bases.of(i), *md, consensus)) voters.push_back(i);
  }
  for (const std::size_t i : voters) vote_with(core, i, bases.of(i), consensus);
  consensus.settle();
  return consensus;
}

void encode_bases(const CoreColumns& core, const Bases& bases, const Consensus& consensus,
                  StreamWriter& out) {
  LiteralEncoder literals;
  ByteWriter counts(out.add(StreamId::mismatch_counts));
  ByteWriter positions(out.add(StreamId::mismatch_positions));
  ByteWriter codes(out.add(StreamId::mismatch_bases));
  std::vector<std::uint8_t> reference;
  for (std::size_t i = 0; i < core.size(); ++i) {
    const std::span<const std::uint8_t> read = bases.of(i);
    if (!is_aligned(core, i)) {
      literals.put(read);
      continue;
    }
    std::uint64_t mismatches = 0;
    std::uint64_t since_last = 0;
    walk_cigar(
        core.cigar(i),
        [&](std::size_t query, std::int64_t offset, std::uint32_t length) {
          reference.resize(length);
          consensus.read(core.ref[i], core.pos[i] + offset, reference);
          for (std::uint32_t k = 0; k < length; ++k, ++since_last) {
            if (read[query + k] == reference[k]) continue;
            positions.put_varint(since_last);
            codes.put(mismatch_code(reference[k], read[query + k]));
            since_last = std::numeric_limits<std::uint64_t>::max();  // 0 after the loop's increment
            ++mismatches;
          }
        },
        [&](std::size_t query, std::uint32_t length) { literals.put(read.subspan(query, length)); },
        [](std::int64_t, std::uint32_t) {});
    counts.put_varint(mismatches);
  }
  literals.finish(out);
}

Bases decode_bases(const CoreColumns& core, const Consensus& consensus, const StreamReader& in) {
  const Buffer count_bytes = in.get(StreamId::mismatch_counts);
  const Buffer position_bytes = in.get(StreamId::mismatch_positions);
  const Buffer code_bytes = in.get(StreamId::mismatch_bases);
  ByteReader counts(count_bytes, in.subject());
  ByteReader positions(position_bytes, in.subject());
  ByteReader codes(code_bytes, in.subject());
  LiteralDecoder literals(in);

  Bases bases;
  bases.starts.reserve(core.size() + 1);
  bases.nibbles.resize(in.directory().bases);
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < core.size(); ++i) {
    bases.starts.push_back(at);
    if (core.length[i] > bases.nibbles.size() - at) counts.fail("more bases than the group has");
    const std::span<std::uint8_t> read = std::span(bases.nibbles).subspan(at, core.length[i]);
    at += core.length[i];
    if (!is_aligned(core, i)) {
      literals.get(read);
      continue;
    }
    std::uint64_t mismatches = counts.get_varint();
    std::uint64_t until_next = mismatches > 0 ? positions.get_varint() : 0;
    walk_cigar(
        core.cigar(i),
        [&](std::size_t query, std::int64_t offset, std::uint32_t length) {
          const std::span<std::uint8_t> match = read.subspan(query, length);
          consensus.read(core.ref[i], core.pos[i] + offset, match);
          std::uint64_t k = 0;
          while (mismatches > 0 && until_next < length - k) {
            k += until_next;
            const auto code = codes.get<std::uint8_t>();
            match[k] = code < kOtherMismatch
                           ? nibble_of_two_bits(code & 3U)
                           : static_cast<std::uint8_t>((code - kOtherMismatch) & 15U);
            ++k;
            until_next = --mismatches > 0 ? positions.get_varint() : 0;
          }
          if (mismatches > 0) until_next -= length - k;
        },
        [&](std::size_t query, std::uint32_t length) { literals.get(read.subspan(query, length)); },
        [](std::int64_t, std::uint32_t) {});
    if (mismatches > 0) counts.fail("mismatch beyond the read");
  }
  bases.starts.push_back(at);
  if (at != bases.nibbles.size()) counts.fail("fewer bases than the group has");
  return bases;
}

}  // namespace cnf::bams3
