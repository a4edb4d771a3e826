// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "cnf/core/chunk/chunk.h"
#include "cnf/formats/vcfs3/bin.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/parse.h"

namespace cnf::vcfs3 {

/// Gathers records in the order of the input into bins. Threads: one at a time.
///
/// A bin ends where the contig changes, where the grid says so (what it counts as bytes are the
/// rests of cells, see FormatCells), at kBinRecords records, and before its rests or its site
/// columns exceed kMaxBinText (but a record that does so by itself is a bin of its own).
class BinBuilder {
 public:
  using Take = std::function<void(Bin bin)>;

  /// \param header, grid  must outlive this.
  /// \param take  gets each bin when it is complete; what it throws goes through.
  BinBuilder(const Header& header, const chunk::Strategy& grid, Take take);
  ~BinBuilder();
  BinBuilder(const BinBuilder&) = delete;
  BinBuilder& operator=(const BinBuilder&) = delete;

  /// The next records of the input. Cost: about a byte copied per genotype.
  void add(ParsedSlab slab);
  /// Completes the last bin. Once, after everything was added.
  void finish();
  /// Raw records so far.
  [[nodiscard]] std::uint64_t raw_records() const noexcept;
  /// False if the last line so far has no end.
  [[nodiscard]] bool final_newline() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Rests of a bin's cells, and its site columns, are no longer than this each, in bytes, where more
/// than one record makes them up.
inline constexpr std::uint64_t kMaxBinText = std::uint64_t{1} << 30;

}  // namespace cnf::vcfs3
