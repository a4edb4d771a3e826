// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/em/mrc.h"
#include "cnf/em/mrc_header_internal.h"
#include "cnf/em/mrc_layout_internal.h"
#include "cnf/em/source.h"

namespace cnf::em {
namespace {

constexpr std::uint32_t kImodStamp = 1146047817;  // "IMOD"
constexpr std::uint32_t kSignedBytes = 1;         // of imodFlags
constexpr std::size_t kMaxLabels = 10;
constexpr std::size_t kLabelSize = 80;
constexpr float kMaxSignedByte = 127;

// The fields of a header, in one of the two byte orders.
class Fields {
 public:
  Fields(ByteSpan header, bool big_endian) : header_(header), big_endian_(big_endian) {}

  template <typename T>
  [[nodiscard]] T get(std::size_t offset) const {
    static_assert(sizeof(T) == 4);
    std::uint32_t word = 0;
    std::memcpy(&word, header_.data() + offset, sizeof(word));
    if (big_endian_) word = __builtin_bswap32(word);
    return std::bit_cast<T>(word);
  }
  template <typename T>
  [[nodiscard]] std::array<T, 3> three(std::size_t offset) const {
    return {get<T>(offset), get<T>(offset + 4), get<T>(offset + 8)};
  }

 private:
  ByteSpan header_;
  bool big_endian_;
};

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\0') break;
    out += c >= ' ' && c <= '~' ? c : '?';
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

bool is_sensible(const Fields& fields) {
  const auto n = fields.three<std::int32_t>(0);
  return is_mrc_mode(fields.get<std::int32_t>(12)) &&
         std::all_of(n.begin(), n.end(), [](std::int32_t count) { return count > 0; }) &&
         fields.get<std::int32_t>(92) >= 0;
}

// Bytes that header, extended header and data take; nullopt if that is beyond 2^63.
std::optional<std::uint64_t> size_told_by(const Fields& fields) {
  const auto n = fields.three<std::uint32_t>(0);
  const std::uint64_t row = mrc_row_bytes(fields.get<std::int32_t>(12), n[0]);
  std::uint64_t plane = 0;
  std::uint64_t data = 0;
  if (__builtin_mul_overflow(row, std::uint64_t{n[1]}, &plane) ||
      __builtin_mul_overflow(plane, std::uint64_t{n[2]}, &data) || data >> 62U != 0) {
    return std::nullopt;
  }
  return kMrcHeaderSize + fields.get<std::uint32_t>(92) + data;
}

bool fits(const Fields& fields, std::uint64_t file_size) {
  if (!is_sensible(fields)) return false;
  const std::optional<std::uint64_t> told = size_told_by(fields);
  return told && *told <= file_size;
}

// By MACHST (0x44 little, 0x11 big), unless only the other order makes sense: stamps are broken in
// real files (zeros in stacks of RELION and cryoDRGN).
bool is_big_endian(ByteSpan file) {
  const bool stamped_big = file[212] == std::byte{0x11};
  for (const bool big : {stamped_big, !stamped_big}) {
    if (fits(Fields(file, big), file.size())) return big;
  }
  // Neither: the message is about the one that is less wrong.
  const bool only_other_is_sensible =
      !is_sensible(Fields(file, stamped_big)) && is_sensible(Fields(file, !stamped_big));
  return stamped_big != only_other_is_sensible;
}

void read_axes(const Fields& fields, MrcHeader& header) {
  const auto map = fields.three<std::int32_t>(64);
  std::array<int, 3> seen{};
  for (const std::int32_t axis : map) {
    if (axis >= 1 && axis <= 3) ++seen[static_cast<std::size_t>(axis - 1)];
  }
  header.map_is_assumed = seen != std::array{1, 1, 1};
  if (header.map_is_assumed) return;
  for (std::size_t i = 0; i < map.size(); ++i) {
    header.map[i] = static_cast<std::uint8_t>(map[i] - 1);
  }
}

void read_labels(const Fields& fields, ByteSpan file, MrcHeader& header) {
  const std::uint32_t told = fields.get<std::uint32_t>(220);
  for (std::size_t i = 0; i < std::min<std::size_t>(told, kMaxLabels); ++i) {
    header.labels.push_back(printable(as_text(file.subspan(224 + i * kLabelSize, kLabelSize))));
  }
}

// IMOD stamps what it writes; before that (4.2.23) its bytes were unsigned, which DMAX may tell.
bool has_unsigned_bytes(const MrcHeader& header) {
  if (header.imod_flags) return (*header.imod_flags & kSignedBytes) == 0;
  return header.dmax > kMaxSignedByte;
}

[[noreturn]] void refuse(std::string_view subject, const std::string& why,
                         std::string_view remedy = {}) {
  throw Error(Errc::corrupt_data, "read", subject, why, remedy);
}

void check_sizes(const Fields& fields, std::uint64_t file_size, std::string_view subject) {
  const auto n = fields.three<std::int32_t>(0);
  const std::int32_t mode = fields.get<std::int32_t>(12);
  const std::string dims =
      std::to_string(n[0]) + " x " + std::to_string(n[1]) + " x " + std::to_string(n[2]);
  if (std::any_of(n.begin(), n.end(), [](std::int32_t count) { return count <= 0; })) {
    refuse(subject, "it is no MRC file: NX, NY, NZ are " + dims);
  }
  if (!is_mrc_mode(mode)) {
    refuse(subject, "MODE is " + std::to_string(mode) + ", which no MRC file has",
           "the modes are 0, 1, 2, 3, 4, 6, 12, 16 and 101");
  }
  const auto nsymbt = fields.get<std::int32_t>(92);
  if (nsymbt < 0 || kMrcHeaderSize + static_cast<std::uint64_t>(nsymbt) > file_size) {
    refuse(subject, "its extended header (NSYMBT " + std::to_string(nsymbt) +
                        ") would end behind the file, which has " + std::to_string(file_size) +
                        " bytes");
  }
  const std::optional<std::uint64_t> told = size_told_by(fields);
  if (told && *told <= file_size) return;
  refuse(subject,
         "its header tells of " + dims + " values of mode " + std::to_string(mode) +
             (told ? ", which take " + std::to_string(*told) + " bytes" : "") +
             ", but the file has " + std::to_string(file_size) + " bytes",
         "it may be cut off: fetch or copy it again");
}

}  // namespace

bool MrcHeader::statistics_known() const noexcept {
  return std::isfinite(dmin) && std::isfinite(dmax) && std::isfinite(dmean) && dmin <= dmax &&
         dmean >= dmin && dmean <= dmax;
}

bool looks_like_mrc(ByteSpan file) noexcept {
  if (file.size() < kMrcHeaderSize) return false;
  if (as_text(file.subspan(208, 4)) == "MAP ") return true;
  return fits(Fields(file, false), file.size()) || fits(Fields(file, true), file.size());
}

MrcHeader read_mrc_fields(ByteSpan file, bool big_endian) {
  MrcHeader header;
  header.big_endian = big_endian;
  const Fields fields(file, big_endian);
  header.n = fields.three<std::uint32_t>(0);
  header.mode = fields.get<std::int32_t>(12);
  header.nstart = fields.three<std::int32_t>(16);
  header.m = fields.three<std::int32_t>(28);
  header.cella = fields.three<float>(40);
  header.cellb = fields.three<float>(52);
  read_axes(fields, header);
  header.dmin = fields.get<float>(76);
  header.dmax = fields.get<float>(80);
  header.dmean = fields.get<float>(84);
  header.ispg = fields.get<std::int32_t>(88);
  header.nsymbt = fields.get<std::uint32_t>(92);
  header.exttyp = printable(as_text(file.subspan(104, 4)));
  header.nversion = fields.get<std::int32_t>(108);
  if (fields.get<std::uint32_t>(152) == kImodStamp) {
    header.imod_flags = fields.get<std::uint32_t>(156);
  }
  header.origin = fields.three<float>(196);
  std::memcpy(header.machst.data(), file.data() + 212, header.machst.size());
  header.rms = fields.get<float>(216);
  read_labels(fields, file, header);
  header.is_unsigned = header.mode == 0 && has_unsigned_bytes(header);
  return header;
}

MrcHeader parse_mrc_header(ByteSpan file, std::string_view subject) {
  if (file.size() < kMrcHeaderSize) {
    refuse(subject, "it has " + std::to_string(file.size()) +
                        " bytes, and an MRC file begins with a header of 1024");
  }
  const bool big_endian = is_big_endian(file);
  check_sizes(Fields(file, big_endian), file.size(), subject);
  return read_mrc_fields(file, big_endian);
}

Buffer write_mrc_fields(const MrcHeader& header) {
  Buffer bytes(kMrcHeaderSize);
  std::memset(bytes.data(), 0, bytes.size());
  const auto put = [&bytes](std::size_t offset, auto value) {
    static_assert(sizeof(value) == 4);
    std::memcpy(bytes.data() + offset, &value, sizeof(value));
  };
  const auto put_three = [&put](std::size_t offset, const auto& values) {
    for (std::size_t i = 0; i < 3; ++i) put(offset + 4 * i, values[i]);
  };
  const auto put_text = [&bytes](std::size_t offset, std::string_view text, std::size_t room) {
    std::memcpy(bytes.data() + offset, text.data(), std::min(text.size(), room));
  };
  put_three(0, header.n);
  put(12, header.mode);
  put_three(16, header.nstart);
  put_three(28, header.m);
  put_three(40, header.cella);
  put_three(52, header.cellb);
  for (std::size_t i = 0; i < 3; ++i) put(64 + 4 * i, std::int32_t{header.map[i]} + 1);
  put(76, header.dmin);
  put(80, header.dmax);
  put(84, header.dmean);
  put(88, header.ispg);
  put(108, std::int32_t{20141});
  if (header.imod_flags) {
    put(152, kImodStamp);
    put(156, *header.imod_flags);
  }
  put_three(196, header.origin);
  put_text(208, "MAP DD", 6);  // MACHST of little-endian is 44 44
  put(216, header.rms);
  const std::size_t labels = std::min(header.labels.size(), kMaxLabels);
  put(220, static_cast<std::int32_t>(labels));
  for (std::size_t i = 0; i < labels; ++i) {
    std::string label = printable(header.labels[i]);
    label.resize(kLabelSize, ' ');
    put_text(224 + i * kLabelSize, label, kLabelSize);
  }
  return bytes;
}

Kind mrc_kind(const MrcHeader& header, std::string_view plain_name) noexcept {
  if (plain_name.ends_with(".st")) return Kind::tilt_series;
  if (plain_name.ends_with(".mrcs")) return Kind::stack;
  constexpr std::int32_t kFirstVolumeStack = 401;
  constexpr std::int32_t kLastVolumeStack = 630;
  if (header.ispg >= kFirstVolumeStack && header.ispg <= kLastVolumeStack &&
      has_whole_volumes(header)) {
    return Kind::volume_stack;
  }
  if (header.ispg != 0) return Kind::volume;
  // Tomograms of IMOD and old maps have ISPG 0; MZ = NZ says that sections are of one thing.
  if (plain_name.ends_with(".rec") || plain_name.ends_with(".map")) return Kind::volume;
  if (header.n[2] > 1 && header.m[2] > 1 &&
      static_cast<std::uint32_t>(header.m[2]) == header.n[2] && header.cella[2] > 0) {
    return Kind::volume;
  }
  return Kind::stack;
}

}  // namespace cnf::em
