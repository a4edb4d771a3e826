// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/consensus.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/formats/bams3/core_columns.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/streams.h"

namespace cnf::bams3 {
namespace {

constexpr std::array<std::uint8_t, 16> kTwoBits = {4, 0, 1, 4, 2, 4, 4, 4, 3, 4, 4, 4, 4, 4, 4, 4};

constexpr std::uint64_t page_key(std::int32_t ref, std::int64_t position) {
  return (static_cast<std::uint64_t>(ref) << 32U) |
         static_cast<std::uint64_t>(position / Consensus::kPageBases);
}

// A deletion longer than this is never spelled from the consensus, nor are those of one record that
// together are longer than this and the record: hostile input could claim 256 Mbases with four
// bytes.
constexpr std::uint32_t kMaxDeletion = 1U << 16U;

bool is_number(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

// Parses MD step by step; every method answers false where the text does not go on as asked.
class MdParser {
 public:
  explicit MdParser(std::string_view text) : text_(text) {}

  bool number(std::uint64_t& value) {
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc() || text_.empty() || !is_number(text_[0])) return false;
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    return true;
  }
  bool letter(std::uint8_t& nibble) {
    if (text_.empty() || !is_upper(text_[0])) return false;
    nibble = nibble_of(text_[0]);
    text_.remove_prefix(1);
    return true;
  }
  bool caret() {
    if (text_.empty() || text_[0] != '^') return false;
    text_.remove_prefix(1);
    return true;
  }
  [[nodiscard]] bool at_end() const { return text_.empty(); }

 private:
  std::string_view text_;
};

// The reference bases that MD spells for the record's M and D operations, in order.
class MdWalk {
 public:
  MdWalk(const CoreColumns& core, std::size_t record, std::span<const std::uint8_t> bases,
         std::string_view md)
      : core_(core), record_(record), bases_(bases), parser_(md) {}

  bool run(std::vector<std::pair<std::int64_t, std::uint8_t>>& learnt) {
    ok_ = parser_.number(matches_);
    walk_cigar(
        core_.cigar(record_),
        [&](std::size_t query, std::int64_t reference, std::uint32_t length) {
          for (std::uint32_t i = 0; ok_ && i < length; ++i) {
            std::uint8_t nibble = bases_[query + i];
            if (matches_ > 0) {
              --matches_;
            } else {
              ok_ = parser_.letter(nibble) && parser_.number(matches_);
            }
            learnt.emplace_back(reference + i, nibble);
          }
        },
        [](std::size_t, std::uint32_t) {},
        [&](std::int64_t reference, std::uint32_t length) {
          ok_ = ok_ && matches_ == 0 && length <= kMaxDeletion && parser_.caret();
          for (std::uint32_t i = 0; ok_ && i < length; ++i) {
            std::uint8_t nibble = 0;
            ok_ = parser_.letter(nibble);
            learnt.emplace_back(reference + i, nibble);
          }
          ok_ = ok_ && parser_.number(matches_);
        });
    return ok_ && matches_ == 0 && parser_.at_end();
  }

 private:
  const CoreColumns& core_;
  std::size_t record_;
  std::span<const std::uint8_t> bases_;
  MdParser parser_;
  std::uint64_t matches_ = 0;
  bool ok_ = true;
};

}  // namespace

std::uint8_t nibble_of(char letter) noexcept {
  const std::size_t index = kNibbleLetters.find(letter);
  return index == std::string_view::npos ? std::uint8_t{15} : static_cast<std::uint8_t>(index);
}

std::uint8_t two_bits_of(std::uint8_t nibble) noexcept { return kTwoBits[nibble & 15U]; }

bool is_aligned(const CoreColumns& core, std::size_t record) noexcept {
  if ((core.flag[record] & flag::kUnmapped) || core.ref[record] < 0 || core.pos[record] < 0)
    return false;
  if (core.length[record] == 0) return false;
  std::uint64_t query = 0;
  std::uint64_t reference = 0;
  for (const std::uint32_t element : core.cigar(record)) {
    const CigarOp op = cigar_op(element);
    if (op > CigarOp::mismatch) return false;
    if (consumes_query(op)) query += cigar_length(element);
    if (consumes_reference(op)) reference += cigar_length(element);
  }
  return query == core.length[record] && reference > 0 &&
         reference + static_cast<std::uint64_t>(core.pos[record]) <=
             std::numeric_limits<std::int32_t>::max();
}

Consensus::Consensus(const CoreColumns& core,
                     const std::function<bool(std::size_t record)>& spells_deletions) {
  for (std::size_t i = 0; i < core.size(); ++i) {
    if (!is_aligned(core, i)) continue;
    const auto cover = [&](std::int64_t offset, std::uint32_t length) {
      if (length == 0) return;
      const std::int64_t start = core.pos[i] + offset;
      const std::uint64_t last = page_key(core.ref[i], start + length - 1);
      for (std::uint64_t page = page_key(core.ref[i], start); page <= last; ++page) {
        if (pages_.empty() || pages_.back() != page) pages_.push_back(page);
      }
    };
    walk_cigar(
        core.cigar(i),
        [&](std::size_t, std::int64_t offset, std::uint32_t length) { cover(offset, length); },
        [](std::size_t, std::uint32_t) {},
        [&](std::int64_t offset, std::uint32_t length) {
          if (length <= kMaxDeletion && spells_deletions(i)) cover(offset, length);
        });
  }
  std::ranges::sort(pages_);
  pages_.erase(std::unique(pages_.begin(), pages_.end()), pages_.end());
  bases_.assign(pages_.size() * kPageBases, kUnknown);
}

std::int64_t Consensus::find(std::int32_t ref, std::int64_t position) const noexcept {
  const std::uint64_t key = page_key(ref, position);
  if (cursor_ >= pages_.size() || pages_[cursor_] != key) {
    if (cursor_ + 1 < pages_.size() && pages_[cursor_ + 1] == key) {
      ++cursor_;
    } else {
      const auto found = std::ranges::lower_bound(pages_, key);
      if (found == pages_.end() || *found != key) return -1;
      cursor_ = static_cast<std::size_t>(found - pages_.begin());
    }
  }
  return static_cast<std::int64_t>(cursor_) * kPageBases + position % kPageBases;
}

void Consensus::read(std::int32_t ref, std::int64_t position,
                     std::span<std::uint8_t> out) const noexcept {
  std::size_t done = 0;
  while (done < out.size()) {
    const std::int64_t at = position + static_cast<std::int64_t>(done);
    const std::size_t in_page =
        std::min(out.size() - done, static_cast<std::size_t>(kPageBases - at % kPageBases));
    const std::int64_t index = find(ref, at);
    if (index < 0) {
      std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(done), in_page, kUnknown);
    } else {
      std::copy_n(bases_.begin() + index, in_page, out.begin() + static_cast<std::ptrdiff_t>(done));
    }
    done += in_page;
  }
}

void Consensus::learn(std::int32_t ref, std::int64_t position, std::uint8_t nibble) noexcept {
  const std::int64_t index = find(ref, position);
  if (index < 0) return;
  std::uint8_t& base = bases_[static_cast<std::size_t>(index)];
  if (base == kUnknown) base = nibble;
}

void Consensus::vote(std::int32_t ref, std::int64_t position, std::uint8_t nibble) {
  const std::uint8_t bits = two_bits_of(nibble);
  const std::int64_t index = find(ref, position);
  if (bits > 3 || index < 0) return;
  if (votes_.empty()) votes_.assign(bases_.size() * 4, 0);
  std::uint8_t& count = votes_[static_cast<std::size_t>(index) * 4 + bits];
  if (count < std::numeric_limits<std::uint8_t>::max()) ++count;
}

void Consensus::settle() {
  for (std::size_t i = 0; i < bases_.size(); ++i) {
    if (bases_[i] != kUnknown) continue;
    unsigned best = 0;
    for (unsigned bits = 1; !votes_.empty() && bits < 4; ++bits) {
      if (votes_[i * 4 + bits] > votes_[i * 4 + best]) best = bits;
    }
    bases_[i] = nibble_of_two_bits(best);
  }
  votes_.clear();
}

void Consensus::encode(StreamWriter& out) const {
  if (pages_.empty()) return;
  ByteWriter pages(out.add(StreamId::consensus_pages));
  pages.put_varint(pages_.size());
  std::uint64_t last = 0;
  for (const std::uint64_t page : pages_) {
    pages.put_varint(page - last);
    last = page;
  }
  Buffer& packed = out.add(StreamId::consensus_bases);
  const MutableByteSpan bytes = packed.extend(bases_.size() / 4);
  ByteWriter exceptions(out.add(StreamId::consensus_exceptions));
  std::size_t next = 0;
  for (std::size_t i = 0; i < bases_.size(); i += 4) {
    unsigned byte = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const std::uint8_t bits = two_bits_of(bases_[i + k]);
      if (bits > 3) {
        exceptions.put_varint(i + k - next);
        exceptions.put(bases_[i + k]);
        next = i + k + 1;
      } else {
        byte |= static_cast<unsigned>(bits) << (2 * k);
      }
    }
    bytes[i / 4] = static_cast<std::byte>(byte);
  }
}

Consensus Consensus::decode(const StreamReader& in) {
  Consensus result;
  const Buffer page_bytes = in.get(StreamId::consensus_pages);
  if (page_bytes.empty()) return result;
  const Buffer packed = in.get(StreamId::consensus_bases);
  const Buffer exception_bytes = in.get(StreamId::consensus_exceptions);
  ByteReader pages(page_bytes, in.subject());
  const std::uint64_t count = pages.get_count();
  if (packed.size() != count * kPageBases / 4) pages.fail("consensus has another number of bases");
  result.pages_.resize(count);
  std::uint64_t last = 0;
  for (std::uint64_t& page : result.pages_) {
    const std::uint64_t delta = pages.get_varint();
    if (delta > std::numeric_limits<std::uint64_t>::max() - last) pages.fail("page out of range");
    last += delta;
    page = last;
  }
  result.bases_.resize(count * kPageBases);
  for (std::size_t i = 0; i < packed.size(); ++i) {
    const auto byte = std::to_integer<unsigned>(packed.data()[i]);
    for (unsigned k = 0; k < 4; ++k)
      result.bases_[i * 4 + k] = nibble_of_two_bits((byte >> (2 * k)) & 3U);
  }
  ByteReader exceptions(exception_bytes, in.subject());
  std::size_t next = 0;
  while (!exceptions.at_end()) {
    const std::uint64_t gap = exceptions.get_varint();
    if (next >= result.bases_.size() || gap >= result.bases_.size() - next)
      exceptions.fail("base beyond the consensus");
    const auto nibble = exceptions.get<std::uint8_t>();
    if (nibble > 15) exceptions.fail("base is no nibble");
    result.bases_[next + gap] = nibble;
    next += gap + 1;
  }
  return result;
}

std::uint64_t deleted_bases(std::span<const std::uint32_t> cigar) noexcept {
  std::uint64_t deleted = 0;
  for (const std::uint32_t element : cigar) {
    if (cigar_op(element) == CigarOp::deletion) deleted += cigar_length(element);
  }
  return deleted;
}

Differences differences(const CoreColumns& core, std::size_t record,
                        std::span<const std::uint8_t> bases, const Consensus& consensus) {
  Differences result;
  std::uint64_t matches = 0;
  std::uint64_t may_spell = std::uint64_t{kMaxDeletion} + core.length[record];
  std::vector<std::uint8_t> reference;
  const auto put_number = [&] {
    char digits[24];
    const char* end = std::to_chars(digits, digits + sizeof(digits), matches).ptr;
    result.md.append(digits, static_cast<std::size_t>(end - digits));
    matches = 0;
  };
  walk_cigar(
      core.cigar(record),
      [&](std::size_t query, std::int64_t offset, std::uint32_t length) {
        reference.resize(length);
        consensus.read(core.ref[record], core.pos[record] + offset, reference);
        for (std::uint32_t i = 0; i < length; ++i) {
          const std::uint8_t base = bases[query + i];
          if (base == 0 || (base == reference[i] && base != 15)) {
            ++matches;
          } else {
            put_number();
            result.md += kNibbleLetters[reference[i]];
            ++result.nm;
          }
        }
      },
      [&](std::size_t, std::uint32_t) {},
      [&](std::int64_t offset, std::uint32_t length) {
        put_number();
        result.md += '^';
        result.nm += length;
        if (length > kMaxDeletion || length > may_spell)
          return;  // never stored as derived: the text cannot be the file's
        may_spell -= length;
        reference.resize(length);
        consensus.read(core.ref[record], core.pos[record] + offset, reference);
        for (const std::uint8_t base : reference) result.md += kNibbleLetters[base];
      });
  put_number();
  for (const std::uint32_t element : core.cigar(record)) {
    if (cigar_op(element) == CigarOp::insertion) result.nm += cigar_length(element);
  }
  return result;
}

bool learn_from_md(const CoreColumns& core, std::size_t record, std::span<const std::uint8_t> bases,
                   std::string_view md, Consensus& consensus) {
  std::vector<std::pair<std::int64_t, std::uint8_t>> learnt;
  learnt.reserve(bases.size());
  if (!MdWalk(core, record, bases, md).run(learnt)) return false;
  for (const auto& [offset, nibble] : learnt) {
    if (nibble != 0) consensus.learn(core.ref[record], core.pos[record] + offset, nibble);
  }
  return true;
}

}  // namespace cnf::bams3
