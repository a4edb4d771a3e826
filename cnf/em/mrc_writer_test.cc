// SPDX-License-Identifier: Apache-2.0
#include "cnf/em/mrc_writer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/gzip_writer.h"
#include "cnf/em/input_file.h"
#include "cnf/em/mrc.h"
#include "cnf/em/mrc_testing_internal.h"
#include "cnf/em/source.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::em {
namespace {

MrcWriter::Sink into(Buffer& out) {
  return [&out](ByteSpan bytes) { out.append(bytes); };
}

// Hands the source's elements over, box by box.
void pass(const Source& source, MrcWriter& writer, std::uint64_t max_bytes,
          const Shape& chunk = {}) {
  Buffer elements;
  for (Box box = writer.next(max_bytes, chunk); box.begin.size() != 0;
       box = writer.next(max_bytes, chunk)) {
    elements.resize(box.shape().elements() * size_of(source.info().type));
    source.read(box, elements.span(), {});
    writer.write(elements);
  }
  writer.finish();
}

Buffer copy_of(const Source& source, std::uint64_t max_bytes, const Shape& chunk = {}) {
  Buffer out;
  const std::vector<Attachment> attachments = source.attachments();
  MrcWriter writer(attachments, source.info(), into(out));
  pass(source, writer, max_bytes, chunk);
  return out;
}

Buffer written(const MrcOutput& output, ByteSpan elements) {
  Buffer out;
  MrcWriter writer(output, into(out));
  const Box box = writer.next(1 << 20);
  EXPECT_EQ(box, Box::of(output.info.shape));
  writer.write(elements);
  writer.finish();
  return out;
}

std::unique_ptr<Source> reopen(const Buffer& file, const std::string& name = "x.mrc") {
  return open_mrc(InputFile(Buffer::copy_of(file), name));
}

struct Drawn {
  MrcBytes file;
  Kind kind;
};

Drawn draw() {
  const auto count = [] { return *rc::gen::inRange<std::int32_t>(1, 8); };
  const auto row_of = [] { return *rc::gen::inRange<std::int32_t>(1, 40); };  // beyond a tile
  const auto mode = *rc::gen::element<std::int32_t>(0, 1, 2, 3, 4, 6, 12, 16, 101);
  const auto order = *rc::gen::element(MrcBytes::Order::little, MrcBytes::Order::big);
  const Kind kind = *rc::gen::element(Kind::volume, Kind::stack, Kind::volume_stack);
  const std::int32_t nx = row_of();
  const std::int32_t ny = row_of();
  const std::int32_t mz = count();
  const std::int32_t nz = kind == Kind::volume_stack ? mz * count() : count();
  MrcBytes file(nx, ny, nz, mode, order);
  std::vector<std::int32_t> axes{1, 2, 3};
  for (auto turn = *rc::gen::inRange(0, 6); turn > 0; --turn) {
    std::next_permutation(axes.begin(), axes.end());
  }
  file.set(36, mz).set(64, axes[0]).set(68, axes[1]).set(72, axes[2]);
  const auto extended = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  file.set(92, static_cast<std::int32_t>(extended.size())).append(extended);
  constexpr std::array<std::array<std::int32_t, 2>, 9> kBits{
      {{0, 8}, {1, 16}, {2, 32}, {3, 32}, {4, 64}, {6, 16}, {12, 16}, {16, 24}, {101, 4}}};
  const auto bits =
      std::find_if(kBits.begin(), kBits.end(), [&](const auto& row) { return row[0] == mode; });
  const std::int32_t row = (nx * (*bits)[1] + 7) / 8;
  auto value = *rc::gen::arbitrary<std::uint32_t>();
  for (std::int32_t i = 0; i < row * ny * nz; ++i) {
    value = value * 1664525 + 1013904223;
    file.append(static_cast<std::uint8_t>(value >> 24));
  }
  file.append(*rc::gen::container<std::string>(rc::gen::arbitrary<char>()));
  return {std::move(file), kind};
}

RC_GTEST_PROP(MrcWriter, CopiesAreExactHoweverTheyAreCut, ()) {
  const Drawn drawn = draw();
  const auto source = open_mrc(InputFile(drawn.file.copy(), "x.mrc"), {.kind = drawn.kind});
  const auto max_bytes = *rc::gen::inRange<std::uint64_t>(1, 2000);
  Shape chunk = source->info().shape;
  for (std::size_t axis = 0; axis < chunk.size(); ++axis) {
    chunk[axis] = *rc::gen::inRange<std::uint64_t>(1, 4);
  }
  const Buffer copy = copy_of(*source, max_bytes, chunk);
  RC_ASSERT(as_text(copy) == as_text(drawn.file.bytes()));
}

RC_GTEST_PROP(MrcSource, ABoxIsAPartOfTheWhole, ()) {
  const Drawn drawn = draw();
  const auto source = open_mrc(InputFile(drawn.file.copy(), "x.mrc"), {.kind = drawn.kind});
  const Shape& shape = source->info().shape;
  const std::size_t size = size_of(source->info().type);
  Buffer whole(shape.elements() * size);
  source->read(Box::of(shape), whole.span(), {});
  Box box = Box::of(shape);
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    box.begin[axis] = *rc::gen::inRange<std::uint64_t>(0, shape[axis]);
    box.end[axis] = *rc::gen::inRange<std::uint64_t>(box.begin[axis] + 1, shape[axis] + 1);
  }
  Buffer part(box.shape().elements() * size);
  source->read(box, part.span(), {});
  Shape at = box.begin;
  for (std::size_t i = 0; i < part.size(); i += size) {
    std::size_t place = 0;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) place = place * shape[axis] + at[axis];
    RC_ASSERT(as_text(part.span().subspan(i, size)) ==
              as_text(whole.span().subspan(place * size, size)));
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (++at[axis] < box.end[axis]) break;
      at[axis] = box.begin[axis];
    }
  }
}

TEST(MrcWriter, EndsBoxesAtChunksWhereItCan) {
  MrcBytes file(4, 4, 10, 0);
  for (int i = 0; i < 160; ++i) file.append(static_cast<char>(i));
  const auto source = open_mrc(InputFile(file.copy(), "x.mrc"));
  Buffer out;
  const std::vector<Attachment> attachments = source->attachments();
  MrcWriter writer(attachments, source->info(), into(out));
  Buffer elements;
  std::vector<std::uint64_t> ends;
  for (Box box = writer.next(100, {4, 4, 4}); box.begin.size() != 0;
       box = writer.next(100, {4, 4, 4})) {
    ends.push_back(box.end[0]);
    elements.resize(box.shape().elements());
    source->read(box, elements.span(), {});
    writer.write(elements);
  }
  EXPECT_EQ(ends, (std::vector<std::uint64_t>{4, 10}));
}

TEST(MrcWriter, NewFilesSayWhatTheyAre) {
  MrcOutput output;
  output.info = {.kind = Kind::volume,
                 .shape = {2, 3, 4},
                 .axes = {"z", "y", "x"},
                 .type = DataType::float32,
                 .voxel = {7.5, 2.5, 1.25},
                 .origin = {3, 2, 1}};
  output.statistics = {.min = 0, .max = 23, .mean = 11.5, .rms = 6.9221864};
  output.labels = {"cnf"};
  std::vector<float> values(24);
  std::iota(values.begin(), values.end(), 0.0F);
  const Buffer file = written(output, std::as_bytes(std::span(values)));
  const MrcHeader header = parse_mrc_header(file, "x");
  EXPECT_EQ(header.n, (std::array<std::uint32_t, 3>{4, 3, 2}));
  EXPECT_EQ(header.cella, (std::array<float, 3>{5, 7.5, 15}));
  EXPECT_EQ(header.ispg, 1);
  EXPECT_EQ(header.nversion, 20141);
  EXPECT_EQ(header.labels, (std::vector<std::string>{"cnf"}));
  EXPECT_TRUE(header.statistics_known());
  const auto source = reopen(file);
  EXPECT_EQ(source->info().voxel, output.info.voxel);
  EXPECT_EQ(source->info().origin, output.info.origin);
  EXPECT_TRUE(source->attachments().size() == 1);
  Buffer again(96);
  source->read(Box::of(source->info().shape), again.span(), {});
  EXPECT_EQ(as_text(again), as_text(std::as_bytes(std::span(values))));
}

struct KindCase {
  Kind kind;
  Shape shape;
  std::vector<std::string> axes;
};

TEST(MrcWriter, KindsComeBack) {
  const std::vector<KindCase> cases{
      {Kind::volume, {5, 2, 2}, {"z", "y", "x"}},
      {Kind::stack, {5, 2, 2}, {"n", "y", "x"}},
      {Kind::volume_stack, {3, 5, 2, 2}, {"n", "z", "y", "x"}},
  };
  for (const KindCase& row : cases) {
    MrcOutput output;
    output.info = {.kind = row.kind, .shape = row.shape, .axes = row.axes, .type = DataType::int8};
    const Buffer elements = Buffer::copy_of(as_bytes(std::string(row.shape.elements(), 'v')));
    const auto source = reopen(written(output, elements));
    EXPECT_EQ(source->info().kind, row.kind);
    EXPECT_EQ(source->info().shape, row.shape);
    EXPECT_EQ(source->info().type, DataType::int8);
    EXPECT_FALSE(source->info().fields.at("statistics_known").get<bool>());
  }
}

TEST(MrcWriter, ConvertsToTheModeThatIsAsked) {
  MrcOutput output;
  output.info = {.shape = {1, 1, 3}, .axes = {"z", "y", "x"}, .type = DataType::float32};
  output.statistics = {.min = -2, .max = 2, .mean = 0, .rms = 1};
  output.mode = 1;
  const std::vector<float> values{0.5F, 1.5F, -2.0F};
  const auto source = reopen(written(output, std::as_bytes(std::span(values))));
  std::vector<std::int16_t> got(3);
  source->read(Box::of({1, 1, 3}), std::as_writable_bytes(std::span(got)), {});
  EXPECT_EQ(got, (std::vector<std::int16_t>{0, 2, -2}));
  EXPECT_FALSE(source->info().fields.at("statistics_known").get<bool>());
  const std::vector<float> large{0, 0, 40000};
  EXPECT_THROW(written(output, std::as_bytes(std::span(large))), Error);
}

TEST(MrcWriter, WidensUnsignedBytes) {
  MrcOutput output;
  output.info = {.shape = {1, 1, 2}, .axes = {"z", "y", "x"}, .type = DataType::uint8};
  const auto source = reopen(written(output, as_bytes("\xff\x01")));
  EXPECT_EQ(source->info().type, DataType::uint16);
  std::vector<std::uint16_t> got(2);
  source->read(Box::of({1, 1, 2}), std::as_writable_bytes(std::span(got)), {});
  EXPECT_EQ(got, (std::vector<std::uint16_t>{255, 1}));
}

TEST(MrcWriter, RefusesWhatMrcHasNot) {
  MrcOutput output;
  output.info = {.shape = {1, 1, 1}, .axes = {"z", "y", "x"}, .type = DataType::float64};
  Buffer out;
  try {
    const MrcWriter writer(output, into(out));
    FAIL() << "it was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::invalid_argument);
    EXPECT_NE(std::string_view(error.what()).find("no mode for float64"), std::string_view::npos);
    EXPECT_NE(std::string_view(error.what()).find("float32"), std::string_view::npos);
  }
  output.mode = 2;
  EXPECT_NO_THROW(MrcWriter(output, into(out)));
  output.mode = 5;
  EXPECT_THROW(MrcWriter(output, into(out)), Error);
  output.info.type = DataType::complex64;
  output.mode = 2;
  EXPECT_THROW(MrcWriter(output, into(out)), Error);
  output.mode.reset();
  output.info.shape = {1, std::uint64_t{1} << 31, 1};
  EXPECT_THROW(MrcWriter(output, into(out)), Error);
}

TEST(MrcWriter, ACopyMustBeOfTheSameArray) {
  MrcBytes file(3, 1, 1, 101);
  file.append("\x21\xf3");
  const auto source = open_mrc(InputFile(file.copy(), "x.mrc"));
  const std::vector<Attachment> attachments = source->attachments();
  SourceInfo info = source->info();
  EXPECT_TRUE(is_copy_of(attachments, info));
  Buffer out;
  MrcWriter writer(attachments, info, into(out));
  (void)writer.next(100);
  EXPECT_THROW(writer.write(as_bytes("\x01\x02\x10")), Error) << "16 has five bits";
  EXPECT_THROW(writer.finish(), Error) << "rows are missing";
  info.type = DataType::uint16;
  EXPECT_FALSE(is_copy_of(attachments, info));
  EXPECT_THROW(MrcWriter(attachments, info, into(out)), Error);
  EXPECT_FALSE(is_copy_of({}, source->info()));
}

TEST(GzipWriter, IsUnpackedAgain) {
  MrcBytes file(64, 64, 100, 1);
  for (int i = 0; i < 64 * 64 * 100; ++i) file.append(static_cast<std::int16_t>(i * 7919));
  const testing::TempDir folder;
  const std::string path = (folder.path() / "x.map.gz").string();
  {
    std::ofstream out(path, std::ios::binary);
    GzipWriter gzip([&out](ByteSpan bytes) { out << as_text(bytes); });
    gzip.write(file.bytes().first(1000));
    gzip.write(file.bytes().subspan(1000));
    gzip.finish();
  }
  const InputFile input(path, {}, {});
  EXPECT_EQ(input.plain_name(), "x.map");
  EXPECT_TRUE(as_text(input.bytes()) == as_text(file.bytes()));

  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 9);
  try {
    const InputFile cut(path, {}, {});
    FAIL() << "half a file was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::corrupt_data);
    EXPECT_NE(std::string_view(error.what()).find("ends in the middle"), std::string_view::npos);
  }
}

bool is_mrc_name(const std::string& name) {
  constexpr std::array<std::string_view, 6> kParts{".mrc", ".map", ".ccp4", ".rec", ".st", ".mrcs"};
  return std::any_of(kParts.begin(), kParts.end(), [&](std::string_view part) {
    return name.ends_with(part) || name.ends_with(std::string(part) + ".gz") ||
           name.ends_with(std::string(part) + ".bz2");
  });
}

TEST(MrcRealFiles, AreCopiedExactly) {
  const char* const shared = std::getenv("CNF_SHARED_DATA");
  const std::filesystem::path folder = shared == nullptr ? "" : shared;
  if (!std::filesystem::is_directory(folder / "real-em")) {
    std::cout << "no folder of real files (CNF_SHARED_DATA): nothing was compared\n";
    return;
  }
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "real-em")) {
    if (!entry.is_regular_file() || !is_mrc_name(entry.path().filename().string())) continue;
    const std::string path = entry.path().string();
    const InputFile unpacked(path, {}, {});
    const auto source = open_source(path);
    for (const std::uint64_t max_bytes : {10'000U, 100'000'000U}) {
      const Buffer copy = copy_of(*source, max_bytes);
      EXPECT_TRUE(as_text(copy) == as_text(unpacked.bytes())) << path;
    }
    ++files;
  }
  EXPECT_GT(files, 0);
}

}  // namespace
}  // namespace cnf::em
