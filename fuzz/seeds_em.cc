// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/seeds.h"

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/mrc_testing_internal.h"
#include "cnf/em/npy_writer.h"

namespace cnf::fuzz {
namespace {

using em::MrcBytes;

void write_mrc(const SeedWriter& seeds, std::string_view name, std::uint8_t kind,
               const MrcBytes& file) {
  std::string seed(1, static_cast<char>(kind));
  seed += as_text(file.bytes());
  seeds.write("mrc", name, seed);
}

void write_mrc_modes(const SeedWriter& seeds) {
  const std::vector<std::pair<std::int32_t, std::size_t>> modes{
      {0, 27}, {1, 54}, {2, 108}, {3, 108}, {4, 216}, {6, 54}, {12, 54}, {16, 81}, {101, 18}};
  for (const auto& [mode, bytes] : modes) {
    for (const auto order : {MrcBytes::Order::little, MrcBytes::Order::big}) {
      MrcBytes file(3, 3, 3, mode, order);
      file.set(64, 3).set(68, 1).set(72, 2);
      file.append(std::string(bytes, '\x5a'));
      write_mrc(seeds,
                "mode_" + std::to_string(mode) +
                    (order == MrcBytes::Order::big ? "_big_endian" : "_little_endian"),
                0, file);
    }
  }
}

void write_mrc_extended(const SeedWriter& seeds) {
  MrcBytes fei(1, 1, 2, 0);
  fei.set(88, 0).set(36, 1).set(92, 2 * 768).text(104, "FEI1");
  fei.append(std::string(2 * 768 + 2, '\0')).set(1024, 768).set(1024 + 768 + 100, 3.0);
  write_mrc(seeds, "fei1", 0, fei);
  MrcBytes serial(1, 1, 2, 0);
  serial.set(88, 0).set(36, 1).set(92, 40).text(104, "SERI");
  serial.set(128, std::int16_t{20}).set(130, std::int16_t{63}).append(std::string(42, '\x01'));
  write_mrc(seeds, "serial_em", 0, serial);
  MrcBytes agard(1, 1, 2, 0);
  agard.set(88, 0).set(36, 1).set(92, 256).text(104, "AGAR");
  agard.set(130, std::int16_t{32}).append(std::string(258, '\x3f'));
  write_mrc(seeds, "agard", 0, agard);
  MrcBytes symmetry(1, 1, 1, 0);
  symmetry.set(92, 80).append("X,  Y,  Z").append(std::string(72, ' '));
  write_mrc(seeds, "symmetry_and_labels", 0, symmetry.set(220, 1).text(224, "a label"));
  MrcBytes volumes(1, 1, 6, 0);
  volumes.set(88, 401).set(36, 2).append("abcdef").append("behind the data");
  write_mrc(seeds, "volumes_and_tail", 5, volumes);
}

}  // namespace

void write_em_seeds(const SeedWriter& seeds) {
  write_mrc_modes(seeds);
  write_mrc_extended(seeds);
  seeds.write("npy", "c_order", em::npy_header(DataType::int16, {2, 1, 3}) + std::string(12, 'x'));
  seeds.write("npy", "complex",
              em::npy_header(DataType::complex128, {1, 2, 1, 1}) + std::string(32, 'x'));
  const std::string_view dict = "{'descr': '>f4', 'fortran_order': True, 'shape': (2, 3), }\n";
  std::string second("\x93NUMPY\x02\x00", 8);
  second += static_cast<char>(dict.size());
  second.append(3, '\0').append(dict).append(24, 'x');
  seeds.write("npy", "fortran_order_version_2", second);
}

}  // namespace cnf::fuzz
