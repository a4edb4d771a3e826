// SPDX-License-Identifier: Apache-2.0
// Bytes as bits of sixteen contexts, half as many bits as an encoder may have put there: what is
// read must come back when it is written and read again.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz/harness.h"

#include "cnf/core/compress/range_coder.h"
#include "cnf/core/util/buffer.h"

namespace {

constexpr std::size_t kContexts = 16;
constexpr unsigned kLimit = 30;

/// Each bit chooses the context of the next one; the first context is that of even bits.
template <typename Coder>
std::vector<bool> code(Coder& coder, const std::vector<bool>& bits) {
  std::array<cnf::compress::AdaptiveBit, kContexts> contexts;
  std::vector<bool> got;
  std::size_t context = 0;
  for (const bool wanted : bits) {
    const bool bit =
        context == 0 ? coder.code_even(wanted) : coder.code(contexts[context], wanted, kLimit);
    got.push_back(bit);
    context = (context * 2 + (bit ? 1 : 0)) % kContexts;
  }
  return got;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace compress = cnf::compress;
  const std::vector<bool> nothing(size * 16 + 1);
  compress::RangeDecoder decoder(cnf::fuzz::bytes_of(data, size));
  const std::vector<bool> read = code(decoder, nothing);
  cnf::Buffer written;
  compress::RangeEncoder encoder(written);
  code(encoder, read);
  encoder.finish();
  compress::RangeDecoder again(written);
  cnf::fuzz::require(code(again, nothing) == read, "bits changed");
  cnf::fuzz::require(!again.overrun() && again.at_end(), "the end is not where it was");
  return 0;
}
