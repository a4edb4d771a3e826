// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/em/tiff_directory_internal.h"

namespace cnf::em {
namespace {

std::uint64_t round_up(std::uint64_t size) { return (size + 7) / 8 * 8; }

/// Counts and offsets have the width of the file's kind.
void put_wide(ByteWriter& writer, bool big, std::uint64_t number) {
  if (big) {
    writer.put(number);
  } else {
    writer.put(static_cast<std::uint32_t>(number));
  }
}

}  // namespace

void TiffDirectory::add(std::uint16_t tag, std::uint16_t value) {
  Buffer bytes;
  ByteWriter(bytes).put(value);
  fields_.push_back({.tag = tag, .type = Type::uint16, .count = 1, .value = std::move(bytes)});
}

void TiffDirectory::add(std::uint16_t tag, std::uint32_t value) {
  Buffer bytes;
  ByteWriter(bytes).put(value);
  fields_.push_back({.tag = tag, .type = Type::uint32, .count = 1, .value = std::move(bytes)});
}

void TiffDirectory::add(std::uint16_t tag, std::string_view text) {
  Buffer bytes = Buffer::copy_of(as_bytes(text));
  ByteWriter(bytes).put(char{0});
  const std::size_t count = bytes.size();
  fields_.push_back({.tag = tag, .type = Type::ascii, .count = count, .value = std::move(bytes)});
}

void TiffDirectory::add_rational(std::uint16_t tag, double number) {
  constexpr double kMost = 4e9;
  const double denominator = std::max(1.0, std::floor(std::min(kMost / number, kMost)));
  Buffer bytes;
  ByteWriter writer(bytes);
  writer.put(static_cast<std::uint32_t>(std::min(std::round(number * denominator), kMost)));
  writer.put(static_cast<std::uint32_t>(denominator));
  fields_.push_back({.tag = tag, .type = Type::rational, .count = 1, .value = std::move(bytes)});
}

void TiffDirectory::add_offsets(std::uint16_t tag, const std::vector<std::uint64_t>& offsets) {
  Buffer bytes;
  ByteWriter writer(bytes);
  for (const std::uint64_t offset : offsets) put_wide(writer, big_, offset);
  fields_.push_back({.tag = tag,
                     .type = big_ ? Type::uint64 : Type::uint32,
                     .count = offsets.size(),
                     .value = std::move(bytes)});
}

std::uint64_t TiffDirectory::front() const {
  return round_up(big_ ? 8 + 20 * fields_.size() + 8 : 2 + 12 * fields_.size() + 4);
}

std::uint64_t TiffDirectory::outside(const Field& field) const {
  return field.value.size() <= slot() ? 0 : round_up(field.value.size());
}

std::uint64_t TiffDirectory::size() const {
  std::uint64_t size = front();
  for (const Field& field : fields_) size += outside(field);
  return size;
}

Buffer TiffDirectory::bytes(std::uint64_t at, std::uint64_t next) const {
  Buffer out;
  ByteWriter writer(out);
  if (big_) {
    writer.put(static_cast<std::uint64_t>(fields_.size()));
  } else {
    writer.put(static_cast<std::uint16_t>(fields_.size()));
  }
  std::uint64_t value_at = at + front();
  for (const Field& field : fields_) {
    writer.put(field.tag);
    writer.put(static_cast<std::uint16_t>(field.type));
    put_wide(writer, big_, field.count);
    if (outside(field) == 0) {
      const std::size_t begin = out.size();
      writer.put_bytes(field.value);
      pad(out, begin + slot());
    } else {
      put_wide(writer, big_, value_at);
      value_at += outside(field);
    }
  }
  put_wide(writer, big_, next);
  pad(out, front());
  for (const Field& field : fields_) {
    if (outside(field) == 0) continue;
    const std::size_t begin = out.size();
    writer.put_bytes(field.value);
    pad(out, begin + outside(field));
  }
  return out;
}

Buffer tiff_header(bool big) {
  Buffer header;
  ByteWriter writer(header);
  writer.put_bytes(as_bytes("II"));
  writer.put(static_cast<std::uint16_t>(big ? 43 : 42));
  if (big) {
    writer.put(std::uint16_t{8});  // bytes of an offset
    writer.put(std::uint16_t{0});
    writer.put(std::uint64_t{16});
  } else {
    writer.put(std::uint32_t{8});
  }
  return header;
}

void pad(Buffer& bytes, std::uint64_t size) {
  const MutableByteSpan zeros = bytes.extend(size - bytes.size());
  std::fill(zeros.begin(), zeros.end(), std::byte{0});
}

}  // namespace cnf::em
