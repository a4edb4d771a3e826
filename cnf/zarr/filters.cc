// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/element_type.h"
#include "cnf/zarr/byte_codecs_internal.h"
#include "cnf/zarr/codec_internal.h"
#include "cnf/zarr/json_internal.h"
#include "cnf/zarr/metadata.h"

// The filters of numcodecs that arrays of Zarr v2 have: shuffle.py, delta.py, fixedscaleoffset.py.

namespace cnf::zarr {
namespace {

using Kind = Codec::Kind;

/// What a filter's "dtype" and "astype" say; parse_array_v2 has checked them.
TypeAndOrder type_in(const Codec& codec, const char* name) {
  return parse_dtype(codec.configuration.at(name).get_ref<const std::string&>(), "a filter");
}

template <typename T>
T load(const std::byte* from, bool little) {
  T value{};
  std::byte bytes[sizeof(T)];
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes[i] = from[little ? i : sizeof(T) - 1 - i];
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

template <typename T>
void store(T value, std::byte* to, bool little) {
  std::byte bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  for (std::size_t i = 0; i < sizeof(T); ++i) to[i] = bytes[little ? i : sizeof(T) - 1 - i];
}

/// Calls visit(T{}) with the C++ type of a number that is neither complex nor float16;
/// check_filter() lets no other through.
template <typename Visit>
void with_type(DataType type, const Visit& visit) {
  visit_type(type, [&]<typename T>(std::type_identity<T> /*type*/) {
    if constexpr (std::is_arithmetic_v<T>) visit(T{});
  });
}

/// Byte k of all elements lies together; what is no whole element follows as it is.
void unshuffle(std::size_t element, ByteSpan filtered, MutableByteSpan raw) {
  const std::size_t count = raw.size() / element;
  for (std::size_t k = 0; k < element; ++k) {
    for (std::size_t i = 0; i < count; ++i) raw[i * element + k] = filtered[k * count + i];
  }
  for (std::size_t at = count * element; at < raw.size(); ++at) raw[at] = filtered[at];
}

/// Sums of what is stored; in unsigned arithmetic, which wraps as NumPy's does.
template <typename To, typename From>
void sum_up(bool little_from, ByteSpan filtered, bool little_to, MutableByteSpan raw) {
  const std::size_t count = raw.size() / sizeof(To);
  if constexpr (std::integral<To> && std::integral<From>) {
    using Wrapping = std::make_unsigned_t<To>;
    Wrapping sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const From step = load<From>(filtered.data() + i * sizeof(From), little_from);
      sum = static_cast<Wrapping>(sum + static_cast<Wrapping>(step));
      store(static_cast<To>(sum), raw.data() + i * sizeof(To), little_to);
    }
  } else if constexpr (std::is_same_v<To, From>) {
    To sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
      sum += load<From>(filtered.data() + i * sizeof(From), little_from);
      store(sum, raw.data() + i * sizeof(To), little_to);
    }
  }
}

void undo_delta(const Codec& codec, ByteSpan filtered, MutableByteSpan raw) {
  const TypeAndOrder to = type_in(codec, "dtype");
  const TypeAndOrder from = type_in(codec, "astype");
  with_type(to.type, [&]<typename To>(To /*kind*/) {
    with_type(from.type, [&]<typename From>(From /*kind*/) {
      sum_up<To, From>(from.little, filtered, to.little, raw);
    });
  });
}

/// As C++ converts only what fits: the rest is 0, and no writer means it.
template <typename To, typename From>
To converted(From value) {
  if constexpr (std::integral<To>) {
    constexpr auto kLeast = static_cast<double>(std::numeric_limits<To>::min());
    constexpr To kHalf = std::numeric_limits<To>::max() / 2 + 1;
    constexpr double kPastMost = static_cast<double>(kHalf) * 2;
    const auto number = static_cast<double>(value);
    if (!(number > kLeast - 1 && number < kPastMost)) return 0;
  }
  return static_cast<To>(value);
}

/// stored / scale + offset, in float64 (float32 where that is what is stored), as NumPy has it.
void undo_scale_offset(const Codec& codec, ByteSpan filtered, MutableByteSpan raw) {
  const TypeAndOrder to = type_in(codec, "dtype");
  const TypeAndOrder from = type_in(codec, "astype");
  const double scale = codec.configuration.at("scale").get<double>();
  const double offset = codec.configuration.at("offset").get<double>();
  with_type(to.type, [&]<typename To>(To /*kind*/) {
    with_type(from.type, [&]<typename From>(From /*kind*/) {
      using Number = std::conditional_t<std::is_same_v<From, float>, float, double>;
      for (std::size_t i = 0; i < raw.size() / sizeof(To); ++i) {
        const auto stored =
            static_cast<Number>(load<From>(filtered.data() + i * sizeof(From), from.little));
        const Number value = stored / static_cast<Number>(scale) + static_cast<Number>(offset);
        store(converted<To>(value), raw.data() + i * sizeof(To), to.little);
      }
    });
  });
}

}  // namespace

void check_filter(const Codec& codec, std::string_view subject) {
  const TypeAndOrder to = type_in(codec, "dtype");
  const TypeAndOrder from = type_in(codec, "astype");
  const auto is_known = [](DataType type) {
    return type != DataType::bool8 && type != DataType::float16 && !is_complex(type);
  };
  const bool is_delta = codec.kind == Kind::delta;
  const bool is_exact =
      !is_delta || to.type == from.type || (is_integer(to.type) && is_integer(from.type));
  if (!is_known(to.type) || !is_known(from.type) || !is_exact) {
    not_read_here(subject, fmt::format("the filter {} from {} to {} is not read here",
                                       is_delta ? "delta" : "fixedscaleoffset", to_string(to.type),
                                       to_string(from.type)));
  }
  if (is_delta) return;
  for (const char* name : {"scale", "offset"}) {
    if (!member(codec.configuration, name, subject).is_number()) {
      refuse(subject, fmt::format("the filter's {} is no number", name));
    }
  }
}

std::size_t filtered_bytes(const Codec& codec, std::size_t raw_bytes) {
  if (codec.kind == Kind::shuffle) return raw_bytes;
  return raw_bytes / size_of(type_in(codec, "dtype").type) * size_of(type_in(codec, "astype").type);
}

void unfilter(const Codec& codec, ByteSpan filtered, MutableByteSpan raw) {
  if (codec.kind == Kind::shuffle) {
    unshuffle(static_cast<std::size_t>(codec.level), filtered, raw);
  } else if (codec.kind == Kind::delta) {
    undo_delta(codec, filtered, raw);
  } else {
    undo_scale_offset(codec, filtered, raw);
  }
}

}  // namespace cnf::zarr
