// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "cnf/core/storage/temporary_file.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/cryoem/extract.h"
#include "cnf/formats/cryoem/extract_box_internal.h"
#include "cnf/formats/cryoem/extract_plan_internal.h"
#include "cnf/formats/cryoem/statistics.h"

namespace cnf::cryoem {

/// Puts the boxes of a plan together. Chunks come batch by batch; a box that still lacks some waits
/// in a file, and so do finished ones, for they are finished in the chunks' order and wanted in the
/// particles'. What it takes is not copied.
class ExtractRun {
 public:
  /// Throws as storage::TemporaryFile, and Error invalid_argument if one box does not fit the
  /// memory.
  ExtractRun(const ExtractPlan& plan, const BoxRecipe& recipe, const ExtractOptions& options,
             const Context& context);

  /// Makes all boxes: a batch of chunks is fetched while that before it is handed out.
  void run();
  /// Of all boxes, in their order.
  [[nodiscard]] Statistics statistics() const;
  /// A finished box, once.
  void take(std::size_t cut, MutableByteSpan into);

 private:
  /// The chunks of a batch, of each what is wanted.
  struct Loaded {
    Buffer bytes;
    std::vector<std::size_t> offsets;  // of each chunk
  };

  [[nodiscard]] Loaded load(std::size_t batch) const;
  void hand_out(const Loaded& loaded, std::size_t batch, std::size_t cut);
  void gather(const Loaded& loaded, std::size_t batch, const Cut& cut, MutableByteSpan raw) const;

  const ExtractPlan& plan_;
  const BoxRecipe& recipe_;
  const ExtractOptions& options_;
  const Context& context_;
  std::size_t makers_ = 1;  // threads
  BufferPool scratch_;
  std::vector<std::uint64_t> waiting_at_;   // of each cut, in waiting_
  std::vector<std::uint64_t> finished_at_;  // of each cut, in finished_
  std::vector<Statistics> statistics_;      // of each cut
  std::mutex files_;                        // both grow by one thread at a time
  storage::TemporaryFile waiting_;
  storage::TemporaryFile finished_;
};

}  // namespace cnf::cryoem
