// SPDX-License-Identifier: Apache-2.0
// Manifests: read or refused; what is read can be written, and read again as the same.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "cnf/core/metadata/metadata.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cnf::metadata::parse_metadata;
  using cnf::metadata::to_json;
  try {
    const auto metadata = parse_metadata(std::as_bytes(std::span(data, size)), "input");
    const std::string written = to_json(metadata);
    if (to_json(parse_metadata(cnf::as_bytes(written), "input")) != written) std::abort();
  } catch (const cnf::Error& error) {
    if (error.code() != cnf::Errc::corrupt_data) std::abort();
  }
  return 0;
}
