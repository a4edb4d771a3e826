// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"
#include "cnf/em/mrc.h"
#include "cnf/em/mrc_extended_internal.h"

namespace cnf::em {
namespace {

using nlohmann::json;

constexpr double kAngstromsPerMetre = 1e10;

// Bytes in one of the two orders. Whoever asks stays within them.
class Bytes {
 public:
  Bytes(ByteSpan bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] std::int16_t i16(std::size_t at) const {
    const auto word = load<std::uint16_t>(at);
    return std::bit_cast<std::int16_t>(big_endian_ ? __builtin_bswap16(word) : word);
  }
  [[nodiscard]] std::int32_t i32(std::size_t at) const {
    const auto word = load<std::uint32_t>(at);
    return std::bit_cast<std::int32_t>(big_endian_ ? __builtin_bswap32(word) : word);
  }
  [[nodiscard]] float f32(std::size_t at) const { return std::bit_cast<float>(i32(at)); }
  [[nodiscard]] double f64(std::size_t at) const {
    const auto word = load<std::uint64_t>(at);
    return std::bit_cast<double>(big_endian_ ? __builtin_bswap64(word) : word);
  }
  /// Up to the first zero; nothing if that is no plain text.
  [[nodiscard]] std::string text(std::size_t at, std::size_t size) const {
    std::string_view text = as_text(bytes_.subspan(at, size));
    text = text.substr(0, text.find('\0'));
    while (text.ends_with(' ')) text.remove_suffix(1);
    const bool plain =
        std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
    return plain ? std::string(text) : std::string();
  }

 private:
  template <typename T>
  [[nodiscard]] T load(std::size_t at) const {
    T word = 0;
    std::memcpy(&word, bytes_.data() + at, sizeof(T));
    return word;
  }
  ByteSpan bytes_;
  bool big_endian_;
};

// FEI1 and FEI2 (EPU's manual): a block an image, all that a version adds at the end. The header is
// sized for 1024 images of which only NZ are filled, so blocks are stepped by their own size.
constexpr std::uint32_t kFei1 = 768;
constexpr std::uint32_t kFei2 = 888;
constexpr std::size_t kFeiAlphaTilt = 100;
constexpr std::size_t kFeiPixelX = 156;  // metres

enum class FeiType : std::uint8_t { text16, i32, f64 };
struct FeiField {
  std::string_view name;
  std::size_t offset = 0;
  FeiType type = FeiType::f64;
};
// What people ask for; all of it stays in the attachment. Units are FEI's: V, e/m², degrees, m, s.
constexpr std::array<FeiField, 25> kFeiFields{{
    {"timestamp_days", 12},
    {"microscope", 20, FeiType::text16},
    {"d_number", 36, FeiType::text16},
    {"application", 52, FeiType::text16},
    {"application_version", 68, FeiType::text16},
    {"high_tension_v", 84},
    {"dose_e_per_m2", 92},
    {"alpha_tilt_deg", kFeiAlphaTilt},
    {"beta_tilt_deg", 108},
    {"x_stage_m", 116},
    {"y_stage_m", 124},
    {"z_stage_m", 132},
    {"tilt_axis_angle_deg", 140},
    {"dual_axis_rotation_deg", 148},
    {"pixel_size_x_m", kFeiPixelX},
    {"pixel_size_y_m", 164},
    {"defocus_m", 220},
    {"stem_defocus_m", 228},
    {"applied_defocus_m", 236},
    {"magnification", 289},
    {"spot_index", 309, FeiType::i32},
    {"slit_width_ev", 355},
    {"integration_time_s", 419},
    {"camera", 435, FeiType::text16},
    {"energy_shift_ev", 379},
}};

json fei_fields(const Bytes& bytes) {
  json fields = json::object();
  for (const FeiField& field : kFeiFields) {
    const std::string name(field.name);
    if (field.type == FeiType::text16) {
      const std::string text = bytes.text(field.offset, 16);
      if (!text.empty()) fields[name] = text;
    } else if (field.type == FeiType::i32) {
      if (bytes.i32(field.offset) != 0) fields[name] = bytes.i32(field.offset);
    } else {
      // What the microscope did not fill in is zero.
      const double value = bytes.f64(field.offset);
      if (std::isfinite(value) && value != 0) fields[name] = value;
    }
  }
  return fields;
}

void parse_fei(const MrcHeader& header, ByteSpan extended, MrcExtended& out) {
  // The order is not the main header's: the block's own size tells it.
  const auto big_endian_of = [&](std::uint32_t size) {
    return std::bit_cast<std::uint32_t>(Bytes(extended, true).i32(0)) == size;
  };
  const bool big_endian = big_endian_of(kFei1) || big_endian_of(kFei2);
  const Bytes bytes(extended, big_endian);
  const auto step = std::bit_cast<std::uint32_t>(bytes.i32(0));
  if (step < kFei1 || step > extended.size()) return;
  out.fields = fei_fields(bytes);
  out.fields["metadata_size"] = step;
  out.fields["metadata_version"] = bytes.i32(4);
  const double pixel = bytes.f64(kFeiPixelX) * kAngstromsPerMetre;
  if (std::isfinite(pixel) && pixel > 0) out.pixel = pixel;
  if (extended.size() / step < header.n[2]) return;
  for (std::size_t image = 0; image < header.n[2]; ++image) {
    out.tilts.push_back(bytes.f64(image * step + kFeiAlphaTilt));
  }
}

// SerialEM: items of one section one behind another, in the order of the flags' bits.
struct SerialItem {
  std::string_view name;
  std::int16_t flag = 0;
  std::size_t words = 0;  // of 16 bits
};
constexpr std::array<SerialItem, 6> kSerialItems{{{"tilt_angle_deg", 1, 1},
                                                  {"piece", 2, 3},
                                                  {"stage_um", 4, 2},
                                                  {"magnification", 8, 1},
                                                  {"intensity", 16, 1},
                                                  {"dose_e_per_A2", 32, 2}}};
constexpr std::int16_t kSerialKnown = 63;

// A number in two shorts, as SerialEM keeps it (IMOD's mrc_format.txt).
double two_shorts(std::int16_t s1, std::int16_t s2) {
  const double mantissa = std::abs(static_cast<double>(s1)) * 256 + std::abs(s2) % 256;
  const int exponent = (s2 < 0 ? -1 : 1) * (std::abs(static_cast<int>(s2)) / 256);
  return (s1 < 0 ? -1 : 1) * std::ldexp(mantissa, exponent);
}

json serial_item(const SerialItem& item, const Bytes& bytes, std::size_t at) {
  switch (item.flag) {
    case 1:
      return bytes.i16(at) / 100.0;
    case 2:
      return {bytes.i16(at), bytes.i16(at + 2), bytes.i16(at + 4)};
    case 4:
      return {bytes.i16(at) / 25.0, bytes.i16(at + 2) / 25.0};
    case 8:
      return bytes.i16(at) * 100;
    case 16:
      return bytes.i16(at) / 25000.0;
    default:
      return two_shorts(bytes.i16(at), bytes.i16(at + 2));
  }
}

std::size_t serial_bytes(std::int16_t flags) {
  std::size_t words = 0;
  for (const SerialItem& item : kSerialItems) {
    if ((flags & item.flag) != 0) words += item.words;
  }
  return 2 * words;
}

void parse_serial(const MrcHeader& header, const Bytes& bytes, std::size_t step, std::int16_t flags,
                  MrcExtended& out) {
  std::size_t at = 0;
  for (const SerialItem& item : kSerialItems) {
    if ((flags & item.flag) == 0) continue;
    out.fields[std::string(item.name)] = serial_item(item, bytes, at);
    at += 2 * item.words;
  }
  if ((flags & kSerialItems[0].flag) == 0) return;
  for (std::size_t section = 0; section < header.n[2]; ++section) {
    out.tilts.push_back(bytes.i16(section * step) / 100.0);
  }
}

// Agard's: integers, then reals of each section; as FEI wrote it before FEI1, 32 reals for each of
// 1024 sections.
void parse_agard(const MrcHeader& header, const Bytes& bytes, std::size_t integers,
                 std::size_t reals, MrcExtended& out) {
  constexpr std::array<std::string_view, 14> kNames{
      "alpha_tilt_deg", "beta_tilt_deg", "x_stage_m",     "y_stage_m",     "z_stage_m",
      "x_shift_m",      "y_shift_m",     "defocus_m",     "exposure_s",    "mean_intensity",
      "tilt_axis_deg",  "pixel_size_m",  "magnification", "high_tension_v"};
  constexpr std::size_t kFeiReals = 32;
  constexpr std::size_t kPixel = 11;
  const std::size_t step = 4 * (integers + reals);
  const std::size_t first = 4 * integers;
  const std::size_t named = reals == kFeiReals ? kNames.size() : 1;
  for (std::size_t i = 0; i < named; ++i) {
    const float value = bytes.f32(first + 4 * i);
    if (std::isfinite(value) && value != 0) out.fields[std::string(kNames[i])] = value;
  }
  if (reals == kFeiReals) {
    const double pixel = bytes.f32(first + 4 * kPixel) * kAngstromsPerMetre;
    constexpr double kMaxPixel = 1000;  // Å; more is not a pixel size in metres
    if (std::isfinite(pixel) && pixel > 0 && pixel < kMaxPixel) out.pixel = pixel;
  }
  for (std::size_t section = 0; section < header.n[2]; ++section) {
    out.tilts.push_back(bytes.f32(section * step + first));
  }
}

void parse_symmetry(const Bytes& bytes, MrcExtended& out) {
  constexpr std::size_t kRecord = 80;
  json records = json::array();
  for (std::size_t at = 0; at + kRecord <= bytes.size(); at += kRecord) {
    const std::string text = bytes.text(at, kRecord);
    if (!text.empty()) records.push_back(text);
  }
  if (!records.empty()) out.fields["symmetry"] = records;
}

}  // namespace

MrcExtended parse_mrc_extended(const MrcHeader& header, ByteSpan file) {
  MrcExtended out;
  const ByteSpan extended = file.subspan(kMrcHeaderSize, header.nsymbt);
  const Bytes bytes(extended, header.big_endian);
  const Bytes main(file.first(kMrcHeaderSize), header.big_endian);
  // What the first two of these mean depends on the type.
  const std::int16_t nint = main.i16(128);
  const std::int16_t nreal = main.i16(130);
  const bool none = header.exttyp.empty() || header.exttyp == "MRCO";
  const auto sections = std::uint64_t{header.n[2]};
  const bool is_serial = header.exttyp == "SERI" || (none && nreal > 0 && nreal <= kSerialKnown &&
                                                     std::size_t(nint) == serial_bytes(nreal));
  if (extended.empty()) return out;
  if (header.exttyp == "FEI1" || header.exttyp == "FEI2") {
    if (extended.size() >= kFei1) parse_fei(header, extended, out);
  } else if (header.exttyp == "CCP4" || (none && extended.size() % 80 == 0 && header.ispg >= 1)) {
    parse_symmetry(bytes, out);
  } else if (is_serial) {
    const bool fits = nint > 0 && nreal > 0 && std::size_t(nint) >= serial_bytes(nreal) &&
                      sections * std::uint64_t(nint) <= extended.size();
    if (fits) parse_serial(header, bytes, std::size_t(nint), nreal, out);
  } else if (header.exttyp == "AGAR" || none) {
    const bool fits =
        nint >= 0 && nreal > 0 &&
        sections * 4 * (std::uint64_t(nint) + std::uint64_t(nreal)) <= extended.size();
    if (fits) parse_agard(header, bytes, std::size_t(nint), std::size_t(nreal), out);
  }
  const bool is_finite = std::all_of(out.tilts.begin(), out.tilts.end(),
                                     [](double tilt) { return std::abs(tilt) <= 360; });
  if (!is_finite) out.tilts.clear();
  return out;
}

}  // namespace cnf::em
