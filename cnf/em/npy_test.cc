// SPDX-License-Identifier: Apache-2.0
#include "cnf/em/npy.h"

#include <complex>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/input_file.h"
#include "cnf/em/npy_writer.h"
#include "cnf/em/source.h"

namespace cnf::em {
namespace {

// As numpy.lib.format lays it out: magic, version, length, a dict, the elements.
std::string npy(std::string_view dict, std::string_view elements, char version = 1) {
  std::string file = "\x93NUMPY";
  file += version;
  file += '\0';
  file += static_cast<char>(dict.size() + 1);
  file.append(version == 1 ? 1 : 3, '\0');
  return file.append(dict).append("\n").append(elements);
}

std::unique_ptr<Source> open_text(const std::string& file, const SourceOptions& options = {}) {
  return open_npy(InputFile(Buffer::copy_of(as_bytes(file)), "x.npy"), options);
}

template <typename T>
std::vector<T> read(const Source& source, const Box& box) {
  std::vector<T> values(box.shape().elements());
  source.read(box, std::as_writable_bytes(std::span(values)), {});
  return values;
}

TEST(Npy, ReadsBothOrdersOfAxesAndBytes) {
  const std::string c = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2, 3), }",
                            "\x01\x02\x03\x04\x05\x06");
  EXPECT_EQ(read<std::uint8_t>(*open_text(c), Box::of({1, 2, 3})),
            (std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6}));
  const std::string f = npy("{'shape': (1, 2, 3), 'fortran_order': True, 'descr': \">i2\"}",
                            std::string_view("\0\x01\0\x04\0\x02\0\x05\0\x03\0\x06", 12), 2);
  const auto source = open_text(f);
  EXPECT_EQ(source->info().type, DataType::int16);
  EXPECT_EQ(read<std::int16_t>(*source, Box::of({1, 2, 3})),
            (std::vector<std::int16_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(read<std::int16_t>(*source, {{0, 1, 1}, {1, 2, 3}}), (std::vector<std::int16_t>{5, 6}));
}

TEST(Npy, ReadsBigEndianComplexNumbers) {
  const std::string_view parts("\x3f\xf8\0\0\0\0\0\0\xc0\0\0\0\0\0\0\0", 16);  // 1.5, -2
  const auto source =
      open_text(npy("{'descr': '>c16', 'fortran_order': False, 'shape': (1, 1)}", parts, 3));
  EXPECT_EQ(source->info().kind, Kind::stack);
  EXPECT_EQ(source->info().shape, (Shape{1, 1, 1}));
  EXPECT_EQ(read<std::complex<double>>(*source, Box::of({1, 1, 1})),
            (std::vector<std::complex<double>>{{1.5, -2}}));
}

TEST(Npy, ReadsWhatItsWriterSays) {
  const std::string file = npy_header(DataType::float32, {2, 1, 1, 1}) + std::string(8, '\0');
  const auto source = open_text(file);
  EXPECT_EQ(source->info().kind, Kind::volume_stack);
  EXPECT_EQ(source->info().axes, (std::vector<std::string>{"n", "z", "y", "x"}));
  EXPECT_THROW((void)open_text(file, {.kind = Kind::stack}), Error);
}

struct BadCase {
  std::string file;
  Errc code;
};

TEST(Npy, RefusesWhatItIsNot) {
  const std::vector<BadCase> cases{
      {"\x93NUMPY", Errc::corrupt_data},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 2)}", "1234"),
       Errc::corrupt_data},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4)}", ""),
       Errc::corrupt_data},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 1, 1)}", ""), Errc::corrupt_data},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1)", "1234"),
       Errc::corrupt_data},
      {npy("{'descr': '<f4', 'fortran_order': None, 'shape': (1, 1, 1)}", "1234"),
       Errc::corrupt_data},
      {npy("{'descr': '<f4', 'shape': (1, 1, 1)}", "1234"), Errc::corrupt_data},
      {npy("{'descr': '|O', 'fortran_order': False, 'shape': (1, 1, 1)}", "1234"),
       Errc::unsupported},
      {npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "1234"),
       Errc::unsupported},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", "1234"),
       Errc::invalid_argument},
      {npy("", "", 9), Errc::unsupported},
  };
  for (const BadCase& row : cases) {
    try {
      (void)open_text(row.file);
      ADD_FAILURE() << row.file;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), row.code) << error.what();
    }
  }
}

}  // namespace
}  // namespace cnf::em
