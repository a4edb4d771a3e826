// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/tags.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "cnf/core/util/buffer.h"

namespace cnf::bams3 {
namespace {

template <typename T>
T load(ByteSpan bytes) noexcept {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

}  // namespace

std::size_t tag_value_bytes(char type) noexcept {
  switch (type) {
    case 'A':
    case 'c':
    case 'C':
      return 1;
    case 's':
    case 'S':
      return 2;
    case 'i':
    case 'I':
    case 'f':
      return 4;
    case 'd':
      return 8;
    default:
      return 0;
  }
}

std::optional<std::int64_t> Tag::integer() const noexcept {
  switch (type) {
    case 'c':
      return load<std::int8_t>(value);
    case 'C':
      return load<std::uint8_t>(value);
    case 's':
      return load<std::int16_t>(value);
    case 'S':
      return load<std::uint16_t>(value);
    case 'i':
      return load<std::int32_t>(value);
    case 'I':
      return load<std::uint32_t>(value);
    default:
      return std::nullopt;
  }
}

Tag take_tag(ByteSpan& tags) noexcept {
  if (tag_size(tags) == 0) {
    return {{static_cast<std::uint8_t>(tags.size()), 0}, '\0', '\0', std::exchange(tags, {})};
  }
  Tag tag{{std::to_integer<std::uint8_t>(tags[0]), std::to_integer<std::uint8_t>(tags[1])},
          static_cast<char>(tags[2]),
          '\0',
          {}};
  tags = tags.subspan(3);
  std::size_t size = tag_value_bytes(tag.type);
  if (tag.type == 'Z' || tag.type == 'H') {
    size = static_cast<std::size_t>(std::ranges::find(tags, std::byte{0}) - tags.begin()) + 1;
  } else if (tag.type == 'B') {
    tag.subtype = static_cast<char>(tags[0]);
    tags = tags.subspan(1);
    size = 4 + std::size_t{load<std::uint32_t>(tags)} * tag_value_bytes(tag.subtype);
  }
  tag.value = tags.first(size);
  tags = tags.subspan(size);
  return tag;
}

std::optional<std::string_view> find_text_tag(ByteSpan tags, std::string_view name) noexcept {
  while (!tags.empty()) {
    const Tag tag = take_tag(tags);
    if (tag.type == 'Z' && tag.is(name)) return tag.text();
  }
  return std::nullopt;
}

}  // namespace cnf::bams3
