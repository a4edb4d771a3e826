// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/compress/blosc.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/chunk_sums_internal.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/objects_internal.h"
#include "cnf/zarr/rows_internal.h"

namespace cnf::zarr {

/// How the chunks of an array decode by themselves.
struct ChunkLayout {
  /// Of which a part can be read alone: what no codec changes, and frames of Blosc.
  enum class Parts : std::uint8_t { none, bytes, blocks };

  explicit ChunkLayout(const ArrayMetadata& array);

  Shape chunk;                    ///< An inner chunk.
  chunk::Grid inner;              ///< Of the chunks in an object.
  chunk::Grid objects;            ///< Of the objects in the array.
  std::span<const Codec> codecs;  ///< Of an inner chunk; the array must outlive it.
  std::size_t element_bytes = 1;
  std::size_t raw_bytes = 0;   ///< Of a chunk, decoded.
  Parts parts = Parts::none;   ///< Of which a part can be decoded alone,
  ChunkSums sums;              ///< What stands before each chunk.
  const Codec* sum = nullptr;  ///< but not be fetched alone where a sum is over all of it.
};

/// A box that is wanted, and where it goes. A part of a larger one has the larger one's strides.
struct Target {
  Box box;
  Strides strides{};
  std::byte* data = nullptr;  ///< Of the box's first element. Null where only a plan is wanted.
};
[[nodiscard]] Target target_of(const Box& box, std::size_t element_bytes, std::byte* data);

/// One chunk that is read, for all that want it.
struct ChunkJob {
  enum class How : std::uint8_t { fill, whole, part };

  std::uint64_t object = 0;  ///< Its number among the objects, in C order.
  std::uint64_t inner = 0;   ///< Its number within the object, in C order.
  std::size_t first = 0;     ///< Among the takers:
  std::size_t last = 0;      ///< [first, last) want it.
  How how = How::fill;
  std::uint64_t offset = 0;  ///< In the object.
  std::uint64_t length = 0;
  std::size_t begin = 0;  ///< What is fetched of plain bytes: [begin, end) of the chunk.
  std::size_t end = 0;
  std::unique_ptr<const compress::BloscFrame> frame = {};  ///< Whose blocks are fetched:
  std::vector<std::size_t> blocks = {};                    ///< these, each a range of the unit.
  Buffer sums = {};                                        ///< Of that frame, if it has any.
};

/// What is read for some boxes.
class ReadPlan {
 public:
  /// Sends the requests that planning needs: for indices of shards, and for the heads of frames of
  /// which a part is wanted.
  /// \param gap  bytes that cost as much to read as another request.
  ReadPlan(const ArrayMetadata& array, const Objects& objects, const ChunkLayout& layout,
           std::span<const Target> targets, std::uint64_t gap, const Context& context);

  /// Units have as id the number of their job.
  [[nodiscard]] query::Plan plan() const;
  /// Bytes of the longest chunk that is fetched.
  [[nodiscard]] std::uint64_t longest() const noexcept;
  [[nodiscard]] const ChunkJob& job(std::uint64_t number) const { return jobs_.at(number); }
  /// Where a chunk's elements go, for each that wants them: rows whose source is the chunk.
  struct Delivery {
    Rows rows;
    std::byte* data = nullptr;  ///< The rows' target.
  };
  [[nodiscard]] std::vector<Delivery> deliveries(const ChunkJob& job) const;
  /// For messages: the object's URI and where the chunk lies in it.
  [[nodiscard]] std::string subject_of(const ChunkJob& job) const;

 private:
  struct Taker {
    std::uint64_t object = 0;
    std::uint64_t inner = 0;
    std::size_t target = 0;
    auto operator<=>(const Taker&) const = default;
  };

  void list_takers();
  void group_takers();
  void locate(const Context& context);
  void choose_parts(std::uint64_t gap, const Context& context);
  /// \param fetched  the sums before the chunk, and as much of its front as a head may have.
  void take_head(ChunkJob& job, ByteSpan fetched) const;
  /// The first byte of the chunk that is wanted, and one past the last.
  [[nodiscard]] std::pair<std::size_t, std::size_t> span_of(const ChunkJob& job) const;
  /// What a target wants of a chunk.
  [[nodiscard]] Box wanted_of(const ChunkJob& job, const Target& target) const;
  [[nodiscard]] Shape begin_of(const ChunkJob& job) const;

  const ArrayMetadata& array_;
  const Objects& objects_;
  const ChunkLayout& layout_;
  const std::span<const Target> targets_;
  const Strides strides_;  // within a chunk
  std::vector<Taker> takers_;
  std::vector<ChunkJob> jobs_;
};

/// Decodes a job's chunk and puts its elements where they are wanted. \param ranges  of its unit.
void run_job(const ArrayMetadata& array, const ChunkLayout& layout, const ReadPlan& plan,
             const ChunkJob& job, std::span<const ByteSpan> ranges, BufferPool& buffers);

}  // namespace cnf::zarr
