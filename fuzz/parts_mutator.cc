// SPDX-License-Identifier: Apache-2.0
// libFuzzer's mutator for inputs made of parts (split_parts in harness.h): it changes, repeats,
// drops or swaps whole parts, so that the lengths before them stay right.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include "fuzz/harness.h"

#include "cnf/core/util/buffer.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using Part = std::vector<std::uint8_t>;

void mutate(Part& part, std::size_t room) {
  const std::size_t size = part.size();
  part.resize(size + room);
  part.resize(LLVMFuzzerMutate(part.data(), size, part.size()));
}

std::vector<Part> parts_of(const std::uint8_t* data, std::size_t size) {
  std::vector<Part> parts;
  for (const cnf::ByteSpan bytes : cnf::fuzz::split_parts(cnf::fuzz::bytes_of(data, size))) {
    const auto* begin = reinterpret_cast<const std::uint8_t*>(bytes.data());
    parts.emplace_back(begin, begin + bytes.size());
  }
  return parts;
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  std::minstd_rand random(seed);
  std::vector<Part> parts = parts_of(data, size);
  const auto choice = random() % 32;
  if (parts.empty() || choice == 0) return LLVMFuzzerMutate(data, size, max_size);

  const std::size_t chosen = random() % parts.size();
  const std::size_t other = random() % parts.size();
  const auto at = [](std::size_t i) { return static_cast<std::ptrdiff_t>(i); };
  if (choice == 1) {
    parts.insert(parts.begin() + at(other), Part(parts[chosen]));
  } else if (choice == 2) {
    parts.erase(parts.begin() + at(chosen));
  } else if (choice == 3) {
    std::swap(parts[chosen], parts[other]);
  } else {
    // A part needs room to grow even when the input has reached its greatest size.
    constexpr std::size_t kLeastRoom = 16;
    mutate(parts[chosen], max_size > size + kLeastRoom ? max_size - size : kLeastRoom);
  }

  cnf::Buffer joined;
  for (const Part& part : parts) cnf::fuzz::put_part(std::as_bytes(std::span(part)), joined);
  const std::size_t kept = std::min(joined.size(), max_size);
  if (kept > 0) std::memcpy(data, joined.data(), kept);
  return kept;
}
