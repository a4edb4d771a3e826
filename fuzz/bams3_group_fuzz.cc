// SPDX-License-Identifier: Apache-2.0
// Row groups as they are stored: the parts are A and the four sections of B. bams3_streams_fuzz.cc
// reaches what lies behind the checksums.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz/bams3_records.h"
#include "fuzz/harness.h"

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/group.h"
#include "cnf/formats/bams3/streams.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cnf::Errc;
  std::vector<cnf::ByteSpan> parts = cnf::fuzz::split_parts(cnf::fuzz::bytes_of(data, size));
  if (parts.size() != cnf::bams3::kSections) return 0;
  cnf::bams3::SectionBytes sections{};
  for (std::size_t i = 1; i < parts.size(); ++i) sections[i] = parts[i];
  cnf::fuzz::returns({Errc::corrupt_data, Errc::unsupported}, [&] {
    cnf::bams3::GroupDecoder group(parts[0], sections, "input");
    cnf::fuzz::read_group(group);
  });
  return 0;
}
