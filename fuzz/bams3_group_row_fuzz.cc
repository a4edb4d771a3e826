// SPDX-License-Identifier: Apache-2.0
// A row of the group index: the columns as varints.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz/harness.h"

#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/group_row.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace bams3 = cnf::bams3;
  cnf::fuzz::returns({cnf::Errc::corrupt_data}, [&] {
    cnf::ByteReader in(cnf::fuzz::bytes_of(data, size), "input");
    std::vector<std::uint64_t> columns;
    while (!in.at_end()) columns.push_back(in.get_varint());
    const bams3::GroupRow row = bams3::GroupRow::from({0, 0, 1}, columns, "input");
    cnf::fuzz::require(row.columns() == columns, "the columns changed");
    cnf::fuzz::require(bams3::GroupRow::total_flagstat(columns) == row.flagstat,
                       "flagstat and its sum differ");
    (void)row.body_length();
  });
  return 0;
}
