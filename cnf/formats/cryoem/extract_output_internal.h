// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/formats/cryoem/extract_plan_internal.h"
#include "cnf/formats/cryoem/statistics.h"

namespace cnf::cryoem {

enum class StackFormat : std::uint8_t { mrc, zarr };
/// By the key's ending. Throws Error invalid_argument for any other.
[[nodiscard]] StackFormat stack_format(const storage::Location& to);

/// The type that boxes are written in: the volume's, if the target has it and nothing is computed.
[[nodiscard]] DataType stack_type(StackFormat format, DataType type) noexcept;

/// A stack that is about to be written.
struct Stack {
  DataType type = DataType::float32;
  std::uint64_t boxes = 0;
  Extent box{};           ///< z, y, x; of images z is 1.
  bool images = false;    ///< Of a stack or series.
  double voxel = 0;       ///< Å
  Statistics statistics;  ///< Of all that is written.
};

/// Gives the boxes, which come front to back: exactly one box's bytes.
using NextBox = std::function<void(MutableByteSpan into)>;

/// Writes a stack, and then the list of it. A stack is there whole, or not at all.
void write_stack(StackFormat format, const storage::Location& to, const Stack& stack,
                 const NextBox& next, const std::string& list_key, std::string_view list,
                 const Context& context);

}  // namespace cnf::cryoem
