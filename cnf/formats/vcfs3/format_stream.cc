// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "cnf/core/compress/codec.h"
#include "cnf/core/compress/range_coder.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/formats/vcfs3/format_columns_internal.h"
#include "cnf/formats/vcfs3/format_features_internal.h"
#include "cnf/formats/vcfs3/format_mixer_internal.h"
#include "cnf/formats/vcfs3/format_stream_internal.h"

namespace cnf::vcfs3 {
namespace {

using Symbols = std::vector<std::uint32_t>;

/// Mixing takes ten times as long as sorting. Where zstd has little to learn from it gains most,
/// and takes no time to speak of.
bool may_mix(std::size_t symbols, int level) noexcept {
  constexpr int kAlways = 15, kFew = 6;
  constexpr std::size_t kFewSymbols = 8192;
  return level >= kAlways || (level >= kFew && symbols <= kFewSymbols);
}

constexpr std::uint32_t kContextValues = 4096;

/// A feature as a sort key: exact where values are small, in steps of 16 above, then the same.
std::uint32_t context_value(std::uint32_t value) noexcept {
  constexpr std::uint32_t kExact = kContextValues / 2;
  if (value < kExact) return value;
  return kExact + std::min((value - kExact) / 16, kExact - 1);
}

std::size_t width_of(std::span<const std::uint32_t> symbols) {
  std::uint32_t all = 0;
  for (const std::uint32_t symbol : symbols) all |= symbol;
  return all < 1U << 8U ? 1 : all < 1U << 16U ? 2 : all < 1U << 24U ? 3 : 4;
}

bool is_constant(std::span<const std::uint32_t> symbols) {
  return std::ranges::all_of(symbols, [&](std::uint32_t s) { return s == symbols[0]; });
}

std::int64_t base_number(std::uint32_t feature) noexcept {
  return feature < kNumberSymbol ? 0 : std::int64_t{feature} - kNumberSymbol;
}

Symbols subtract(std::span<const std::uint32_t> symbols, std::span<const std::uint32_t> cells,
                 std::span<const std::uint32_t> base) {
  Symbols result(symbols.begin(), symbols.end());
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (result[i] < kNumberSymbol) continue;
    const std::int64_t number = std::int64_t{result[i]} - kNumberSymbol;
    result[i] =
        kNumberSymbol + static_cast<std::uint32_t>(zigzag(number - base_number(base[cells[i]])));
  }
  return result;
}

void add_back(Symbols& symbols, std::span<const std::uint32_t> cells,
              std::span<const std::uint32_t> base, const ByteReader& in) {
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    if (symbols[i] < kNumberSymbol) continue;
    const std::int64_t number = unzigzag(symbols[i] - kNumberSymbol) + base_number(base[cells[i]]);
    if (number < 0 || number > kMaxSymbol - kNumberSymbol) in.fail("a difference out of range");
    symbols[i] = kNumberSymbol + static_cast<std::uint32_t>(number);
  }
}

Feature get_feature(ByteReader& in, const Features& features) {
  const Feature feature = Feature::decode(in);
  if (!features.is_known(feature)) in.fail("a context that is not known yet");
  return feature;
}

void put_sorted(std::span<const std::uint32_t> symbols, std::span<const std::uint32_t> cells,
                std::span<const Feature> contexts, Features& features, int level, ByteWriter& out) {
  const auto order = context_order(cells, contexts, features);
  Symbols sorted(symbols.size());
  for (std::size_t i = 0; i < order.size(); ++i) sorted[i] = symbols[order[i]];
  out.put(static_cast<std::uint8_t>(contexts.size()));
  for (const Feature& context : contexts) context.encode(out);
  put_planes(sorted, level, out);
}

std::vector<Feature> get_contexts(ByteReader& in, const Features& features) {
  const auto count = in.get<std::uint8_t>();
  if (count > kMaxContexts) in.fail("too many contexts");
  std::vector<Feature> contexts;
  for (std::size_t i = 0; i < count; ++i) contexts.push_back(get_feature(in, features));
  return contexts;
}

Symbols get_sorted(ByteReader& in, std::span<const std::uint32_t> cells, Features& features) {
  const std::vector<Feature> contexts = get_contexts(in, features);
  const Symbols sorted = get_planes(in, cells.size());
  const auto order = context_order(cells, contexts, features);
  Symbols symbols(sorted.size());
  for (std::size_t i = 0; i < order.size(); ++i) symbols[order[i]] = sorted[i];
  return symbols;
}

std::uint32_t hash_on(std::uint32_t hash, std::uint32_t value) noexcept {
  hash = (hash + value + 1) * 0x2c1b3c6dU;
  return hash ^ hash >> 14U;
}

/// How great a number is, roughly: from like cells little is learned where few are quite alike.
std::uint32_t two_highest_bits(std::uint32_t value) noexcept {
  const int drop = std::max(0, static_cast<int>(std::bit_width(value)) - 2);
  return value >> drop << drop;
}

/// Codes the symbols of cells one after another, each in contexts of what its cell has, of the
/// symbol before and of its sample's symbol before.
template <typename Coder>
void mix(Coder& coder, std::span<std::uint32_t> symbols, std::span<const std::uint32_t> cells,
         std::span<const Feature> contexts, Features& features) {
  SymbolMixer<Coder> mixer(coder, symbols.size());
  std::array<std::span<const std::uint32_t>, kMaxContexts> values;
  for (std::size_t c = 0; c < contexts.size(); ++c) values[c] = features.get(contexts[c]);
  const auto samples = features.get({Feature::Kind::sample, 0, 0});
  std::vector<std::uint32_t> last_of_sample(features.samples());
  std::uint32_t last = 0;
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    const std::uint32_t cell = cells[i];
    std::array<std::uint32_t, kMaxContexts + 1> nested = {};
    std::uint32_t rough = 0;
    for (std::size_t c = 0; c < kMaxContexts; ++c) {
      const std::uint32_t value = c < contexts.size() ? values[c][cell] : 0;
      nested[c + 1] = hash_on(nested[c], value);
      rough = hash_on(rough, two_highest_bits(value));
    }
    std::uint32_t& above = last_of_sample[samples[cell]];
    symbols[i] =
        mixer.code({rough, nested[1], nested[2], nested[3], (rough + last + 1) * 0x9e3779b1U + 1,
                    (rough + above + 1) * 0x85ebca6bU + 2},
                   symbols[i]);
    last = above = symbols[i];
  }
}

void put_mixed(std::span<const std::uint32_t> symbols, std::span<const std::uint32_t> cells,
               std::span<const Feature> contexts, Features& features, ByteWriter& out) {
  out.put(static_cast<std::uint8_t>(contexts.size()));
  for (const Feature& context : contexts) context.encode(out);
  Buffer coded;
  compress::RangeEncoder coder(coded);
  Symbols copy(symbols.begin(), symbols.end());
  mix(coder, std::span(copy), cells, contexts, features);
  coder.finish();
  out.put_varint(coded.size());
  out.put_bytes(coded);
}

Symbols get_mixed(ByteReader& in, std::span<const std::uint32_t> cells, Features& features) {
  const std::vector<Feature> contexts = get_contexts(in, features);
  compress::RangeDecoder coder(in.get_bytes(in.get_varint()));
  Symbols symbols(cells.size());
  mix(coder, std::span(symbols), cells, contexts, features);
  if (coder.overrun()) in.fail("a stream shorter than its symbols");
  return symbols;
}

/// Appends the body of the smallest form to `out`, and says which it is.
StreamForm put_smallest(std::span<const std::uint32_t> symbols,
                        std::span<const std::uint32_t> cells, std::span<const Feature> contexts,
                        Features& features, int level, Buffer& out) {
  // Where symbols are mixed zstd seldom wins, and its high levels would take most of the time.
  const bool try_mixed = may_mix(symbols.size(), level);
  if (try_mixed) level = std::min(level, 9);
  Buffer plain, sorted, mixed;
  ByteWriter plain_out(plain), sorted_out(sorted), mixed_out(mixed);
  if (!contexts.empty()) put_sorted(symbols, cells, contexts, features, level, sorted_out);
  // A quick look tells whether the natural order is worth the effort of the level.
  put_planes(symbols, sorted.empty() ? level : 1, plain_out);
  if (!sorted.empty() && plain.size() < sorted.size() + sorted.size() / 8) {
    plain.clear();
    put_planes(symbols, level, plain_out);
  }
  constexpr std::size_t kWorthMore = 16;
  if (try_mixed && plain.size() > kWorthMore) {
    put_mixed(symbols, cells, contexts, features, mixed_out);
  }
  const Buffer* best = &plain;
  StreamForm form = StreamForm::planes;
  if (!sorted.empty() && sorted.size() < best->size()) best = &sorted, form = StreamForm::sorted;
  if (!mixed.empty() && mixed.size() < best->size()) best = &mixed, form = StreamForm::mixed;
  out.append(*best);
  return form;
}

}  // namespace

void put_block(ByteSpan raw, int level, ByteWriter& out) {
  const auto codec = compress::make_codec({.algorithm = "zstd", .level = level});
  Buffer compressed;
  codec->compress(raw, compressed);
  const bool smaller =
      compressed.size() < raw.size() && raw.size() / kMaxRatio <= compressed.size();
  const ByteSpan stored = smaller ? compressed.span() : raw;
  out.put_varint(std::uint64_t{stored.size()} << 1U | (smaller ? 1U : 0U));
  out.put_bytes(stored);
}

Buffer get_block(ByteReader& in, std::uint64_t raw_size) {
  const std::uint64_t head = in.get_varint();
  const ByteSpan stored = in.get_bytes(head >> 1U);
  if ((head & 1U) == 0) {
    if (stored.size() != raw_size) in.fail("a block of another length than it should have");
    return Buffer::copy_of(stored);
  }
  if (raw_size / kMaxRatio > stored.size()) in.fail("a block shorter than its content allows");
  Buffer raw(raw_size);
  compress::decompress(compress::CodecId::zstd, stored, raw.span(), "FORMAT tile");
  return raw;
}

void put_planes(std::span<const std::uint32_t> symbols, int level, ByteWriter& out) {
  const std::size_t width = width_of(symbols);
  Buffer planes(symbols.size() * width);
  for (std::size_t p = 0; p < width; ++p) {
    std::byte* const plane = planes.data() + p * symbols.size();
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      plane[i] = static_cast<std::byte>(symbols[i] >> (8 * p));
    }
  }
  out.put(static_cast<std::uint8_t>(width));
  put_block(planes, level, out);
}

std::vector<std::uint32_t> get_planes(ByteReader& in, std::uint64_t count) {
  const auto width = in.get<std::uint8_t>();
  if (width < 1 || width > 4) in.fail("symbols of a width that is none");
  const Buffer planes = get_block(in, count * width);
  Symbols symbols(count);
  for (std::size_t p = 0; p < width; ++p) {
    const std::byte* const plane = planes.data() + p * count;
    for (std::size_t i = 0; i < count; ++i) {
      symbols[i] |= std::to_integer<std::uint32_t>(plane[i]) << (8 * p);
    }
  }
  return symbols;
}

std::vector<std::uint32_t> context_order(std::span<const std::uint32_t> cells,
                                         std::span<const Feature> contexts, Features& features) {
  std::vector<std::uint32_t> order(cells.size()), next(cells.size());
  std::iota(order.begin(), order.end(), 0U);
  std::vector<std::uint16_t> keys(cells.size());
  for (std::size_t c = contexts.size(); c-- > 0;) {
    const std::span<const std::uint32_t> values = features.get(contexts[c]);
    std::vector<std::uint32_t> starts(kContextValues + 1);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      keys[i] = static_cast<std::uint16_t>(context_value(values[cells[i]]));
      ++starts[keys[i] + 1U];
    }
    std::partial_sum(starts.begin(), starts.end(), starts.begin());
    for (const std::uint32_t i : order) next[starts[keys[i]]++] = i;
    order.swap(next);
  }
  return order;
}

void put_stream(std::span<const std::uint32_t> symbols, std::span<const std::uint32_t> cells,
                const StreamModel& model, Features& features, int level, ByteWriter& out) {
  if (symbols.empty()) return;
  Symbols differences;
  const bool differ = model.differences && !is_constant(symbols);
  if (differ) {
    differences = subtract(symbols, cells, features.get(model.base));
    symbols = differences;
  }
  StreamForm form = StreamForm::constant;
  Buffer body;
  ByteWriter body_out(body);
  if (is_constant(symbols)) {
    body_out.put_varint(symbols[0]);
  } else {
    form = put_smallest(symbols, cells, model.contexts, features, level, body);
  }
  out.put(static_cast<std::uint8_t>(static_cast<std::uint8_t>(form) | (differ ? kDifferences : 0)));
  if (differ) model.base.encode(out);
  out.put_bytes(body);
}

std::vector<std::uint32_t> get_stream(ByteReader& in, std::span<const std::uint32_t> cells,
                                      Features& features) {
  if (cells.empty()) return {};
  const auto first = in.get<std::uint8_t>();
  const bool differ = (first & kDifferences) != 0;
  const Feature base = differ ? get_feature(in, features) : Feature{};
  Symbols symbols;
  switch (static_cast<StreamForm>(first & ~kDifferences)) {
    case StreamForm::constant: {
      const std::uint64_t symbol = in.get_varint();
      if (symbol > std::numeric_limits<std::uint32_t>::max()) in.fail("a symbol that is none");
      symbols.assign(cells.size(), static_cast<std::uint32_t>(symbol));
      break;
    }
    case StreamForm::planes:
      symbols = get_planes(in, cells.size());
      break;
    case StreamForm::sorted:
      symbols = get_sorted(in, cells, features);
      break;
    case StreamForm::mixed:
      symbols = get_mixed(in, cells, features);
      break;
    default:
      in.fail("a stream of a form that is none");
  }
  if (differ) add_back(symbols, cells, features.get(base), in);
  return symbols;
}

}  // namespace cnf::vcfs3
