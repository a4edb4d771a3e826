// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/import.h"

namespace cnf::cryoem {
namespace {

/// Voxels in somebody's memory.
class MemorySource final : public em::Source {
 public:
  MemorySource(ByteSpan volume, const Shape& dims, DataType type) : volume_(volume) {
    info_.shape = dims;
    info_.axes = {"z", "y", "x"};
    info_.type = type;
    info_.voxel = {0, 0, 0};
    info_.origin = {0, 0, 0};
  }

  [[nodiscard]] const em::SourceInfo& info() const noexcept override { return info_; }

  void read(const Box& box, MutableByteSpan into, const Context& /*context*/) const override {
    const std::size_t element = size_of(info_.type);
    const std::size_t row = static_cast<std::size_t>(box.end[2] - box.begin[2]) * element;
    std::byte* to = into.data();
    for (std::uint64_t z = box.begin[0]; z < box.end[0]; ++z) {
      for (std::uint64_t y = box.begin[1]; y < box.end[1]; ++y) {
        const std::uint64_t first = (z * info_.shape[1] + y) * info_.shape[2] + box.begin[2];
        std::memcpy(to, volume_.data() + first * element, row);
        to += row;
      }
    }
  }

  [[nodiscard]] nlohmann::json identity() const override {
    return {{"bytes", volume_.size()}, {"crc32c", crc32c(volume_)}};
  }

 private:
  ByteSpan volume_;
  em::SourceInfo info_;
};

}  // namespace

ImportReport write(ByteSpan volume, const Shape& dims, DataType type,
                   const std::shared_ptr<storage::Storage>& root, ImportOptions options,
                   const Context& context) {
  if (dims.size() != 3 || dims.elements() * size_of(type) != volume.size()) {
    throw Error(Errc::invalid_argument, "write", "a volume",
                fmt::format("{} bytes are not {} elements of {}", volume.size(), to_string(dims),
                            to_string(type)),
                "give depth, height and width");
  }
  if (options.chunk.size() == 0) options.chunk = {32, 256, 256};
  if (options.name.empty()) options.name = "volume";
  return import_source(MemorySource(volume, dims, type), root, options, context);
}

}  // namespace cnf::cryoem
