// SPDX-License-Identifier: Apache-2.0

// The worked examples of SPEC.md are what an import writes.

#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/data_type.h"
#include "cnf/formats/cryoem/chunk_statistics_internal.h"
#include "cnf/formats/cryoem/statistics.h"
#include "cnf/testing/examples.h"

namespace cnf::cryoem {
namespace {

TEST(Spec, TheExampleOfAStatisticsRowIsWhatIsWritten) {
  const std::map<std::string, Buffer> blocks =
      cnf::testing::hex_examples("cnf/formats/cryoem/SPEC.md");
  ASSERT_TRUE(blocks.contains("statistics-key"));
  EXPECT_EQ(to_hex(as_bytes(statistics_key(2, 300))), to_hex(blocks.at("statistics-key")));
  const std::vector<float> values{1, 2, std::numeric_limits<float>::quiet_NaN(), 2, 3};
  const auto columns =
      to_columns(statistics_of(DataType::float32, std::as_bytes(std::span(values))));
  EXPECT_EQ(to_hex(std::as_bytes(std::span(columns))), to_hex(blocks.at("statistics-columns")));
}

}  // namespace
}  // namespace cnf::cryoem
