// SPDX-License-Identifier: Apache-2.0
// Metadata of SerialEM and lists of tilts: any text is either read or refused, naming a line.

#include <cstddef>
#include <cstdint>

#include "fuzz/harness.h"

#include "cnf/core/util/error.h"
#include "cnf/em/mdoc.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cnf::Errc;
  const cnf::ByteSpan text = cnf::fuzz::bytes_of(data, size);
  cnf::fuzz::returns({Errc::corrupt_data}, [&] {
    const cnf::em::Mdoc mdoc = cnf::em::parse_mdoc(text, "input");
    for (std::size_t images = 0; images <= mdoc.sections.size() + 1; ++images) {
      const auto found = mdoc.of_images(images);
      cnf::fuzz::require(found.empty() || found.size() == images, "another number of images");
      for (const auto* section : found) static_cast<void>(section->entries.number("TiltAngle"));
      if (images > 64) break;
    }
  });
  cnf::fuzz::returns({Errc::corrupt_data},
                     [&] { static_cast<void>(cnf::em::parse_tilts(text, "input")); });
  return 0;
}
