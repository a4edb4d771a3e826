// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/em/input_file.h"
#include "cnf/em/source.h"

namespace cnf::em {

/// Bytes of the main header; the extended header follows it, and then the data.
inline constexpr std::size_t kMrcHeaderSize = 1024;

/// The main header of an MRC2014 or CCP4 file, in this machine's byte order.
/// Source: Cheng et al. 2015, J Struct Biol 192:146; IMOD's mrc_format.txt for modes 16 and 101,
/// imodStamp and imodFlags. Names are the specification's.
struct MrcHeader {
  bool big_endian = false;           ///< The file's byte order, by MACHST, or by what makes sense.
  std::array<std::uint32_t, 3> n{};  ///< NX, NY, NZ: columns, rows, sections.
  std::int32_t mode = 2;             ///< MODE
  bool is_unsigned = false;          ///< Bytes of mode 0 are unsigned: IMOD's.
  std::array<std::int32_t, 3> nstart{};      ///< NXSTART…: of columns, rows, sections.
  std::array<std::int32_t, 3> m{};           ///< MX, MY, MZ: intervals along x, y, z.
  std::array<float, 3> cella{};              ///< Å along x, y, z.
  std::array<float, 3> cellb{};              ///< Degrees.
  std::array<std::uint8_t, 3> map{0, 1, 2};  ///< MAPC, MAPR, MAPS less 1: 0 is x, 2 is z.
  bool map_is_assumed = false;               ///< The file's are no permutation of 1, 2, 3.
  float dmin = 0, dmax = 0, dmean = 0;       ///< DMIN, DMAX, DMEAN; see statistics_known
  std::int32_t ispg = 0;                     ///< ISPG
  std::uint32_t nsymbt = 0;                  ///< Bytes of the extended header.
  std::string exttyp;                       ///< "FEI1", "CCP4", …; without what is not printable.
  std::int32_t nversion = 0;                ///< NVERSION: 20140, 20141.
  std::array<float, 3> origin{};            ///< ORIGIN: Å along x, y, z.
  std::array<std::uint8_t, 4> machst{};     ///< MACHST
  float rms = -1;                           ///< RMS; below 0 where it is not known.
  std::vector<std::string> labels;          ///< Those in use, without spaces at their end.
  std::optional<std::uint32_t> imod_flags;  ///< If imodStamp is there.

  /// A negative RMS, DMAX below DMIN or DMEAN below both says that it was not computed.
  [[nodiscard]] bool statistics_known() const noexcept;
  [[nodiscard]] std::uint64_t data_offset() const noexcept { return kMrcHeaderSize + nsymbt; }
};

/// Whether the bytes begin as an MRC file does: "MAP " at 208, or, for what is older than that, a
/// known mode, and dimensions that the file has bytes for, in either byte order.
[[nodiscard]] bool looks_like_mrc(ByteSpan file) noexcept;

/// Throws Error corrupt_data: no MRC file, an unknown mode, impossible dimensions, an extended
/// header or data that would end behind the file.
[[nodiscard]] MrcHeader parse_mrc_header(ByteSpan file, std::string_view subject);

/// What the slowest axis means, by ISPG (0, 1, 401 to 630), MZ and the ending of the name (`.mrcs`
/// is a stack and `.st` a tilt series whatever ISPG says; `.rec` and `.map` are volumes).
[[nodiscard]] Kind mrc_kind(const MrcHeader& header, std::string_view plain_name) noexcept;

/// Opens a file of any mode (0, 1, 2, 3, 4, 6, 12, 16, 101) and byte order. Axes are in the order
/// z, y, x by MAPC, MAPR, MAPS. Its attachments are "mrc-header" (main and extended header),
/// "mrc-tail" (what lies behind the data) and "mrc-pad" (of mode 101: the unused half byte at the
/// end of each row, where one is not zero).
/// Throws Error corrupt_data, invalid_argument (`options.kind` does not suit the file).
[[nodiscard]] std::unique_ptr<Source> open_mrc(InputFile file, const SourceOptions& options = {});

}  // namespace cnf::em
