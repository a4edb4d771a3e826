// SPDX-License-Identifier: Apache-2.0
// ByteReader: the first half of the input says which steps to take, the second half is what is
// read.

#include <cstddef>
#include <cstdint>
#include <span>

#include "fuzz/harness.h"

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"

namespace {

void step(cnf::ByteReader& reader, std::uint8_t choice) {
  switch (choice % 6) {
    case 0:
      (void)reader.get<std::uint8_t>();
      break;
    case 1:
      (void)reader.get<std::uint64_t>();
      break;
    case 2:
      (void)reader.get_zigzag();
      break;
    case 3:
      (void)reader.get_string();
      break;
    case 4:
      // What a caller does with a count: it allocates.
      (void)cnf::Buffer(reader.get_count(1U + choice / 6U) * (1U + choice / 6U));
      break;
    default:
      (void)reader.get_bytes(choice);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> input(data, size);
  const auto steps = input.first(size / 2);
  cnf::ByteReader reader(std::as_bytes(input.subspan(size / 2)), "input");
  cnf::fuzz::returns({cnf::Errc::corrupt_data}, [&] {
    for (const std::uint8_t choice : steps) {
      const std::size_t before = reader.offset();
      step(reader, choice);
      cnf::fuzz::require(reader.offset() >= before && reader.remaining() <= size,
                         "the reader left its bytes");
    }
  });
  return 0;
}
