// SPDX-License-Identifier: Apache-2.0
#include "cnf/zarr/array.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/core/worker/pool.h"
#include "cnf/zarr/array_plan_internal.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/objects_internal.h"

namespace cnf::zarr {
namespace {

/// What is kept from one read to the next.
constexpr std::size_t kKeptBuffers = std::size_t{16} << 20;
/// Chunks that are planned at once, at some 200 bytes each: large reads are done in pieces.
constexpr std::uint64_t kPlannedChunks = std::uint64_t{1} << 18;
/// Of a thread, where requests cost little: a quarter of it, or one chunk, is fetched at once, and
/// decoded while it is still in the processor's cache.
constexpr std::uint64_t kNearMemory = std::uint64_t{2} << 20;

[[nodiscard]] std::string join(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : fmt::format("{}/{}", path, name);
}

/// nullptr (JSON's null) where there is no such object.
nlohmann::json read_document(const storage::Storage& storage, const std::string& key,
                             const Context& context) {
  try {
    const storage::Object object = storage.read_all(key, kMaxDocumentBytes, context);
    return parse_document(object.bytes, storage.uri(key));
  } catch (const Error& error) {
    if (error.code() != Errc::not_found) throw;
    return nullptr;
  }
}

}  // namespace

struct Array::Impl {
  Impl(std::shared_ptr<const storage::Storage> storage, std::string path, ArrayMetadata described,
       ObjectLengths lengths)
      : metadata(std::move(described)),
        layout(metadata),
        objects(std::move(storage), std::move(path), metadata, std::move(lengths)) {}

  /// Reads targets that are planned together.
  void read(std::span<const Target> targets, const ReadOptions& options,
            const Context& context) const;
  /// The same, in pieces where they meet more chunks than are planned at once.
  void read_pieces(std::span<const Target> targets, const ReadOptions& options,
                   const Context& context) const;
  [[nodiscard]] std::uint64_t gap_of(const ReadOptions& options) const {
    return options.gap != 0 ? options.gap : objects.storage().read_profile().gap;
  }
  /// Chunks that a box meets.
  [[nodiscard]] std::uint64_t chunks_of(const Box& box) const;
  /// Both parts of a target that is cut where two chunks meet.
  [[nodiscard]] std::pair<Target, Target> halves_of(const Target& target) const;

  const ArrayMetadata metadata;
  const ChunkLayout layout;
  const Objects objects;
  const std::shared_ptr<BufferPool> buffers = std::make_shared<BufferPool>(kKeptBuffers);
};

Array Array::open(std::shared_ptr<const storage::Storage> storage, const std::string& path,
                  const Context& context) {
  const std::string key = join(path, "zarr.json");
  if (const nlohmann::json document = read_document(*storage, key, context); !document.is_null()) {
    ArrayMetadata metadata = parse_array(document, storage->uri(key));
    return {std::move(storage), path, std::move(metadata)};
  }
  const std::string v2_key = join(path, ".zarray");
  const nlohmann::json zarray = read_document(*storage, v2_key, context);
  if (zarray.is_null()) {
    throw Error(Errc::not_found, "open", storage->uri(path),
                "there is no Zarr array: neither zarr.json nor .zarray");
  }
  const nlohmann::json zattrs = read_document(*storage, join(path, ".zattrs"), context);
  ArrayMetadata metadata = parse_array_v2(zarray, zattrs, storage->uri(v2_key));
  return {std::move(storage), path, std::move(metadata)};
}

Array::Array(std::shared_ptr<const storage::Storage> storage, std::string path,
             ArrayMetadata metadata)
    : impl_(std::make_shared<const Impl>(std::move(storage), std::move(path), std::move(metadata),
                                         ObjectLengths())) {}

Array Array::with_lengths(ObjectLengths lengths) const {
  return Array(std::make_shared<const Impl>(impl_->objects.shared_storage(), impl_->objects.path(),
                                            impl_->metadata, std::move(lengths)));
}

const ArrayMetadata& Array::metadata() const noexcept { return impl_->metadata; }

std::string Array::uri() const { return impl_->objects.storage().uri(impl_->objects.path()); }

void Array::read(const Box& box, MutableByteSpan into, const ReadOptions& options,
                 const Context& context) const {
  const Wanted wanted{.box = box, .into = into};
  read(std::span(&wanted, 1), options, context);
}

void Array::read(std::span<const Wanted> wanted, const ReadOptions& options,
                 const Context& context) const {
  std::vector<Target> targets;
  targets.reserve(wanted.size());
  for (const Wanted& one : wanted) {
    check_within(one.box, shape(), uri());
    const std::uint64_t bytes = one.box.shape().elements() * impl_->layout.element_bytes;
    if (one.into.size() != bytes) {
      throw Error(
          Errc::invalid_argument, "read from", uri(),
          fmt::format("a box of {} {} takes {} bytes, {} are given", to_string(one.box.shape()),
                      to_string(metadata().type), bytes, one.into.size()));
    }
    targets.push_back(target_of(one.box, impl_->layout.element_bytes, one.into.data()));
  }
  impl_->read_pieces(targets, options, context);
}

query::Plan Array::plan(std::span<const Box> boxes, const ReadOptions& options,
                        const Context& context) const {
  std::vector<Target> targets;
  targets.reserve(boxes.size());
  for (const Box& box : boxes) {
    check_within(box, shape(), uri());
    targets.push_back(target_of(box, impl_->layout.element_bytes, nullptr));
  }
  return ReadPlan(impl_->metadata, impl_->objects, impl_->layout, targets, impl_->gap_of(options),
                  context)
      .plan();
}

std::uint64_t Array::Impl::chunks_of(const Box& box) const {
  if (box.empty()) return 0;
  return chunk::Grid(metadata.shape, layout.chunk).chunks_of(box).shape().elements();
}

std::pair<Target, Target> Array::Impl::halves_of(const Target& target) const {
  const Box chunks = chunk::Grid(metadata.shape, layout.chunk).chunks_of(target.box);
  std::size_t axis = 0;  // the slowest that can be cut
  while (chunks.end[axis] - chunks.begin[axis] < 2) ++axis;
  const std::uint64_t middle = (chunks.begin[axis] + chunks.end[axis]) / 2 * layout.chunk[axis];
  std::pair<Target, Target> halves{target, target};
  halves.first.box.end[axis] = middle;
  halves.second.box.begin[axis] = middle;
  halves.second.data += (middle - target.box.begin[axis]) * target.strides[axis];
  return halves;
}

void Array::Impl::read_pieces(std::span<const Target> targets, const ReadOptions& options,
                              const Context& context) const {
  std::vector<Target> waiting(targets.rbegin(), targets.rend());
  std::vector<Target> piece;
  std::uint64_t chunks = 0;
  while (!waiting.empty()) {
    const Target next = waiting.back();
    waiting.pop_back();
    const std::uint64_t more = chunks_of(next.box);
    if (more > kPlannedChunks) {
      const auto [first, second] = halves_of(next);
      waiting.push_back(second);
      waiting.push_back(first);
      continue;
    }
    if (chunks + more > kPlannedChunks) {
      read(piece, options, context);
      piece.clear();
      chunks = 0;
    }
    piece.push_back(next);
    chunks += more;
  }
  read(piece, options, context);
}

void Array::Impl::read(std::span<const Target> targets, const ReadOptions& options,
                       const Context& context) const {
  const ReadPlan reads(metadata, objects, layout, targets, gap_of(options), context);
  query::Plan plan = reads.plan();
  const std::size_t threads = options.threads == 0 ? worker::default_threads() : options.threads;
  std::uint64_t memory = options.memory;
  const bool far = is_far(objects.storage());
  if (!far) memory = std::min(memory, threads * std::max(kNearMemory, reads.longest()));
  using Fetching = query::ExecutorOptions::Fetching;
  const query::Executor executor(objects.shared_storage(),
                                 {.threads = threads,
                                  .memory = memory,
                                  .buffers = buffers,
                                  .fetch = {.gap = options.gap},
                                  .fetching = far ? Fetching::ahead : Fetching::in_place});
  executor.visit(
      std::move(plan),
      [&](const query::Unit& unit, std::span<const ByteSpan> ranges) {
        run_job(metadata, layout, reads, reads.job(unit.id), ranges, *buffers);
      },
      context);
}

}  // namespace cnf::zarr
