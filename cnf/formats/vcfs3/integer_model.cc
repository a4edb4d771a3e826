// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/integer_model.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cnf/core/compress/range_coder.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"

namespace cnf::vcfs3 {
namespace {

using compress::AdaptiveBit;

constexpr unsigned kLimit = 255;      // what is older than so many values is slowly forgotten
constexpr unsigned kMaxSize = 64;     // bits of a number
constexpr unsigned kMaxSizeBits = 7;  // of a size
constexpr unsigned kContextBits = 2;  // of a number, below its highest, that contexts foretell
constexpr unsigned kPrefixBits = 6;   // of a number that those above them foretell
constexpr std::size_t kCheck = 1024;  // values between two looks at whether bytes are left

/// The probabilities of one column's bits. One model writes and reads: of a reader's number only
/// what was read is looked at.
class IntegerModel {
 public:
  /// \param size_bits  of the greatest size.
  IntegerModel(std::size_t contexts, unsigned size_bits)
      : size_bits_(size_bits),
        sizes_(contexts << size_bits),
        tops_(contexts * (kMaxSize + 1) << kContextBits),
        prefixes_(std::size_t{kMaxSize + 1} << kPrefixBits),
        lows_(std::size_t{kMaxSize + 1} * kMaxSize) {}

  template <typename Coder>
  std::uint64_t code(Coder& coder, std::size_t context, std::uint64_t value) {
    unsigned node = 1;
    const auto wanted = static_cast<unsigned>(std::bit_width(value));
    AdaptiveBit* const sizes = &sizes_[context << size_bits_];
    for (unsigned bit = size_bits_; bit-- > 0;) {
      node = node * 2 + (coder.code(sizes[node], (wanted >> bit & 1U) != 0, kLimit) ? 1U : 0U);
    }
    const unsigned size = std::min(node - (1U << size_bits_), kMaxSize);
    if (size <= 1) return size;
    std::uint64_t result = 1;
    for (unsigned below = size - 1; below-- > 0;) {
      const unsigned done = size - 2 - below;
      AdaptiveBit& bit = done < kContextBits
                             ? tops_[((context * (kMaxSize + 1) + size) << kContextBits) + result]
                         : done < kPrefixBits ? prefixes_[(size << kPrefixBits) + result]
                                              : lows_[size * kMaxSize + below];
      result = result * 2 + (coder.code(bit, (value >> below & 1U) != 0, kLimit) ? 1U : 0U);
    }
    return result;
  }

 private:
  unsigned size_bits_;
  std::vector<AdaptiveBit> sizes_;     // by context
  std::vector<AdaptiveBit> tops_;      // by context, size and the bits above
  std::vector<AdaptiveBit> prefixes_;  // by size and the bits above
  std::vector<AdaptiveBit> lows_;      // by size and place
};

/// Says in which context each value is.
class Context {
 public:
  Context(Foretold foretold, std::span<const std::uint8_t> contexts)
      : foretold_(foretold), contexts_(contexts) {}

  [[nodiscard]] std::size_t number() const {
    switch (foretold_) {
      case Foretold::by_last:
        return kMaxSize + 1;
      case Foretold::by_contexts:
        return kMaxContexts;
      default:
        return 1;
    }
  }
  [[nodiscard]] std::size_t of(std::size_t index, std::uint64_t last) const {
    switch (foretold_) {
      case Foretold::by_last:
        return static_cast<std::size_t>(std::bit_width(last));
      case Foretold::by_contexts:
        return contexts_[index];
      default:
        return 0;
    }
  }

 private:
  Foretold foretold_;
  std::span<const std::uint8_t> contexts_;
};

}  // namespace

Buffer encode_modelled(std::span<const std::uint64_t> values, Foretold foretold,
                       std::span<const std::uint8_t> contexts) {
  const Context context(foretold, contexts);
  const std::uint64_t greatest = values.empty() ? 0 : std::ranges::max(values);
  const auto size_bits =
      static_cast<unsigned>(std::bit_width(static_cast<unsigned>(std::bit_width(greatest))));
  IntegerModel model(context.number(), size_bits);
  Buffer bytes;
  ByteWriter(bytes).put(static_cast<std::uint8_t>(size_bits));
  compress::RangeEncoder coder(bytes);
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    last = model.code(coder, context.of(i, last), values[i]);
  }
  coder.finish();
  return bytes;
}

bool decode_modelled(ByteSpan bytes, Foretold foretold, std::span<const std::uint8_t> contexts,
                     std::span<std::uint64_t> values) {
  const Context context(foretold, contexts);
  if (bytes.empty()) return false;
  const auto size_bits = std::to_integer<unsigned>(bytes[0]);
  if (size_bits > kMaxSizeBits) return false;
  IntegerModel model(context.number(), size_bits);
  compress::RangeDecoder coder(bytes.subspan(1));
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = last = model.code(coder, context.of(i, last), 0);
    if (i % kCheck == 0 && coder.overrun()) return false;
  }
  return !coder.overrun() && coder.at_end();
}

}  // namespace cnf::vcfs3
