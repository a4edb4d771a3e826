// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/hts/spill_file.h"

namespace cnf::vcfs3 {

/// Sorts keys of IDs and the places they were found at, in bounded memory: what does not fit goes
/// to a temporary file without a name, run by run, and is merged at the end.
/// Threads: one at a time.
class IdSorter {
 public:
  /// \param memory     bytes of keys and places held at once.
  /// \param temporary  a folder; empty: the system's.
  IdSorter(std::uint64_t memory, std::filesystem::path temporary)
      : memory_(memory), temporary_(std::move(temporary)) {}

  /// Places must ascend. A key has at most index::kMaxKeyBytes. Throws what SpillFile throws.
  void add(std::string_view key, std::uint64_t place);

  using Visit = std::function<void(std::string_view key, std::uint64_t place)>;
  /// Gives all of them by key, those of one key by place. The sorter is done after it.
  void finish(const Visit& visit, const Context& context);

 private:
  struct Entry {
    std::uint64_t prefix = 0;  // the key's first eight bytes as a number, so that most compare fast
    std::uint64_t place = 0;
    std::uint32_t offset = 0, length = 0;  // of the key in keys_
  };
  struct Run {
    std::uint64_t begin = 0, end = 0;  // in spill_
  };
  class Cursor;

  [[nodiscard]] std::string_view key_of(const Entry& entry) const noexcept;
  void sort();
  void spill();

  std::uint64_t memory_;
  std::filesystem::path temporary_;
  Buffer keys_;
  std::vector<Entry> entries_;
  std::unique_ptr<hts::SpillFile> spill_;
  std::vector<Run> runs_;
};

}  // namespace cnf::vcfs3
