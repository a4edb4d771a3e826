// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"

// For tests of imports.
namespace cnf::cryoem::testing {

/// An image whose voxels follow from their places.
template <typename T>
class ComputedSource final : public em::Source {
 public:
  using At = std::function<T(const Shape& at)>;

  ComputedSource(em::SourceInfo info, At at) : info_(std::move(info)), at_(std::move(at)) {}

  [[nodiscard]] const em::SourceInfo& info() const noexcept override { return info_; }
  void read(const Box& box, MutableByteSpan into, const Context& /*context*/) const override {
    std::size_t i = 0;
    Shape at = box.begin;
    while (i < into.size() / sizeof(T)) {
      const T value = at_(at);
      std::memcpy(into.data() + i++ * sizeof(T), &value, sizeof(T));
      for (std::size_t axis = at.size(); axis-- > 0;) {
        if (++at[axis] < box.end[axis]) break;
        at[axis] = box.begin[axis];
      }
    }
  }
  [[nodiscard]] std::vector<em::Attachment> attachments() const override {
    std::vector<em::Attachment> result;
    result.push_back({.name = "mrc-header", .bytes = Buffer::copy_of(as_bytes("its header"))});
    return result;
  }
  [[nodiscard]] nlohmann::json identity() const override { return {{"name", name_}}; }
  void set_name(std::string name) { name_ = std::move(name); }

 private:
  em::SourceInfo info_;
  At at_;
  std::string name_ = "computed";
};

[[nodiscard]] inline em::SourceInfo volume_info(const Shape& shape, DataType type) {
  em::SourceInfo info;
  info.shape = shape;
  info.axes = {"z", "y", "x"};
  info.type = type;
  info.voxel = {2, 3, 4};
  info.origin = {10, 20, 30};
  return info;
}

/// Something between order and noise, other at every place.
[[nodiscard]] inline std::uint64_t scrambled(const Shape& at) {
  std::uint64_t value = 0x9e3779b97f4a7c15;
  for (const std::uint64_t i : at) value = (value ^ i) * 0xbf58476d1ce4e5b9 + (value >> 29U);
  return value ^ (value >> 31U);
}

}  // namespace cnf::cryoem::testing
