// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "cnf/core/util/bytes.h"
#include "cnf/formats/bams3/record.h"

namespace cnf::bams3::testing {

/// Makes BAM records of every shape that is allowed, for property tests: names of several makes and
/// none, spliced and clipped CIGARs, IUPAC bases, missing qualities, every type of tag, mates that
/// point at each other and mates that do not, MD and NM that are right and that are wrong.
class RandomRecords {
 public:
  explicit RandomRecords(std::uint64_t seed) : random_(seed) {}

  /// `count` records in coordinate order on `references` references, unplaced ones last.
  [[nodiscard]] RecordBatch batch(std::size_t count, int references) {
    RecordBatch result;
    std::int32_t ref = 0;
    std::int32_t pos = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (below(40) == 0 && ref >= 0) ref = ref + 1 < references ? ref + 1 : -1;
      if (below(40) == 0) pos = 0;
      pos += static_cast<std::int32_t>(below(30));
      Buffer record = make(ref, ref < 0 ? -1 - static_cast<std::int32_t>(below(3)) : pos);
      const MutableByteSpan place = result.extend(record.size());
      std::ranges::copy(record.span(), place.begin());
      RecordView::check(place, "random record");
      result.commit();
    }
    return result;
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  template <typename T>
  const T& one_of(const std::vector<T>& choices) {
    return choices[below(choices.size())];
  }

  std::string name() {
    switch (below(5)) {
      case 0:
        return "*";
      case 1:
        return "read" + std::to_string(below(1000));
      case 2:
        return "m64011/" + std::to_string(below(100000)) + "/ccs";
      case 3:
        return "A00" + std::to_string(below(10)) + ":7:00" + std::to_string(1000 + below(9000));
      default:
        return std::string(1 + below(20), static_cast<char>('!' + below(90)));
    }
  }

  std::vector<std::uint32_t> cigar(std::uint32_t length) {
    std::vector<std::uint32_t> elements;
    if (length == 0 || below(10) == 0) return elements;
    std::uint32_t left = length;
    while (left > 0) {
      const auto op = one_of<std::uint32_t>({0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8});
      std::uint32_t size = 1 + static_cast<std::uint32_t>(below(40));
      if (consumes_query(static_cast<CigarOp>(op))) {
        size = std::min(size, left);
        left -= size;
      }
      elements.push_back((size << 4U) | op);
    }
    return elements;
  }

  void put_tag(ByteWriter& out) {
    out.put_bytes(as_bytes(one_of<std::string>({"NM", "MD", "MC", "MQ", "RG", "XX", "cb"})));
    const char type = one_of<char>({'A', 'c', 'C', 's', 'S', 'i', 'I', 'f', 'd', 'Z', 'H', 'B'});
    out.put(type);
    switch (type) {
      case 'A':
      case 'c':
      case 'C':
        out.put(static_cast<std::uint8_t>('0' + below(10)));
        return;
      case 's':
      case 'S':
        out.put(static_cast<std::uint16_t>(random_()));
        return;
      case 'i':
      case 'I':
      case 'f':
        out.put(static_cast<std::uint32_t>(random_()));
        return;
      case 'd':
        out.put(std::uint64_t{random_()});
        return;
      case 'Z':
        out.put_bytes(as_bytes(one_of<std::string>({"", "10", "5A4", "3^AC2", "text with space"})));
        break;
      case 'H':
        out.put_bytes(as_bytes("1AE301"));
        break;
      default: {
        out.put('s');
        const auto count = static_cast<std::uint32_t>(below(5));
        out.put(count);
        for (std::uint32_t i = 0; i < count; ++i) out.put(static_cast<std::uint16_t>(random_()));
        return;
      }
    }
    out.put('\0');
  }

  Buffer make(std::int32_t ref, std::int32_t pos) {
    const auto length = static_cast<std::uint32_t>(below(12) == 0 ? 0 : below(120));
    const std::vector<std::uint32_t> elements = cigar(length);
    const std::string read_name = name();
    Buffer body;
    ByteWriter out(body);
    out.put(ref);
    out.put(pos);
    out.put(static_cast<std::uint8_t>(read_name.size() + 1));
    out.put(static_cast<std::uint8_t>(below(3) == 0 ? below(256) : 60));
    out.put(static_cast<std::uint16_t>(below(4) == 0 ? random_() : 4681));
    out.put(static_cast<std::uint16_t>(elements.size()));
    out.put(one_of<std::uint16_t>({99, 147, 83, 163, 4, 77, 141, 0, 16, 2048, 1024, 73, 512}));
    out.put(length);
    out.put(below(3) == 0 ? std::int32_t{-1} : ref);
    out.put(static_cast<std::int32_t>(pos + static_cast<std::int32_t>(below(3)) - 1));
    out.put(
        static_cast<std::int32_t>(below(2) == 0 ? 0 : static_cast<std::int32_t>(below(800)) - 400));
    out.put_bytes(as_bytes(read_name));
    out.put('\0');
    for (const std::uint32_t element : elements) out.put(element);
    const bool acgt_only = below(4) != 0;
    for (std::uint32_t i = 0; i < (length + 1) / 2; ++i) {
      const auto nibble = [&] { return acgt_only ? std::uint64_t{1} << below(4) : below(16); };
      const std::uint64_t low = i * 2 + 1 < length || below(9) == 0 ? nibble() : 0;
      out.put(static_cast<std::uint8_t>((nibble() << 4U) | low));
    }
    const bool no_quality = below(10) == 0;
    for (std::uint32_t i = 0; i < length; ++i)
      out.put(static_cast<std::uint8_t>(no_quality ? 255 : below(41)));
    for (std::uint64_t i = below(5); i > 0; --i) put_tag(out);
    // What samtools passes over: too few bytes to be a tag.
    for (std::uint64_t i = below(10) == 0 ? below(4) : 0; i > 0; --i)
      out.put(static_cast<std::uint8_t>(random_()));
    return body;
  }

  std::mt19937_64 random_;
};

}  // namespace cnf::bams3::testing
