// SPDX-License-Identifier: Apache-2.0
#include "cnf/em/npy_writer.h"

#include <string>

#include <gtest/gtest.h>

#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"

namespace cnf::em {
namespace {

using namespace std::string_literals;

// Oracle: numpy.lib.format.header_data_from_array_1_0 and numpy.save; the first ten bytes are
// magic, version and the length of what follows.
TEST(NpyWriter, SaysTypeAndShape) {
  const std::string header = npy_header(DataType::int16, {3, 4, 5});
  EXPECT_EQ(header.size() % 64, 0U);
  EXPECT_EQ(header.substr(0, 10), "\x93NUMPY\x01\x00\x76\x00"s);
  EXPECT_TRUE(header.substr(10).starts_with(
      "{'descr': '<i2', 'fortran_order': False, 'shape': (3, 4, 5, ), }"));
  EXPECT_EQ(header.back(), '\n');
}

TEST(NpyWriter, NamesEveryType) {
  struct Row {
    DataType type;
    const char* name;
  };
  constexpr Row kRows[] = {{DataType::bool8, "'|b1'"},     {DataType::int8, "'|i1'"},
                           {DataType::uint8, "'|u1'"},     {DataType::uint64, "'<u8'"},
                           {DataType::float16, "'<f2'"},   {DataType::float64, "'<f8'"},
                           {DataType::complex64, "'<c8'"}, {DataType::complex128, "'<c16'"}};
  for (const Row& row : kRows) {
    EXPECT_NE(npy_header(row.type, {1}).find(row.name), std::string::npos) << row.name;
  }
}

}  // namespace
}  // namespace cnf::em
