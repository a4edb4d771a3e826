// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/compress/blosc.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/array_plan_internal.h"
#include "cnf/zarr/chunk_sums_internal.h"
#include "cnf/zarr/json_internal.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/objects_internal.h"
#include "cnf/zarr/rows_internal.h"
#include "cnf/zarr/shard.h"

namespace cnf::zarr {
namespace {

using Kind = Codec::Kind;

/// A head that is longer is not asked for: then all of the frame is.
constexpr std::size_t kMostHeadBytes = 4096;
/// Blocks are seldom smaller; where the metadata tell no size, that many are provided for.
constexpr std::size_t kLikelyBlock = std::size_t{16} << 10;

/// No codec makes much more of a chunk than it is: filters to wider types, shards in shards with
/// their indices. What claims more is damaged, and is not fetched.
[[nodiscard]] std::uint64_t most_encoded(std::uint64_t raw_bytes) {
  return 32 * raw_bytes + (std::uint64_t{1} << 20);
}

}  // namespace

ChunkLayout::ChunkLayout(const ArrayMetadata& array)
    : chunk(array.inner_chunk()),
      inner(array.chunk, chunk),
      objects(array.shape, array.chunk),
      codecs(array.sharding() != nullptr ? array.sharding()->codecs : array.codecs),
      element_bytes(size_of(array.type)),
      raw_bytes(chunk.elements() * element_bytes),
      sums(array) {
  std::vector<const Codec*> steps;
  for (const Codec& codec : codecs) {
    if (codec.kind != Kind::identity) steps.push_back(&codec);
  }
  const Kind last = steps.back()->kind;
  if (last == Kind::crc32c || last == Kind::fletcher32) {
    sum = steps.back();
    steps.pop_back();
  }
  const bool is_plain =
      steps.front()->kind == Kind::bytes && (steps.front()->little || word_of(array.type) == 1);
  if (is_plain && steps.size() == 1) parts = Parts::bytes;
  if (is_plain && steps.size() == 2 && steps[1]->kind == Kind::blosc) parts = Parts::blocks;
}

Target target_of(const Box& box, std::size_t element_bytes, std::byte* data) {
  return {.box = box, .strides = c_strides(box.shape(), element_bytes), .data = data};
}

ReadPlan::ReadPlan(const ArrayMetadata& array, const Objects& objects, const ChunkLayout& layout,
                   std::span<const Target> targets, std::uint64_t gap, const Context& context)
    : array_(array),
      objects_(objects),
      layout_(layout),
      targets_(targets),
      strides_(c_strides(layout.chunk, layout.element_bytes)) {
  list_takers();
  group_takers();
  locate(context);
  choose_parts(gap, context);
}

void ReadPlan::list_takers() {
  const chunk::Grid grid(array_.shape, layout_.chunk);
  for (std::size_t target = 0; target < targets_.size(); ++target) {
    if (targets_[target].box.empty()) continue;
    chunk::for_each_place(grid.chunks_of(targets_[target].box), [&](const Shape& at) {
      Shape object = at;
      Shape inner = at;
      for (std::size_t axis = 0; axis < at.size(); ++axis) {
        object[axis] = at[axis] / layout_.inner.counts()[axis];
        inner[axis] = at[axis] % layout_.inner.counts()[axis];
      }
      takers_.push_back({.object = layout_.objects.number_of(object),
                         .inner = layout_.inner.number_of(inner),
                         .target = target});
    });
  }
  std::ranges::sort(takers_);
}

void ReadPlan::group_takers() {
  for (std::size_t i = 0; i < takers_.size(); ++i) {
    const Taker& taker = takers_[i];
    if (jobs_.empty() || jobs_.back().object != taker.object || jobs_.back().inner != taker.inner) {
      jobs_.push_back({.object = taker.object, .inner = taker.inner, .first = i});
    }
    jobs_.back().last = i + 1;
  }
}

/// Finds each chunk in its object, and puts the jobs into the order of the objects' bytes.
void ReadPlan::locate(const Context& context) {
  std::vector<std::uint64_t> numbers;
  for (const ChunkJob& job : jobs_) {
    if (numbers.empty() || numbers.back() != job.object) numbers.push_back(job.object);
  }
  const auto found = objects_.find(numbers, context);
  std::size_t object = 0;
  for (ChunkJob& job : jobs_) {
    while (numbers[object] != job.object) ++object;
    const ObjectIndex& index = *found[object];
    if (!index.exists) continue;
    if (array_.sharding() == nullptr) {
      job.length = index.bytes;
    } else if (const ShardEntry& entry = index.entries[job.inner]; !entry.missing()) {
      job.offset = entry.offset;
      job.length = entry.length;
    } else {
      continue;
    }
    job.how = ChunkJob::How::whole;
    if (job.offset < layout_.sums.bytes()) {
      refuse(subject_of(job), "there is no room before it for its sums");
    }
    if (job.length > most_encoded(layout_.raw_bytes)) {
      refuse(subject_of(job),
             fmt::format("{} bytes are told for a chunk of {}", job.length, layout_.raw_bytes));
    }
    if (layout_.parts == ChunkLayout::Parts::bytes && layout_.sum == nullptr &&
        job.length != layout_.raw_bytes) {
      refuse(subject_of(job),
             fmt::format("it has {} bytes where {} are expected", job.length, layout_.raw_bytes));
    }
  }
  const auto in_bytes = [](const ChunkJob& job) {
    return std::tuple(job.object, job.offset, job.inner);
  };
  std::ranges::sort(jobs_, {}, in_bytes);
}

/// What a connection carries while a far store thinks: 30 ms at 50 MiB/s (query::CostModel).
constexpr std::uint64_t kRoundTripBytes = std::uint64_t{3} << 19;

/// Reads only a part of a chunk where what is saved is worth another request.
void ReadPlan::choose_parts(std::uint64_t gap, const Context& context) {
  if (layout_.parts == ChunkLayout::Parts::none || layout_.sum != nullptr) return;
  const std::size_t sums = layout_.sums.bytes();
  if (sums != 0 && !layout_.sums.by_blocks()) return;
  const std::size_t block = [&] {
    for (const Codec& codec : layout_.codecs) {
      if (codec.blosc.blocksize != 0) return codec.blosc.blocksize;
    }
    return kLikelyBlock;
  }();
  const std::size_t likely =
      compress::BloscFrame::kHeaderBytes + sizeof(std::uint32_t) * (layout_.raw_bytes / block + 1);
  std::vector<Buffer> heads;
  std::vector<storage::FetchRequest> requests;
  std::vector<ChunkJob*> asked;
  std::uint64_t saved = 0;
  for (ChunkJob& job : jobs_) {
    if (job.how != ChunkJob::How::whole) continue;
    const auto [begin, end] = span_of(job);
    const auto wanted = static_cast<std::uint64_t>(static_cast<double>(job.length) *
                                                   static_cast<double>(end - begin) /
                                                   static_cast<double>(layout_.raw_bytes));
    if (job.length <= wanted || job.length - wanted <= gap) continue;
    if (layout_.parts == ChunkLayout::Parts::bytes) {
      job.how = ChunkJob::How::part;
      job.begin = begin;
      job.end = end;
      continue;
    }
    heads.emplace_back(sums +
                       std::min({likely, kMostHeadBytes, static_cast<std::size_t>(job.length)}));
    asked.push_back(&job);
    saved += job.length - wanted;
  }
  // Blocks' places are a round trip more before the first byte, however many chunks there are.
  if (is_far(objects_.storage()) && saved < kRoundTripBytes) return;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    requests.push_back({.key = objects_.key_of(asked[i]->object),
                        .offset = asked[i]->offset - sums,
                        .into = heads[i].span()});
  }
  if (requests.empty()) return;
  objects_.storage().fetch(requests, context);
  for (std::size_t i = 0; i < asked.size(); ++i) take_head(*asked[i], heads[i]);
}

void ReadPlan::take_head(ChunkJob& job, ByteSpan fetched) const {
  const std::string subject = subject_of(job);
  const ByteSpan sums = fetched.first(layout_.sums.bytes());
  const ByteSpan head = fetched.subspan(sums.size());
  if (head.size() < compress::BloscFrame::kHeaderBytes ||
      compress::BloscFrame::head_bytes(head, subject) > head.size()) {
    return;  // more blocks than were provided for: all of the frame is fetched
  }
  check_chunk_sum(sums, 0, head.first(compress::BloscFrame::head_bytes(head, subject)), subject);
  auto frame = std::make_unique<compress::BloscFrame>(head, job.length, layout_.raw_bytes, subject);
  std::vector<std::size_t>& blocks = job.blocks;
  for (Delivery& delivery : deliveries(job)) {
    while (!delivery.rows.done()) {
      blocks.push_back(delivery.rows.source() / frame->block_bytes());
      delivery.rows.skip_to((blocks.back() + 1) * frame->block_bytes());
    }
  }
  std::ranges::sort(blocks);
  blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
  if (blocks.size() == frame->blocks()) {
    blocks.clear();
    return;
  }
  job.how = ChunkJob::How::part;
  job.frame = std::move(frame);
  job.sums = Buffer::copy_of(sums);
}

query::Plan ReadPlan::plan() const {
  query::Plan plan;
  plan.units.reserve(jobs_.size());
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    const ChunkJob& job = jobs_[i];
    query::Unit unit{.id = i};
    if (job.how != ChunkJob::How::fill) {
      const std::string key = objects_.key_of(job.object);
      if (job.how == ChunkJob::How::whole) {
        const std::size_t sums = layout_.sums.bytes();
        unit.ranges.push_back(
            {.key = key, .offset = job.offset - sums, .length = job.length + sums});
      } else if (job.frame == nullptr) {
        unit.ranges.push_back(
            {.key = key, .offset = job.offset + job.begin, .length = job.end - job.begin});
      } else {
        for (const std::size_t block : job.blocks) {
          const compress::BloscFrame::Range range = job.frame->range_of(block);
          unit.ranges.push_back(
              {.key = key, .offset = job.offset + range.offset, .length = range.length});
        }
      }
    }
    plan.units.push_back(std::move(unit));
  }
  return plan;
}

std::uint64_t ReadPlan::longest() const noexcept {
  std::uint64_t longest = 0;
  for (const ChunkJob& job : jobs_) longest = std::max(longest, job.length);
  return longest;
}

Shape ReadPlan::begin_of(const ChunkJob& job) const {
  const Shape object = layout_.objects.chunk_of_number(job.object);
  Shape begin = layout_.inner.chunk_of_number(job.inner);
  for (std::size_t axis = 0; axis < begin.size(); ++axis) {
    begin[axis] = (object[axis] * layout_.inner.counts()[axis] + begin[axis]) * layout_.chunk[axis];
  }
  return begin;
}

Box ReadPlan::wanted_of(const ChunkJob& job, const Target& target) const {
  Box chunk{.begin = begin_of(job), .end = {}};
  chunk.end = chunk.begin;
  for (std::size_t axis = 0; axis < chunk.end.size(); ++axis) {
    chunk.end[axis] += layout_.chunk[axis];
  }
  return intersect(target.box, chunk);
}

std::vector<ReadPlan::Delivery> ReadPlan::deliveries(const ChunkJob& job) const {
  const Shape begin = begin_of(job);
  std::vector<Delivery> result;
  result.reserve(job.last - job.first);
  for (std::size_t i = job.first; i < job.last; ++i) {
    const Target& target = targets_[takers_[i].target];
    const Box wanted = wanted_of(job, target);
    const Shape in_chunk = Box{begin, wanted.begin}.shape();
    const Shape in_target = Box{target.box.begin, wanted.begin}.shape();
    result.push_back(
        {.rows = Rows(wanted.shape(), layout_.element_bytes, strides_, target.strides,
                      offset_of(in_chunk, strides_), offset_of(in_target, target.strides)),
         .data = target.data});
  }
  return result;
}

std::pair<std::size_t, std::size_t> ReadPlan::span_of(const ChunkJob& job) const {
  const Shape begin = begin_of(job);
  std::pair<std::size_t, std::size_t> span{layout_.raw_bytes, 0};
  for (std::size_t i = job.first; i < job.last; ++i) {
    const Box wanted = wanted_of(job, targets_[takers_[i].target]);
    std::size_t last = 0;
    for (std::size_t axis = 0; axis < begin.size(); ++axis) {
      last += (wanted.end[axis] - 1 - begin[axis]) * strides_[axis];
    }
    const std::size_t first = offset_of(Box{begin, wanted.begin}.shape(), strides_);
    span.first = std::min(span.first, first);
    span.second = std::max(span.second, last + layout_.element_bytes);
  }
  return span;
}

std::string ReadPlan::subject_of(const ChunkJob& job) const {
  const std::string uri = objects_.storage().uri(objects_.key_of(job.object));
  return array_.sharding() == nullptr ? uri : fmt::format("{}@{}", uri, job.offset);
}

}  // namespace cnf::zarr
