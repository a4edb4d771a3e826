// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <span>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::fuzz {

/// Ends the process, which is how a fuzz target reports a bug.
[[noreturn]] inline void fail(const char* why) {
  std::fprintf(stderr, "fuzz target: %s\n", why);
  std::abort();
}

inline void require(bool holds, const char* what) {
  if (!holds) fail(what);
}

/// Runs `call`; true if it returned. An Error with one of `codes` is an answer, any other exception
/// a bug.
template <typename Call>
bool returns(std::initializer_list<Errc> codes, const Call& call) {
  try {
    call();
    return true;
  } catch (const Error& error) {
    if (std::ranges::find(codes, error.code()) == codes.end()) fail(error.what());
    return false;
  }
}

inline ByteSpan bytes_of(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}

/// The input as parts, each a u16 (little-endian) length and so many bytes; the last one may be cut
/// off. For targets whose input is several byte strings: parts_mutator.cc changes one of them and
/// leaves the others whole.
inline std::vector<ByteSpan> split_parts(ByteSpan input) {
  std::vector<ByteSpan> parts;
  while (input.size() >= 2) {
    const auto low = std::to_integer<std::size_t>(input[0]);
    const std::size_t length = low | std::to_integer<std::size_t>(input[1]) << 8U;
    input = input.subspan(2);
    parts.push_back(input.first(std::min(length, input.size())));
    input = input.subspan(parts.back().size());
  }
  return parts;
}

/// What split_parts takes apart.
inline void put_part(ByteSpan part, Buffer& out) {
  const std::size_t length = std::min<std::size_t>(part.size(), 0xffff);
  const MutableByteSpan head = out.extend(2);
  head[0] = static_cast<std::byte>(length & 0xffU);
  head[1] = static_cast<std::byte>(length >> 8U);
  out.append(part.first(length));
}

}  // namespace cnf::fuzz
