// SPDX-License-Identifier: Apache-2.0
// Columns of integers: the first byte says how many; what is read must come back when written.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz/harness.h"

#include "cnf/core/compress/integers.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"

namespace {

template <typename T, typename Get, typename Put>
void check(cnf::ByteSpan bytes, std::size_t count, const Get& get, const Put& put) {
  std::vector<T> values(count);
  const bool read = cnf::fuzz::returns({cnf::Errc::corrupt_data}, [&] {
    cnf::ByteReader in(bytes, "input");
    get(in, values);
  });
  if (!read) return;
  cnf::Buffer written;
  cnf::ByteWriter out(written);
  put(values, out);
  cnf::ByteReader in(written, "written");
  std::vector<T> again(count);
  get(in, again);
  cnf::fuzz::require(again == values && in.at_end(), "values changed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace compress = cnf::compress;
  if (size == 0) return 0;
  const std::size_t count = data[0];
  const cnf::ByteSpan bytes = cnf::fuzz::bytes_of(data, size).subspan(1);
  check<std::uint64_t>(
      bytes, count, [](auto& in, auto& values) { compress::get_varints(in, values); },
      [](auto& values, auto& out) { compress::put_varints(values, out); });
  check<std::int64_t>(
      bytes, count, [](auto& in, auto& values) { compress::get_deltas(in, values); },
      [](auto& values, auto& out) { compress::put_deltas(values, out); });
  check<std::uint64_t>(
      bytes, count, [](auto& in, auto& values) { compress::get_column(in, values); },
      [](auto& values, auto& out) { compress::put_column(values, out); });
  return 0;
}
