// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/query/dataset.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/index/btree.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/chunk_rows_internal.h"
#include "cnf/core/storage/scan.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/worker/pool.h"

namespace cnf::query {
namespace {

using Severity = Finding::Severity;

// Damage of the dataset, as opposed to what keeps us from looking at it.
bool is_damage(const Error& error) {
  return error.code() == Errc::corrupt_data || error.code() == Errc::not_found ||
         error.code() == Errc::unsupported;
}

/// An object as somebody promised it.
struct Expected {
  std::string path;
  std::uint64_t length = 0;
  std::uint32_t crc32c = 0;
  std::string_view source;  // who promised it
};

class Validator {
 public:
  Validator(const Dataset& dataset, const ValidateOptions& options, const Context& context)
      : dataset_(dataset),
        manifest_(dataset.manifest()),
        options_(options),
        context_(context),
        window_(std::max<std::uint64_t>(
            options.memory / (2 * std::max<std::size_t>(options.threads, 1)), 64 << 10)),
        pool_(std::max<std::size_t>(options.threads, 1), context) {}

  Validation run() {
    check_listed_objects();
    check_chunks();
    pool_.wait();
    check_total_size();
    report_orphans();
    std::stable_sort(result_.findings.begin(), result_.findings.end(),
                     [](const Finding& a, const Finding& b) { return a.object < b.object; });
    return std::move(result_);
  }

 private:
  void report(Severity severity, std::string_view object, std::string what) {
    const std::lock_guard lock(mutex_);
    result_.findings.push_back({severity, std::string(object), std::move(what)});
  }
  void error(std::string_view object, std::string what) {
    report(Severity::error, object, std::move(what));
  }

  void check_listed_objects();
  void check_chunks();
  void check_chunk_row(const index::BTree::Row& row, const std::string& path);
  void check_total_size();
  void report_orphans();
  void submit(std::shared_ptr<const storage::Storage> storage, Expected expected);
  void check_object(const storage::Storage& storage, const Expected& expected);

  const Dataset& dataset_;
  const metadata::Metadata& manifest_;
  const ValidateOptions& options_;
  const Context& context_;
  const std::uint64_t window_;
  std::uint64_t promised_bytes_ = 0;  // by manifest and chunk index
  std::uint64_t chunks_seen_ = 0;     // rows of the chunk index that belong to a run
  bool chunks_known_ = false;         // whether those are all chunks
  std::optional<std::pair<std::string, std::string>> last_chunk_;  // its key, and its name
  std::mutex mutex_;
  Validation result_;  // guarded by mutex_ while the pool works
  worker::Pool pool_;  // last: its tasks use what stands above
};

void Validator::check_listed_objects() {
  for (const metadata::ObjectInfo& object : manifest_.objects) {
    promised_bytes_ += object.length;
    submit(dataset_.root, {object.path, object.length, object.crc32c, "the manifest"});
  }
}

void Validator::check_chunks() {
  const auto& objects = manifest_.objects;
  const auto listed = std::find_if(objects.begin(), objects.end(), [](const auto& object) {
    return object.name == metadata::kChunkIndex;
  });
  if (listed == objects.end()) {
    chunks_known_ = manifest_.chunks.num_chunks == 0;
    // Without runs a format names its chunks itself, and checks them itself.
    if (!manifest_.chunks.runs.empty()) {
      error(dataset_.committed.key(),
            "lists no index of the chunks, so none of them can be checked");
    }
    return;
  }
  const std::string& path = listed->path;
  try {
    open_chunk_index(dataset_.root, manifest_, context_)
        .for_each([&](const index::BTree::Row& row) { check_chunk_row(row, path); }, context_);
  } catch (const Error& damage) {
    if (!is_damage(damage)) throw;
    error(path, damage.what());
    return;
  }
  chunks_known_ = true;
  if (chunks_seen_ != manifest_.chunks.num_chunks) {
    error(path, fmt::format("lists {} chunks of the manifest's {}", chunks_seen_,
                            manifest_.chunks.num_chunks));
  }
}

void Validator::check_chunk_row(const index::BTree::Row& row, const std::string& path) {
  check_columns(row, path);
  const std::string name = name_of(row, manifest_);
  if (last_chunk_ && row.key <= last_chunk_->first) {
    error(path, fmt::format("lists chunk {} after chunk {}", name, last_chunk_->second));
    return;
  }
  last_chunk_.emplace(row.key, name);
  ListedChunk chunk;
  try {
    chunk = chunk_of(row, manifest_, path);
  } catch (const Error& unknown) {
    error(path, manifest_.chunks.named_by_format()
                    ? std::string(unknown.what())
                    : fmt::format("lists chunk {}, which no run of the manifest holds", name));
    return;
  }
  ++chunks_seen_;
  promised_bytes_ += chunk.length;
  submit(dataset_.chunks, {std::move(chunk.path), chunk.length, chunk.crc32c, "the chunk index"});
}

void Validator::check_total_size() {
  if (chunks_known_ && promised_bytes_ != manifest_.storage.total_size) {
    error(dataset_.committed.key(), fmt::format("total_size is {}, its objects and chunks have {}",
                                                manifest_.storage.total_size, promised_bytes_));
  }
}

void Validator::report_orphans() {
  try {
    for (const storage::FileInfo& orphan : find_orphans(dataset_, context_)) {
      report(Severity::warning, orphan.key,
             fmt::format("is an orphan of {} bytes: no manifest names it", orphan.size));
    }
  } catch (const Error& damage) {
    if (!is_damage(damage)) throw;  // else check_chunks() has told of the chunk index
  }
}

void Validator::submit(std::shared_ptr<const storage::Storage> storage, Expected expected) {
  pool_.submit([this, storage = std::move(storage), expected = std::move(expected)] {
    try {
      check_object(*storage, expected);
    } catch (const Error& damage) {
      if (!is_damage(damage)) throw;
      error(expected.path, damage.what());
    }
  });
}

void Validator::check_object(const storage::Storage& storage, const Expected& expected) {
  {
    const std::lock_guard lock(mutex_);
    ++result_.objects;
  }
  const std::optional<storage::FileInfo> info = storage.try_stat(expected.path, context_);
  if (!info) {
    error(expected.path, fmt::format("is missing; {} lists it", expected.source));
    return;
  }
  if (info->size != expected.length) {
    error(expected.path,
          fmt::format("has {} bytes, {} says {}", info->size, expected.source, expected.length));
    return;
  }
  std::uint32_t crc = 0;
  storage::scan(storage, *info, {.window = window_}, context_, [&](ByteSpan bytes) {
    crc = crc32c(bytes, crc);
    if (options_.progress != nullptr) options_.progress->add(bytes.size(), 0);
  });
  const std::lock_guard lock(mutex_);
  result_.bytes += info->size;
  if (crc != expected.crc32c) {
    result_.findings.push_back({Severity::error, expected.path,
                                fmt::format("crc32c is {:#010x}, {} says {:#010x}", crc,
                                            expected.source, expected.crc32c)});
  }
}

}  // namespace

std::string_view to_string(Finding::Severity severity) noexcept {
  return severity == Severity::error ? "error" : "warning";
}

std::size_t Validation::count(Severity severity) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(),
                    [severity](const Finding& finding) { return finding.severity == severity; }));
}

Dataset open_dataset(std::shared_ptr<storage::Storage> root, const Context& context,
                     metadata::Place place) {
  metadata::Committed committed = metadata::Manager(root).load(context, place);
  auto chunks = metadata::Manager::chunk_storage(root, committed.metadata);
  return {std::move(root), std::move(chunks), std::move(committed)};
}

Validation validate_objects(const Dataset& dataset, const ValidateOptions& options,
                            const Context& context) {
  return Validator(dataset, options, context).run();
}

}  // namespace cnf::query
