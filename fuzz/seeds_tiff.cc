// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "fuzz/seeds.h"

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/data_type.h"
#include "cnf/em/tiff_directory_internal.h"
#include "cnf/em/tiff_writer.h"

namespace cnf::fuzz {
namespace {

void write_tiff(const SeedWriter& seeds, std::string_view name, DataType type,
                em::TiffOptions::Packing packing) {
  const Shape shape{2, 5, 7};
  Buffer file;
  em::TiffWriter writer([&](ByteSpan bytes) { file.append(bytes); }, type, shape,
                        {.packing = packing, .voxel = {2, 1.5, 1.5}, .volume = true});
  Buffer values(shape.elements() * size_of(type));
  for (std::size_t i = 0; i != values.size(); ++i) values.data()[i] = static_cast<std::byte>(i);
  writer.write(values);
  writer.finish();
  seeds.write("tiff", name, file);
}

/// A frame of 16 × 8 pixels: runs of 7 bits with two electrons, and the run to the end.
constexpr std::array kCodes = {std::byte{0x05}, std::byte{0xF3}, std::byte{0xE4}, std::byte{0x16}};

void write_eer(const SeedWriter& seeds, std::uint16_t compression) {
  Buffer file = em::tiff_header(true);
  for (int frame = 0; frame != 3; ++frame) {
    const auto directory = [&](std::uint64_t data) {
      em::TiffDirectory fields(true);
      fields.add(256, std::uint32_t{16});
      fields.add(257, std::uint32_t{8});
      fields.add(259, compression);
      fields.add_offsets(273, {data});
      fields.add(278, std::uint32_t{8});
      fields.add_offsets(279, {kCodes.size()});
      fields.add(65001, std::string_view("<metadata><item name='a' unit='s'>1</item></metadata>"));
      fields.add(65007, std::uint16_t{7});
      return fields;
    };
    const std::uint64_t data = file.size() + directory(0).size();
    file.append(directory(data).bytes(file.size(), frame == 2 ? 0 : data + 8));
    file.append(kCodes);
    em::pad(file, data + 8);
  }
  seeds.write("tiff", compression == 65002 ? "eer_told" : "eer", file);
}

}  // namespace

void write_tiff_seeds(const SeedWriter& seeds) {
  write_tiff(seeds, "plain", DataType::float32, em::TiffOptions::Packing::none);
  write_tiff(seeds, "deflate", DataType::int16, em::TiffOptions::Packing::deflate);
  write_eer(seeds, 65001);
  write_eer(seeds, 65002);
  // Runs of 7 bits, places of 2 + 2, and of 8 with a place after the longest.
  for (const std::uint8_t code : {std::uint8_t{6}, std::uint8_t{12 * 11 + 7}}) {
    Buffer input;
    ByteWriter writer(input);
    for (const std::uint8_t byte : {code, std::uint8_t{20}, std::uint8_t{15}, std::uint8_t{7}}) {
      writer.put(byte);
    }
    writer.put_bytes(kCodes);
    seeds.write("eer", code < 128 ? "fixed" : "prototype", input);
  }
  seeds.write("mdoc", "series",
              "PixelSpacing = 5.4\n\n[T = SerialEM: a = b]\n\n[ZValue = 0]\nTiltAngle = -3\n"
              "[ZValue = 1]\nTiltAngle = 3.5\nSubFramePath = D:\\a b.mrc\r\n");
  seeds.write("mdoc", "tilts", "-60\n+3.5 \r\n\n60.00\n");
}

}  // namespace cnf::fuzz
