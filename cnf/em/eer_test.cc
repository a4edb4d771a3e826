// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/eer_internal.h"
#include "cnf/em/input_file.h"
#include "cnf/em/source.h"
#include "cnf/em/tiff_directory_internal.h"

namespace cnf::em {
namespace {

/// Bits, the lowest of a byte first.
class BitWriter {
 public:
  void put(std::uint64_t value, unsigned bits) {
    for (unsigned i = 0; i != bits; ++i) {
      if (used_ % 8 == 0) bytes_.push_back(std::byte{0});
      if ((value >> i & 1U) != 0) bytes_.back() |= std::byte{1} << (used_ % 8);
      ++used_;
    }
  }
  [[nodiscard]] std::vector<std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
  unsigned used_ = 0;
};

struct Electron {
  std::uint64_t pixel = 0;
  unsigned x = 0, y = 0;  // in its pixel, as they are stored
};

std::vector<std::byte> encode(const std::vector<Electron>& electrons, std::uint64_t pixels,
                              const EerCode& code) {
  const std::uint64_t longest = (1U << code.run_bits) - 1;
  BitWriter out;
  const auto run = [&](std::uint64_t length) {
    for (; length >= longest; length -= longest) {
      out.put(longest, code.run_bits);
      if (code.place_after_run) out.put(0, code.x_bits + code.y_bits);
    }
    out.put(length, code.run_bits);
  };
  std::uint64_t pixel = 0;
  for (const Electron& electron : electrons) {
    run(electron.pixel - pixel);
    out.put(electron.x, code.x_bits);
    out.put(electron.y, code.y_bits);
    pixel = electron.pixel + 1;
  }
  run(pixels - pixel);
  return out.bytes();
}

std::vector<Electron> some_electrons(std::uint64_t pixels, unsigned one_in, const EerCode& code,
                                     unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Electron> electrons;
  for (std::uint64_t pixel = 0; pixel != pixels; ++pixel) {
    if (random() % one_in != 0) continue;
    const auto place = static_cast<unsigned>(random());
    electrons.push_back({.pixel = pixel,
                         .x = place % (1U << code.x_bits),
                         .y = (place >> 8U) % (1U << code.y_bits)});
  }
  return electrons;
}

constexpr EerCode kCodes[] = {
    {},
    {.run_bits = 8, .place_after_run = true},
    {.run_bits = 3, .x_bits = 1, .y_bits = 3},
    {.run_bits = 12, .x_bits = 0, .y_bits = 0},
};

TEST(Eer, FindsEveryElectronInItsPixel) {
  for (const EerCode& code : kCodes) {
    const EerFrame frame{.width = 33, .height = 20, .code = code};
    const std::uint64_t pixels = frame.width * frame.height;
    for (const unsigned one_in : {1U, 3U, 100U, 5000U}) {
      const auto electrons = some_electrons(pixels, one_in, code, one_in);
      std::vector<std::uint16_t> want(pixels);
      for (const Electron& electron : electrons) ++want[electron.pixel];
      std::vector<std::uint16_t> counts(pixels);
      const auto bytes = encode(electrons, pixels, code);
      EXPECT_EQ(add_electrons<std::uint16_t>(bytes, frame, 0, counts, "a.eer"), electrons.size());
      EXPECT_EQ(counts, want) << code.run_bits << " bits, one in " << one_in;
    }
  }
}

// Oracle: imagecodecs.eer_decode(codes, (64, 128), 7, 2, 2, superres=2) and superres=1 of the same.
TEST(Eer, PlacesElectronsAsImagecodecsDoes) {
  const EerFrame frame{.width = 32, .height = 16};
  const std::vector<Electron> electrons = {{0, 0, 0}, {3, 1, 1}, {200, 3, 3}, {511, 2, 2}};
  const auto bytes = encode(electrons, 512, frame.code);
  const auto places = [&](unsigned finer) {
    std::vector<std::uint8_t> counts(std::size_t{512} << (2 * finer));
    add_electrons<std::uint8_t>(bytes, frame, finer, counts, "a.eer");
    std::vector<std::pair<std::size_t, std::size_t>> found;
    for (std::size_t i = 0; i != counts.size(); ++i) {
      if (counts[i] != 0) found.emplace_back(i / (32U << finer), i % (32U << finer));
    }
    return found;
  };
  using Places = std::vector<std::pair<std::size_t, std::size_t>>;
  EXPECT_EQ(places(1), (Places{{1, 1}, {1, 7}, {12, 16}, {30, 62}}));
  EXPECT_EQ(places(2), (Places{{2, 2}, {3, 15}, {25, 33}, {60, 124}}));
}

TEST(Eer, RefusesCodesThatDoNotFillTheFrame) {
  const EerFrame frame{.width = 32, .height = 16};
  std::vector<std::uint8_t> counts(512);
  const auto decode = [&](const std::vector<std::byte>& bytes) {
    add_electrons<std::uint8_t>(bytes, frame, 0, counts, "a.eer");
  };
  const auto whole = encode(some_electrons(512, 9, frame.code, 1), 512, frame.code);
  EXPECT_NO_THROW(decode(whole));
  for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
    EXPECT_THROW(decode({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}), Error);
  }
  EXPECT_THROW(decode(encode({}, 513, frame.code)), Error);
}

TEST(Eer, CountsStopAtTheirLargest) {
  const EerFrame frame{.width = 1, .height = 1};
  const auto bytes = encode({{0, 0, 0}}, 1, frame.code);
  std::vector<std::uint8_t> counts(1);
  for (int i = 0; i != 300; ++i) add_electrons<std::uint8_t>(bytes, frame, 0, counts, "a.eer");
  EXPECT_EQ(counts[0], 255);
}

/// A file of frames, each of two strips.
class EerFile {
 public:
  EerFile() : bytes_(tiff_header(true)) {}

  void add(const EerFrame& frame, std::uint16_t compression, const std::vector<std::byte>& codes,
           bool last) {
    const auto directory = [&](std::uint64_t data) {
      const std::uint64_t first = codes.size() / 2;
      TiffDirectory fields(true);
      fields.add(256, static_cast<std::uint32_t>(frame.width));
      fields.add(257, static_cast<std::uint32_t>(frame.height));
      fields.add(258, std::uint16_t{1});
      fields.add(259, compression);
      fields.add(262, std::uint16_t{1});
      fields.add_offsets(273, {data, data + first});
      fields.add(278, static_cast<std::uint32_t>((frame.height + 1) / 2));
      fields.add_offsets(279, {first, codes.size() - first});
      fields.add(65001, std::string_view("<metadata><item name='exposureTime' unit='s'>6.5</item>"
                                         "<item name='sensorPixelSize.width' unit='m'>9.2e-11"
                                         "</item></metadata>"));
      if (compression == 65002) {
        fields.add(65007, static_cast<std::uint16_t>(frame.code.run_bits));
        fields.add(65008, static_cast<std::uint16_t>(frame.code.x_bits));
        fields.add(65009, static_cast<std::uint16_t>(frame.code.y_bits));
      }
      return fields;
    };
    const std::uint64_t at = bytes_.size();
    const TiffDirectory fields = directory(at + directory(0).size());
    const std::uint64_t end = at + fields.size() + (codes.size() + 7) / 8 * 8;
    bytes_.append(fields.bytes(at, last ? 0 : end));
    bytes_.append(codes);
    pad(bytes_, end);
  }
  [[nodiscard]] InputFile file() const { return {Buffer::copy_of(bytes_), "a.eer"}; }

 private:
  Buffer bytes_;
};

struct Movie {
  std::uint16_t compression = 65001;
  EerCode code = {};
};
constexpr Movie kMovies[] = {
    {},
    {65000, {.run_bits = 8, .place_after_run = true}},
    {65002, {.run_bits = 5, .x_bits = 1, .y_bits = 1}},
};

TEST(EerSource, SumsFramesToImages) {
  for (const Movie& movie : kMovies) {
    const EerFrame frame{.width = 40, .height = 30, .code = movie.code};
    const std::uint64_t pixels = frame.width * frame.height;
    constexpr unsigned kFrames = 7;
    EerFile file;
    std::vector<std::uint8_t> want(2 * pixels);
    for (unsigned i = 0; i != kFrames; ++i) {
      const auto electrons = some_electrons(pixels, 4, movie.code, i);
      for (const Electron& electron : electrons) {
        if (i < 6) ++want[i / 3 * pixels + electron.pixel];
      }
      file.add(frame, movie.compression, encode(electrons, pixels, movie.code), i + 1 == kFrames);
    }
    EXPECT_TRUE(is_eer(file.file()));
    const auto source = open_eer(file.file(), {.eer = {.frames = 3}});
    const SourceInfo& info = source->info();
    EXPECT_EQ(info.shape, (Shape{2, 30, 40}));
    EXPECT_EQ(info.kind, Kind::movie);
    EXPECT_EQ(info.axes, (std::vector<std::string>{"t", "y", "x"}));
    EXPECT_EQ(info.type, DataType::uint8);
    EXPECT_EQ(info.voxel, (std::vector<double>{0, 0.92, 0.92}));
    EXPECT_EQ(info.fields["frames_left_out"], 1);
    EXPECT_EQ(info.fields["acquisition"]["exposureTime"], "6.5 s");
    std::vector<std::uint8_t> images(2 * pixels);
    source->read(Box::of(info.shape), std::as_writable_bytes(std::span(images)), {});
    EXPECT_EQ(images, want) << movie.compression;

    // All in one; twice as fine, where sums over pixels are the same.
    const auto fine = open_eer(file.file(), {.eer = {.frames = 0, .upsampling = 2}});
    ASSERT_EQ(fine->info().shape, (Shape{1, 60, 80}));
    EXPECT_DOUBLE_EQ(fine->info().voxel[2], 0.46);
    std::vector<std::uint8_t> finer(4 * pixels);
    fine->read(Box::of(fine->info().shape), std::as_writable_bytes(std::span(finer)), {});
    const auto coarse = open_eer(file.file(), {.eer = {.frames = 0}});
    std::vector<std::uint8_t> all(pixels);
    coarse->read(Box::of(coarse->info().shape), std::as_writable_bytes(std::span(all)), {});
    for (std::uint64_t i = 0; i != pixels; ++i) {
      const std::uint64_t at = i / 40 * 2 * 80 + i % 40 * 2;
      EXPECT_EQ(finer[at] + finer[at + 1] + finer[at + 80] + finer[at + 81], all[i]);
    }
    EXPECT_NE(fine->identity(), coarse->identity());
  }
}

TEST(EerSource, RefusesFramesThatClaimMoreThanTheyHold) {
  const EerFrame frame{.width = 40, .height = 30};
  EerFile file;
  file.add({.width = 1U << 20U, .height = 1U << 20U}, 65001, encode({}, 1200, frame.code), true);
  EXPECT_THROW(static_cast<void>(open_eer(file.file(), {})), Error);
  EerFile good;
  good.add(frame, 65001, encode({}, 1200, frame.code), true);
  EXPECT_THROW(static_cast<void>(open_eer(good.file(), {.eer = {.upsampling = 3}})), Error);
  EXPECT_THROW(static_cast<void>(open_eer(good.file(), {.eer = {.upsampling = 8}})), Error);
  EerFile odd;
  odd.add({.width = 40, .height = 30, .code = {.run_bits = 40}}, 65002,
          encode({}, 1200, frame.code), true);
  EXPECT_THROW(static_cast<void>(open_eer(odd.file(), {})), Error);
}

}  // namespace
}  // namespace cnf::em
