// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"
#include "cnf/em/particles.h"
#include "cnf/formats/cryoem/points_coding_internal.h"

namespace cnf::cryoem {
namespace {

constexpr std::uint8_t kVersion = 1;

}  // namespace

Buffer encode_points(std::span<const em::Particle* const> rows) {
  Buffer raw;
  ByteWriter lines(raw);
  lines.put_varint(rows.size());
  for (const em::Particle* row : rows) {
    lines.put_string(row->tomogram);
    lines.put_string(row->line);
  }
  Buffer stored;
  ByteWriter(stored).put_varint(raw.size());
  compress::make_codec({.algorithm = "zstd", .level = 3})->compress(raw, stored);
  return stored;
}

std::vector<PointLine> decode_points(ByteSpan stored, std::string_view subject) {
  ByteReader front(stored, subject);
  const std::uint64_t size = front.get_varint();
  if (size > kMaxPointBlock) front.fail(fmt::format("a block of {} bytes", size));
  Buffer raw(size);
  compress::decompress(compress::CodecId::zstd, front.get_bytes(front.remaining()), raw.span(),
                       subject);
  const std::string place = fmt::format("{}, block", subject);  // offsets from here are in it
  ByteReader in(raw, place);
  std::vector<PointLine> rows(in.get_count(2));
  for (PointLine& row : rows) {
    row.tomogram = in.get_string();
    row.line = in.get_string();
  }
  if (!in.at_end()) in.fail("bytes behind the last row");
  return rows;
}

Buffer encode_points_header(const em::Particles& particles) {
  Buffer stored;
  ByteWriter out(stored);
  out.put(kVersion);
  out.put(static_cast<std::uint8_t>(particles.format));
  out.put(particles.pixels_per_voxel);
  out.put_string(particles.block);
  out.put_varint(particles.columns.size());
  for (const std::string& column : particles.columns) out.put_string(column);
  out.put_string(particles.preamble);
  out.put_string(particles.postamble);
  return stored;
}

em::Particles decode_points_header(ByteSpan stored, std::string_view subject) {
  ByteReader in(stored, subject);
  const auto version = in.get<std::uint8_t>();
  if (version != kVersion) {
    throw Error(
        Errc::unsupported, "read points", subject,
        fmt::format("they are of version {}, and {} is the only one known", version, kVersion),
        "use a newer version of cnf");
  }
  const auto format = in.get<std::uint8_t>();
  if (format > static_cast<std::uint8_t>(em::Particles::Format::ndjson)) {
    in.fail("points of an unknown format");
  }
  em::Particles particles;
  particles.format = static_cast<em::Particles::Format>(format);
  particles.pixels_per_voxel = in.get<double>();
  if (!std::isfinite(particles.pixels_per_voxel) || particles.pixels_per_voxel <= 0) {
    in.fail("pixels of no size");
  }
  particles.block = in.get_string();
  particles.columns.resize(in.get_count());
  for (std::string& column : particles.columns) column = in.get_string();
  particles.preamble = in.get_string();
  particles.postamble = in.get_string();
  if (!in.at_end()) in.fail("bytes behind the header");
  return particles;
}

}  // namespace cnf::cryoem
