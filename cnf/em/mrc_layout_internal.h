// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/mrc.h"
#include "cnf/em/source.h"

namespace cnf::em {

[[nodiscard]] bool is_mrc_mode(std::int32_t mode) noexcept;
/// Bytes of a row of `columns`; rows of mode 101 end with a whole byte.
[[nodiscard]] std::uint64_t mrc_row_bytes(std::int32_t mode, std::uint64_t columns) noexcept;

/// Whether sections are those of whole volumes of MZ sections.
[[nodiscard]] bool has_whole_volumes(const MrcHeader& header) noexcept;

/// Where the elements of an array lie in the data of an MRC file, and how they are kept there.
class MrcLayout {
 public:
  /// Throws Error invalid_argument if the file cannot be of that kind.
  MrcLayout(const MrcHeader& header, Kind kind, std::string_view subject);

  [[nodiscard]] const Shape& shape() const noexcept { return shape_; }
  [[nodiscard]] const std::vector<std::string>& axes() const noexcept { return axes_; }
  [[nodiscard]] DataType type() const noexcept { return type_; }
  [[nodiscard]] std::uint64_t row_bytes() const noexcept { return row_bytes_; }
  [[nodiscard]] std::uint64_t data_bytes() const noexcept;
  /// Which of x, y, z (0, 1, 2) an axis of the array is; nullopt for n, t and c.
  [[nodiscard]] std::optional<std::size_t> spatial(std::size_t axis) const noexcept;

  /// Copies the elements of `box` (within the shape) out of the data of a whole file.
  void read(ByteSpan data, const Box& box, std::byte* into) const;
  /// The reverse: the elements of rows_box(begin, end) as these rows of the file.
  /// `pads` has the unused half byte of every row of the file, if they are not all zero.
  void write(std::uint64_t begin, std::uint64_t end, ByteSpan from, ByteSpan pads,
             MutableByteSpan rows) const;
  /// Whether the elements of rows_box() are the file's rows as they stand.
  [[nodiscard]] bool is_plain() const noexcept;
  /// The elements that lie in rows [begin, end) of the file; rows of several sections must be
  /// whole sections, of several volumes whole volumes.
  [[nodiscard]] Box rows_box(std::uint64_t begin, std::uint64_t end) const;
  [[nodiscard]] std::uint64_t rows_per_section() const noexcept { return file_[kRow].count; }
  /// The array's axis along which sections follow each other.
  [[nodiscard]] std::size_t section_axis() const noexcept { return file_[kSection].axis; }
  [[nodiscard]] bool is_packed4() const noexcept { return packed4_; }
  [[nodiscard]] std::uint64_t sections_per_volume() const noexcept { return file_[kSection].count; }
  [[nodiscard]] std::uint64_t rows() const noexcept;
  [[nodiscard]] bool has_pads() const noexcept;
  /// The unused half byte at the end of each row, one a byte; empty if all are zero.
  [[nodiscard]] Buffer pads(ByteSpan data) const;

 private:
  static constexpr std::uint64_t kTile = 32;  // elements; a tile of the largest is 8 KiB
  // Places in file_ and in the runs of a walk.
  static constexpr std::size_t kColumn = 0;
  static constexpr std::size_t kRow = 1;
  static constexpr std::size_t kSection = 2;
  static constexpr std::size_t kVolume = 3;
  struct FileAxis {
    std::uint64_t count = 1;
    std::size_t axis = 0;  // of the array; unused for a count that is no axis
    bool present = true;
  };
  // The part of a box that one axis of the file covers, and elements between neighbours in memory.
  struct Run {
    std::uint64_t begin = 0, end = 1;
    std::uint64_t step = 0;
    std::uint64_t first = begin;  // where memory begins
    /// Elements in memory before the i-th of the axis.
    [[nodiscard]] std::uint64_t before(std::uint64_t i) const noexcept {
      return (i - first) * step;
    }
    void narrow(std::uint64_t from, std::uint64_t to) noexcept {
      begin = from;
      end = to;
    }
  };
  struct Walk {
    std::array<Run, 4> runs;
    Run component;
  };

  [[nodiscard]] Walk walk(const Box& box) const;
  template <typename Visit>
  void for_each_row(const Walk& walk, const Visit& visit) const;
  template <typename Visit>
  void for_each_tile(const Walk& whole, const Visit& visit) const;
  template <typename Copy>
  void turn(const Walk& tile, std::byte* turned, const Copy& copy) const;
  [[nodiscard]] std::size_t fastest_dimension() const noexcept;
  void decode(const std::byte* row, const Run& columns, std::size_t component,
              std::byte* into) const;
  void encode(const std::byte* from, const Run& columns, std::size_t component,
              std::byte* row) const;

  Shape shape_;
  std::vector<std::string> axes_;
  DataType type_ = DataType::float32;
  std::array<FileAxis, 4> file_{};
  std::array<std::uint8_t, 3> map_{};
  std::size_t components_ = 1;  // numbers of one element that become planes
  std::size_t first_space_ = 0;
  bool packed4_ = false;
  bool swap_ = false;
  std::uint64_t row_bytes_ = 0;
};

}  // namespace cnf::em
