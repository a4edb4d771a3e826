// SPDX-License-Identifier: Apache-2.0
// Reads boxes of a Zarr array into memory that was touched before, and says what each cost: what
// volumes.py measures beside its peers, which do the same (volumes_peer.py).
//
// read_volume URI THREADS, then a line "z y x depth height width" on standard input per box.
#include <chrono>
#include <cstdint>
#include <cstring>
#include <exception>
#include <iostream>
#include <string>

#include <fmt/format.h>
#include <sys/resource.h>

#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/array.h"

namespace {

// User and system time of this process, in seconds.
double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Answers are compared by it. The benchmark's voxels are int16.
std::int64_t sum_of(cnf::ByteSpan voxels) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i + 1 < voxels.size(); i += 2) {
    std::int16_t value = 0;
    std::memcpy(&value, voxels.data() + i, sizeof value);
    sum += value;
  }
  return sum;
}

void serve(const std::string& uri, std::size_t threads) {
  const auto array = cnf::zarr::Array::open(cnf::storage::from_uri(uri), "");
  const std::size_t element = cnf::size_of(array.metadata().type);
  cnf::Buffer memory;
  for (cnf::Shape at{0, 0, 0}, shape = at;
       std::cin >> at[0] >> at[1] >> at[2] >> shape[0] >> shape[1] >> shape[2];) {
    cnf::Box box{at, at};
    for (std::size_t axis = 0; axis < 3; ++axis) box.end[axis] += shape[axis];
    const std::size_t bytes = shape.elements() * element;
    if (memory.size() < bytes) {
      memory.resize(bytes);
      std::memset(memory.data(), 1, bytes);
    }
    const cnf::MutableByteSpan into = memory.span().first(bytes);
    const double cpu = cpu_seconds();
    const auto start = std::chrono::steady_clock::now();
    array.read(box, into, {.threads = threads});
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    const double used = cpu_seconds() - cpu;
    std::cout << fmt::format(R"({{"cpu": {:.6f}, "wall": {:.6f}, "sum": {}}})", used, wall.count(),
                             sum_of(into))
              << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 3) {
      std::cerr << "usage: read_volume URI THREADS\n";
      return 2;
    }
    serve(argv[1], std::stoul(argv[2]));
  } catch (const std::exception& error) {
    std::cerr << "read_volume: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
