// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/input_file.h"
#include "cnf/em/mrc.h"
#include "cnf/em/mrc_extended_internal.h"
#include "cnf/em/mrc_layout_internal.h"
#include "cnf/em/source.h"

namespace cnf::em {
namespace {

// What lies behind the data is kept in memory when it is taken; no program leaves more there.
constexpr std::uint64_t kMaxTail = std::uint64_t{256} << 20;

// Intervals and cell are along x, y, z; 0 says that the file does not know.
double voxel_of(const MrcHeader& header, std::size_t axis) {
  const double length = header.cella[axis];
  const std::int32_t intervals = header.m[axis];
  if (!std::isfinite(length) || length <= 0 || intervals <= 0) return 0;
  return length / intervals;
}

// ORIGIN where it is set, else what the starts say; both stay in the fields.
std::vector<double> origin_of(const MrcHeader& header, const MrcLayout& layout) {
  const bool is_set = std::all_of(header.origin.begin(), header.origin.end(),
                                  [](float value) { return std::isfinite(value); }) &&
                      std::any_of(header.origin.begin(), header.origin.end(),
                                  [](float value) { return value != 0; });
  std::vector<double> origin(layout.shape().size(), 0);
  for (std::size_t axis = 0; axis < origin.size(); ++axis) {
    const std::optional<std::size_t> space = layout.spatial(axis);
    if (!space) continue;
    if (is_set) {
      origin[axis] = header.origin[*space];
      continue;
    }
    const auto place = std::find(header.map.begin(), header.map.end(), *space);
    const auto file_axis = static_cast<std::size_t>(place - header.map.begin());
    origin[axis] = header.nstart[file_axis] * voxel_of(header, *space);
  }
  return origin;
}

SourceInfo info_of(const MrcHeader& header, const MrcLayout& layout, Kind kind) {
  SourceInfo info;
  info.kind = kind;
  info.shape = layout.shape();
  info.axes = layout.axes();
  info.type = layout.type();
  info.voxel.assign(info.shape.size(), 0);
  for (std::size_t axis = 0; axis < info.voxel.size(); ++axis) {
    if (const auto space = layout.spatial(axis)) info.voxel[axis] = voxel_of(header, *space);
  }
  info.origin = origin_of(header, layout);
  return info;
}

class MrcSource final : public Source {
 public:
  MrcSource(InputFile file, const SourceOptions& options)
      : file_(std::move(file)),
        header_(parse_mrc_header(file_.bytes(), file_.name())),
        extended_(parse_mrc_extended(header_, file_.bytes())),
        kind_(options.kind.value_or(kind_by_itself())),
        layout_(header_, kind_, file_.name()),
        info_(info_of(header_, layout_, kind_)) {
    info_.fields = mrc_fields(header_);
    if (!extended_.fields.empty()) info_.fields["extended"] = extended_.fields;
    if (kind_ == Kind::tilt_series) info_.tilts = extended_.tilts;
    take_voxel_of_extended();
    if (!tail().empty()) info_.fields["bytes_behind_data"] = tail().size();
    if (tail().size() > kMaxTail) {
      throw Error(
          Errc::corrupt_data, "read", file_.name(),
          std::to_string(tail().size()) + " bytes lie behind the data that its header tells of",
          "its NX, NY, NZ, MODE or NSYMBT must be wrong: mend the header");
    }
  }

  [[nodiscard]] const SourceInfo& info() const noexcept override { return info_; }

  void read(const Box& box, MutableByteSpan into, const Context& context) const override {
    context.check("read", file_.name());
    check_within(box, info_.shape, file_.name());
    if (into.size() != box.shape().elements() * size_of(info_.type)) {
      throw Error(Errc::invalid_argument, "read", file_.name(), "the buffer has another size");
    }
    if (!box.empty()) layout_.read(data(), box, into.data());
  }

  [[nodiscard]] std::vector<Attachment> attachments() const override {
    std::vector<Attachment> all;
    all.push_back({"mrc-header", Buffer::copy_of(file_.bytes().first(header_.data_offset()))});
    if (!tail().empty()) all.push_back({"mrc-tail", Buffer::copy_of(tail())});
    Buffer pads = layout_.pads(data());
    if (!pads.empty()) all.push_back({"mrc-pad", std::move(pads)});
    return all;
  }

  [[nodiscard]] nlohmann::json identity() const override {
    return {{"format", "mrc"},
            {"size", file_.bytes().size()},
            {"header_crc32c", crc32c(file_.bytes().first(header_.data_offset()))}};
  }

 private:
  [[nodiscard]] ByteSpan data() const {
    return file_.bytes().subspan(header_.data_offset(), layout_.data_bytes());
  }
  [[nodiscard]] ByteSpan tail() const {
    return file_.bytes().subspan(header_.data_offset() + layout_.data_bytes());
  }
  // Microscopes write tilt series into stacks and say so only in the extended header.
  [[nodiscard]] Kind kind_by_itself() const {
    const Kind kind = mrc_kind(header_, file_.plain_name());
    const bool tilted = extended_.tilts.size() > 1 && header_.ispg == 0 &&
                        std::any_of(extended_.tilts.begin(), extended_.tilts.end(),
                                    [&](double tilt) { return tilt != extended_.tilts.front(); });
    return tilted ? Kind::tilt_series : kind;
  }
  // A cell of 1 Å voxels or none is what programs write that do not know; the microscope does.
  void take_voxel_of_extended() {
    if (extended_.pixel <= 0) return;
    for (std::size_t axis = 0; axis < info_.voxel.size(); ++axis) {
      const bool is_guess = info_.voxel[axis] == 0 || info_.voxel[axis] == 1;
      if (is_guess && layout_.spatial(axis)) info_.voxel[axis] = extended_.pixel;
    }
  }

  const InputFile file_;
  const MrcHeader header_;
  const MrcExtended extended_;
  const Kind kind_;
  const MrcLayout layout_;
  SourceInfo info_;
};

}  // namespace

std::unique_ptr<Source> open_mrc(InputFile file, const SourceOptions& options) {
  return std::make_unique<MrcSource>(std::move(file), options);
}

}  // namespace cnf::em
