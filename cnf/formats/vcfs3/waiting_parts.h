// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cnf/core/metadata/metadata.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/source_part.h"

namespace cnf::vcfs3 {

/// Numbers of the chunks of part I begin at (I − 1) times this.
inline constexpr std::uint64_t kPartChunks = 10'000'000;

/// A part that was converted and waits for the commit: a dataset of its records alone, whose
/// manifest lies where no reader looks, at `_index/part-<I>-of-<N>-<id>.json`. Its custom's `part`
/// says how it fits to its neighbours.
struct WaitingPart {
  PartNumber part = {};
  std::string key = {};  ///< Of its manifest.
  metadata::Metadata manifest = {};
};

/// Keys of the manifests of parts, those of one part alone if it is given. One listing.
[[nodiscard]] std::vector<std::string> waiting_keys(const std::shared_ptr<storage::Storage>& root,
                                                    const Context& context,
                                                    const PartNumber* of = nullptr);

/// Makes a part wait for the commit.
void put_waiting(const std::shared_ptr<storage::Storage>& root, const metadata::Metadata& manifest,
                 PartNumber part, const std::string& id, const Context& context);

/// All parts, in their order, the newest of each. Throws Error not_found (none, some are missing),
/// invalid_argument (of several numbers, of several inputs or options, they do not meet),
/// corrupt_data.
[[nodiscard]] std::vector<WaitingPart> load_waiting(const std::shared_ptr<storage::Storage>& root,
                                                    const Context& context);

}  // namespace cnf::vcfs3
