// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/hts/spill_file.h"

namespace cnf::vcfs3 {

/// An ID by its hash, and the page it stands in.
struct IdEntry {
  std::uint64_t hash = 0;
  std::uint64_t page = 0;  ///< kBinPages × bin + page of the bin.
  auto operator<=>(const IdEntry&) const = default;
};

/// Sorts IDs in bounded memory: what does not fit goes to a temporary file without a name, run by
/// run, and is merged at the end. Threads: one at a time.
class IdSorter {
 public:
  /// \param memory     bytes held at once, about.
  /// \param temporary  a folder; empty: the system's.
  IdSorter(std::uint64_t memory, std::filesystem::path temporary)
      : most_(memory / sizeof(IdEntry)), temporary_(std::move(temporary)) {}

  /// Throws what SpillFile throws.
  void add(const IdEntry& entry);
  /// How many were added.
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// Gives all in their order, equal ones once. The sorter is done after it.
  void finish(const std::function<void(const IdEntry&)>& visit, const Context& context);

 private:
  struct Run {
    std::uint64_t begin = 0, end = 0;  // in spill_
  };
  class Cursor;

  void spill();

  std::uint64_t most_;
  std::filesystem::path temporary_;
  std::vector<IdEntry> entries_;
  std::uint64_t count_ = 0;
  std::unique_ptr<hts::SpillFile> spill_;
  std::vector<Run> runs_;
};

}  // namespace cnf::vcfs3
