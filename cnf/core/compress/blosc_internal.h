// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "cnf/core/compress/blosc.h"
#include "cnf/core/compress/blosc_kernels_internal.h"
#include "cnf/core/util/buffer.h"

namespace cnf::compress {

// What blosc.cc and blosc_encode.cc both know of a frame, and the filters between them.

constexpr std::uint8_t kBloscVersion = 2;
constexpr std::uint8_t kBloscCodecVersion = 1;  // the same for all codecs of Blosc 1
constexpr unsigned kBloscByteShuffled = 0x01;
constexpr unsigned kBloscCopied = 0x02;
constexpr unsigned kBloscBitShuffled = 0x04;
constexpr unsigned kBloscLater = 0x08;  // nothing that Blosc 1 writes
constexpr unsigned kBloscNotSplit = 0x10;
constexpr unsigned kBloscCodecShift = 5;
constexpr std::size_t kBloscMinBlock = 128;

/// Whether blocks without the flag kBloscNotSplit are cut into a stream per byte of an element; the
/// short last one never is (blosc.c, blosc_d).
[[nodiscard]] constexpr bool blosc_splits(std::size_t typesize, std::size_t block_bytes) noexcept {
  constexpr std::size_t kMaxSplits = 16;
  return typesize <= kMaxSplits && block_bytes / typesize >= kBloscMinBlock;
}

/// Whether a block of so many elements is shuffled at all: its bits only in whole bytes.
[[nodiscard]] constexpr bool blosc_filters(BloscShuffle shuffle, std::size_t elements) noexcept {
  return elements != 0 &&
         (shuffle == BloscShuffle::byte || (shuffle == BloscShuffle::bit && elements % 8 == 0));
}

/// Byte k of every element, one element after another, for each k. \param raw  whole elements.
/// \param kernels  for elements of `typesize`; nullptr does all of it byte by byte.
void blosc_shuffle(const BloscKernels* kernels, std::size_t typesize, ByteSpan raw,
                   std::byte* shuffled);
/// Bit b of every element, the first element in the lowest bit, for each b from the lowest.
/// \param raw  whole elements, a multiple of 8 of them.
void blosc_bitshuffle(const BloscKernels* kernels, std::size_t typesize, ByteSpan raw,
                      std::byte* shuffled);

/// Undoes the above. \param planes  for each byte of an element, where what came of it begins: so
/// that the streams of a split block are taken from where they lie.
void blosc_unshuffle(const BloscKernels* kernels, std::span<const std::byte* const> planes,
                     MutableByteSpan raw);
/// \param row  bytes from one row of bits to the next: those of the whole block, of which `raw` may
/// be a part.
void blosc_unbitshuffle(const BloscKernels* kernels, std::span<const std::byte* const> planes,
                        std::size_t row, MutableByteSpan raw);

/// Where a block is between shuffling and compression. A thread keeps it for its next block unless
/// it is unusually large, and has one at a time.
class BloscScratch {
 public:
  explicit BloscScratch(std::size_t size) {
    constexpr std::size_t kMaxKept = std::size_t{4} << 20;
    thread_local Buffer kept;
    Buffer& buffer = size <= kMaxKept ? kept : own_;
    if (buffer.size() < size) buffer.resize(size);
    bytes_ = buffer.span().first(size);
  }
  [[nodiscard]] MutableByteSpan bytes() const noexcept { return bytes_; }

 private:
  Buffer own_;
  MutableByteSpan bytes_;
};

/// Decodes exactly raw.size() bytes; false if the stream is damaged or holds another number.
[[nodiscard]] bool blosclz_decompress(ByteSpan stored, MutableByteSpan raw) noexcept;

}  // namespace cnf::compress
