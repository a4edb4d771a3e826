// SPDX-License-Identifier: Apache-2.0
// Electron events: bytes that say how codes are made and how large the frame is, then the codes.
// Every electron is counted once, however finely it is placed.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "fuzz/harness.h"

#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"
#include "cnf/em/eer_internal.h"

namespace {

std::uint64_t sum(const std::vector<std::uint16_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cnf::Errc;
  if (size < 4) return 0;
  cnf::ByteReader in(cnf::fuzz::bytes_of(data, size), "input");
  const auto code = in.get<std::uint8_t>();
  const auto places = in.get<std::uint8_t>();
  cnf::em::EerFrame frame;
  frame.code.run_bits = 1 + code % 12U;
  frame.code.place_after_run = code >= 128;
  frame.code.x_bits = places % 9U;
  frame.code.y_bits = places / 9U % 9U;
  frame.width = 1U + in.get<std::uint8_t>();
  frame.height = 1U + in.get<std::uint8_t>();
  const cnf::ByteSpan codes = in.get_bytes(in.remaining());
  const unsigned finest = std::min({frame.code.x_bits, frame.code.y_bits, 2U});
  cnf::fuzz::returns({Errc::corrupt_data}, [&] {
    std::vector<std::uint16_t> coarse(frame.width * frame.height);
    const auto electrons = cnf::em::add_electrons<std::uint16_t>(codes, frame, 0, coarse, "input");
    cnf::fuzz::require(sum(coarse) == electrons, "an electron is not in the image");
    cnf::fuzz::require(std::ranges::all_of(coarse, [](std::uint16_t count) { return count <= 1; }),
                       "two electrons in a pixel of one frame");
    std::vector<std::uint16_t> fine(coarse.size() << (2 * finest));
    cnf::fuzz::require(
        cnf::em::add_electrons<std::uint16_t>(codes, frame, finest, fine, "input") == electrons,
        "another number of electrons where pixels are finer");
    cnf::fuzz::require(sum(fine) == electrons, "an electron is not in the fine image");
  });
  return 0;
}
