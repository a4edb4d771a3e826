// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/float_residuals.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>

#include <htslib/kstring.h>
#include <htslib/vcf.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::uint32_t kMissing = 0x7f800001;    // BCF's missing float (VCFv4.3, section 6.3.3)
constexpr std::uint64_t kWhole = 1;               // marks bits that stand for themselves
constexpr std::uint32_t kVectorEnd = 0x7f800002;  // BCF's end of vector

std::uint32_t load(const std::uint8_t* at) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, at, sizeof(bits));
  return bits;
}
void store(std::uint8_t* at, std::uint32_t bits) { std::memcpy(at, &bits, sizeof(bits)); }

bool is_nan(std::uint32_t bits) {
  constexpr std::uint32_t kInfinity = 0x7f800000;
  return (bits & 0x7fffffffU) > kInfinity;
}

// What htslib makes of the text that it writes for a float.
class TextBits {
 public:
  TextBits() = default;
  ~TextBits() { ks_free(&text_); }
  TextBits(const TextBits&) = delete;
  TextBits& operator=(const TextBits&) = delete;

  /// \param bits  of a number
  std::uint32_t of(std::uint32_t bits) {
    text_.l = 0;
    if (kputd(std::bit_cast<float>(bits), &text_) < 0) throw std::bad_alloc();
    return std::bit_cast<std::uint32_t>(static_cast<float>(std::strtod(text_.s, nullptr)));
  }

 private:
  kstring_t text_{};
};

// Values of a vector of `count` values of a BCF type that its text has; 0 if there is no vector.
std::size_t shown(const std::uint8_t* at, std::size_t count, int type) {
  const auto ends_at = [&](std::size_t i) {
    switch (type) {
      case BCF_BT_INT8:
        return static_cast<std::int8_t>(at[i]) == bcf_int8_vector_end;
      case BCF_BT_INT16: {
        std::int16_t value = 0;
        std::memcpy(&value, at + i * sizeof(value), sizeof(value));
        return value == bcf_int16_vector_end;
      }
      case BCF_BT_INT32:
        return std::bit_cast<std::int32_t>(load(at + i * 4)) == bcf_int32_vector_end;
      default:
        return load(at + i * sizeof(float)) == kVectorEnd;
    }
  };
  if (count == 0) return 0;
  std::size_t size = 0;
  while (size < count && !ends_at(size)) ++size;
  return std::max<std::size_t>(size, 1);
}

bool is_number(int type) {
  return type == BCF_BT_INT8 || type == BCF_BT_INT16 || type == BCF_BT_INT32 ||
         type == BCF_BT_FLOAT;
}

// Calls `visit(bits)` for every float in order; what it returns replaces them. Of a value that is
// no float, though its field should have floats, `visit` gets kMissing and changes nothing.
// False if a field that should have floats has text: then the order is not to be relied on.
template <typename Visit>
bool for_each_float(const bcf_hdr_t& header, bcf1_t& record, const Visit& visit) {
  bcf_unpack(&record, BCF_UN_ALL);
  record.qual = std::bit_cast<float>(visit(std::bit_cast<std::uint32_t>(record.qual)));
  const auto visit_vector = [&](std::uint8_t* at, std::size_t count, int type) {
    for (std::size_t i = 0, size = shown(at, count, type); i < size; ++i) {
      if (type == BCF_BT_FLOAT) {
        store(at + i * sizeof(float), visit(load(at + i * sizeof(float))));
      } else {
        (void)visit(kMissing);
      }
    }
  };
  for (unsigned i = 0; i < record.n_info; ++i) {
    bcf_info_t& info = record.d.info[i];
    if (info.vptr == nullptr || info.len <= 0) continue;
    if (bcf_hdr_id2type(&header, BCF_HL_INFO, info.key) != BCF_HT_REAL) continue;
    if (!is_number(info.type)) return false;
    visit_vector(info.vptr, static_cast<std::size_t>(info.len), info.type);
    if (info.len == 1 && info.type == BCF_BT_FLOAT) std::memcpy(&info.v1.f, info.vptr, 4);
  }
  for (unsigned i = 0; i < record.n_fmt; ++i) {
    const bcf_fmt_t& format = record.d.fmt[i];
    if (format.p == nullptr || format.n <= 0) continue;
    if (bcf_hdr_id2type(&header, BCF_HL_FMT, format.id) != BCF_HT_REAL) continue;
    if (!is_number(format.type)) return false;
    for (unsigned sample = 0; sample < record.n_sample; ++sample) {
      visit_vector(format.p + std::size_t{sample} * static_cast<std::size_t>(format.size),
                   static_cast<std::size_t>(format.n), format.type);
    }
  }
  return true;
}

}  // namespace

std::string float_residuals(const bcf_hdr_t& header, bcf1_t& record) {
  Buffer bytes;
  ByteWriter out(bytes);
  TextBits text;
  std::uint64_t alike = 0;
  const bool ordered = for_each_float(header, record, [&](std::uint32_t bits) {
    const bool whole = is_nan(bits);
    const std::uint32_t printed = whole ? kMissing : text.of(bits);
    if (printed == bits) {
      ++alike;
      return bits;
    }
    const std::uint64_t value = whole ? bits : zigzag(std::int64_t{bits} - std::int64_t{printed});
    out.put_varint(alike);
    out.put_varint(value << 1U | (whole ? kWhole : 0));
    alike = 0;
    return bits;
  });
  return ordered ? std::string(as_text(bytes)) : std::string();
}

void apply_float_residuals(std::string_view residuals, const bcf_hdr_t& header, bcf1_t& record,
                           std::string_view subject) {
  if (residuals.empty()) return;
  ByteReader in(as_bytes(residuals), subject);
  std::uint64_t alike = in.get_varint();
  bool done = false;
  (void)for_each_float(header, record, [&](std::uint32_t bits) {
    if (done || alike-- != 0) return bits;
    const std::uint64_t value = in.get_varint();
    done = in.at_end();
    if (!done) alike = in.get_varint();
    if ((value & kWhole) != 0) return static_cast<std::uint32_t>(value >> 1U);
    return static_cast<std::uint32_t>(bits + static_cast<std::uint64_t>(unzigzag(value >> 1U)));
  });
  if (!done) in.fail("a record has fewer floats than bits are kept for");
}

}  // namespace cnf::vcfs3
