// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/metadata/manager.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"

namespace cnf::query {

/// A dataset that exists: its store, the store its chunks lie in (the sharded view, if it is
/// sharded), and its manifest.
struct Dataset {
  std::shared_ptr<storage::Storage> root;
  std::shared_ptr<storage::Storage> chunks;
  metadata::Committed committed;

  [[nodiscard]] const metadata::Metadata& manifest() const noexcept { return committed.metadata; }
};

/// Opens the dataset at a store's root: one request (two where it is a Zarr group and `place` does
/// not say so). Throws not_found, corrupt_data, unsupported.
[[nodiscard]] Dataset open_dataset(std::shared_ptr<storage::Storage> root,
                                   const Context& context = {},
                                   metadata::Place place = metadata::Place::either);

/// Objects that the dataset does not name: what dead or replaced writers left, in order of their
/// keys on the root store. See metadata::Manager::orphans. Of a Zarr group only `__cnf/` (also a
/// writer's journal) and arrays named as this library's writers name them are looked at: a number
/// of one or two digits, below the id of a session or not, at the root and in `labels/NAME/` of
/// this dataset's labels. Throws Error corrupt_data if the chunk index is damaged: then nobody can
/// tell. Cost: one listing of the whole dataset; of a Zarr group also the chunk index.
[[nodiscard]] std::vector<storage::FileInfo> find_orphans(const Dataset& dataset,
                                                          const Context& context = {});

/// Something about a dataset that is not as it should be.
struct Finding {
  enum class Severity : std::uint8_t {
    error,    ///< Data is missing, damaged, or contradicts other data.
    warning,  ///< Nothing is lost, but something is to be known: an orphan.
  };
  Severity severity = Severity::error;
  std::string object;  ///< Its path below the dataset.
  std::string what;    ///< One line: what was found, and what was expected.
};
[[nodiscard]] std::string_view to_string(Finding::Severity severity) noexcept;

struct ValidateOptions {
  std::size_t threads = 4;                          ///< Objects read at once.
  std::uint64_t memory = std::uint64_t{128} << 20;  ///< Bytes held while reading.
  Progress* progress = nullptr;                     ///< Told the bytes read; not owned.
};

struct Validation {
  std::vector<Finding> findings;  ///< In order of the objects' paths.
  std::uint64_t objects = 0;      ///< Objects that were looked at.
  std::uint64_t bytes = 0;        ///< Bytes that were read and checked.

  [[nodiscard]] std::size_t count(Finding::Severity severity) const noexcept;
};

/// Checks what holds for every format: each object of the manifest and each chunk of the chunk
/// index is there with its length and CRC32C; the index lists exactly the chunks of the manifest's
/// runs; the sizes add up; nothing lies there that no manifest names (a warning). What a manifest
/// must hold by itself, open_dataset() has checked.
///
/// Damage is an answer, not an error. Throws what keeps it from looking: permission_denied,
/// unavailable, cancelled, …
/// Cost: reads every byte once, and one HEAD an object. Memory: options.memory, and the findings.
[[nodiscard]] Validation validate_objects(const Dataset& dataset, const ValidateOptions& options,
                                          const Context& context = {});

}  // namespace cnf::query
