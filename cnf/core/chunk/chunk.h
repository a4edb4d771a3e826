// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cnf::chunk {

/// A place on the axis along which a dataset is cut: records of one sequence at a position, bytes
/// of a stream (sequence 0). 0-based.
struct Key {
  std::uint32_t sequence = 0;
  std::int64_t position = 0;
};

/// What has gone into the chunk that is being filled.
struct Fill {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;  ///< Encoded bytes.
  Key first{};
};

/// A chunk of an extent, as a strategy plans it.
struct ChunkInfo {
  std::uint64_t number = 0;  ///< Counted along its sequence, from 0 at position 0.
  Key begin{};
  Key end{};  ///< Half-open; of the same sequence.
};

/// Where a dataset is cut into chunks. Pure: no I/O, no state.
class Strategy {
 public:
  virtual ~Strategy() = default;
  /// As the manifest spells it: "fixed", "coordinate".
  [[nodiscard]] virtual std::string name() const = 0;
  /// What it aims at, in its own unit (bytes, base pairs).
  [[nodiscard]] virtual std::uint64_t chunk_size() const noexcept = 0;
  /// True if a record at `next` belongs into a new chunk.
  [[nodiscard]] virtual bool ends_before(const Fill& current, const Key& next) const = 0;
  /// The chunks that [begin, end) of one sequence meets, where the strategy cuts by key alone; they
  /// are whole, so the first may begin before and the last end behind. Throws Error unsupported
  /// where the data decides (fixed bytes), invalid_argument if the extent is not one of a sequence
  /// or has more than a million chunks.
  [[nodiscard]] virtual std::vector<ChunkInfo> plan(const Key& begin, const Key& end) const = 0;
};

/// Cuts after `bytes` encoded bytes: chunks of even size whatever the coverage.
class FixedStrategy final : public Strategy {
 public:
  /// Throws Error invalid_argument if `bytes` is 0.
  explicit FixedStrategy(std::uint64_t bytes);
  [[nodiscard]] std::string name() const override { return "fixed"; }
  [[nodiscard]] std::uint64_t chunk_size() const noexcept override { return bytes_; }
  [[nodiscard]] bool ends_before(const Fill& current, const Key& next) const override;
  [[nodiscard]] std::vector<ChunkInfo> plan(const Key& begin, const Key& end) const override;

 private:
  std::uint64_t bytes_;
};

/// Cuts at multiples of `span` along each sequence, and where the sequence changes. Positions below
/// 0 (unplaced records) have chunks of their own.
class CoordinateStrategy final : public Strategy {
 public:
  /// \param span  in the field's unit (bp, ms). Throws Error invalid_argument if it is 0.
  explicit CoordinateStrategy(std::uint64_t span);
  [[nodiscard]] std::string name() const override { return "coordinate"; }
  [[nodiscard]] std::uint64_t chunk_size() const noexcept override { return span_; }
  [[nodiscard]] bool ends_before(const Fill& current, const Key& next) const override;
  [[nodiscard]] std::vector<ChunkInfo> plan(const Key& begin, const Key& end) const override;

 private:
  std::uint64_t span_;
};

}  // namespace cnf::chunk
