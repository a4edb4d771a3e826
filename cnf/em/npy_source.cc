// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <memory>
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
#include "cnf/em/elements_internal.h"
#include "cnf/em/input_file.h"
#include "cnf/em/npy.h"
#include "cnf/em/source.h"

namespace cnf::em {
namespace {

SourceInfo info_of(const NpyHeader& header, const SourceOptions& options, const std::string& name) {
  const std::size_t axes = header.shape.size();
  SourceInfo info;
  info.kind = options.kind.value_or(axes == 4   ? Kind::volume_stack
                                    : axes == 2 ? Kind::stack
                                                : Kind::volume);
  info.shape = header.shape;
  info.type = header.type;
  const std::size_t wanted = info.kind == Kind::volume_stack ? 4 : 3;
  if (axes + 1 == wanted && axes == 2) {  // one image
    info.shape = {1, header.shape[0], header.shape[1]};
  } else if (axes != wanted) {
    throw Error(Errc::invalid_argument, "read", name,
                "an array of shape " + to_string(header.shape) + " is no " +
                    std::string(to_string(info.kind)),
                "volumes and stacks have three axes, stacks of volumes four");
  }
  const bool time = info.kind == Kind::tilt_series || info.kind == Kind::movie;
  if (info.kind == Kind::volume_stack) info.axes.emplace_back("n");
  info.axes.emplace_back(time ? "t" : info.kind == Kind::stack ? "n" : "z");
  info.axes.insert(info.axes.end(), {"y", "x"});
  info.voxel.assign(wanted, 0);
  info.origin.assign(wanted, 0);
  info.fields = {{"format", "npy"},
                 {"byte_order", header.big_endian ? "big" : "little"},
                 {"fortran_order", header.fortran_order}};
  return info;
}

class NpySource final : public Source {
 public:
  NpySource(InputFile file, const SourceOptions& options)
      : file_(std::move(file)),
        header_(parse_npy_header(file_.bytes(), file_.name())),
        info_(info_of(header_, options, file_.name())) {
    const std::size_t axes = info_.shape.size();
    steps_.resize(axes);
    std::size_t step = size_of(info_.type);
    for (std::size_t i = 0; i < axes; ++i) {
      const std::size_t axis = header_.fortran_order ? i : axes - 1 - i;
      steps_[axis] = step;
      step *= info_.shape[axis];
    }
  }

  [[nodiscard]] const SourceInfo& info() const noexcept override { return info_; }

  void read(const Box& box, MutableByteSpan into, const Context& context) const override {
    context.check("read", file_.name());
    check_within(box, info_.shape, file_.name());
    if (into.size() != box.shape().elements() * size_of(info_.type)) {
      throw Error(Errc::invalid_argument, "read", file_.name(), "the buffer has another size");
    }
    if (box.empty()) return;
    std::byte* to = into.data();
    read_axis(box, 0, file_.bytes().data() + header_.data_offset, to);
  }

  [[nodiscard]] nlohmann::json identity() const override {
    return {{"format", "npy"},
            {"size", file_.bytes().size()},
            {"header_crc32c", crc32c(file_.bytes().first(header_.data_offset))}};
  }

 private:
  void read_axis(const Box& box, std::size_t axis, const std::byte* from, std::byte*& to) const {
    from += box.begin[axis] * steps_[axis];
    const std::size_t count = box.end[axis] - box.begin[axis];
    if (axis + 1 == info_.shape.size()) {
      const std::size_t size = size_of(info_.type);
      copy_elements(info_.type, {from, steps_[axis], to, size, count}, header_.big_endian);
      to += count * size;
      return;
    }
    for (std::size_t i = 0; i < count; ++i) read_axis(box, axis + 1, from + i * steps_[axis], to);
  }

  const InputFile file_;
  const NpyHeader header_;
  const SourceInfo info_;
  std::vector<std::size_t> steps_;  // bytes between neighbours along each axis
};

}  // namespace

std::unique_ptr<Source> open_npy(InputFile file, const SourceOptions& options) {
  return std::make_unique<NpySource>(std::move(file), options);
}

}  // namespace cnf::em
