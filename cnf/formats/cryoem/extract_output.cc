// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "cnf/core/compress/blosc.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/storage/wrappers.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/mrc_writer.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/extract_output_internal.h"
#include "cnf/formats/cryoem/statistics.h"
#include "cnf/zarr/codecs.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/shard.h"

namespace cnf::cryoem {
namespace {

Shape shape_of(const Stack& stack) {
  if (stack.images) return {stack.boxes, stack.box[1], stack.box[2]};
  return {stack.boxes, stack.box[0], stack.box[1], stack.box[2]};
}

std::uint64_t box_bytes(const Stack& stack) {
  return stack.box[0] * stack.box[1] * stack.box[2] * size_of(stack.type);
}

void write_mrc(storage::Writer& writer, const Stack& stack, const NextBox& next) {
  em::MrcOutput output;
  output.info.kind = stack.images ? em::Kind::stack : em::Kind::volume_stack;
  output.info.shape = shape_of(stack);
  output.info.axes = stack.images ? std::vector<std::string>{"n", "y", "x"}
                                  : std::vector<std::string>{"n", "z", "y", "x"};
  output.info.type = stack.type;
  output.info.voxel.assign(output.info.shape.size(), stack.voxel);
  output.info.origin.assign(output.info.shape.size(), 0);
  output.statistics = {.min = stack.statistics.min,
                       .max = stack.statistics.max,
                       .mean = stack.statistics.mean,
                       .rms = stack.statistics.deviation()};
  em::MrcWriter mrc(output, [&](ByteSpan bytes) { writer.write(bytes); });
  Shape chunk = output.info.shape;
  chunk[0] = 1;
  Buffer box(box_bytes(stack));
  for (std::uint64_t i = 0; i < stack.boxes; ++i) {
    next(box.span());
    // A box is whole sections, of which the writer asks for as many as these bytes hold.
    if (mrc.next(box.size(), chunk).shape().elements() * size_of(stack.type) != box.size()) {
      throw Error(Errc::internal, "write", "MRC stack", "sections that are no whole boxes");
    }
    mrc.write(box.span());
  }
  mrc.finish();
}

/// LZ4 in Blosc: what every reader of Zarr knows, and as fast as the boxes come.
zarr::Codec compression(DataType type) {
  zarr::Codec codec;
  codec.kind = zarr::Codec::Kind::blosc;
  codec.blosc = {
      .codec = compress::BloscCodec::lz4,
      .level = 5,
      .shuffle = is_floating(type) ? compress::BloscShuffle::byte : compress::BloscShuffle::bit,
      .typesize = size_of(type),
      .blocksize = 0};
  return codec;
}

zarr::Codec plain(zarr::Codec::Kind kind) {
  zarr::Codec codec;
  codec.kind = kind;
  return codec;
}

zarr::ArrayMetadata array_of(const Stack& stack) {
  constexpr std::uint64_t kShardBytes = std::uint64_t{64} << 20;
  zarr::ArrayMetadata array;
  array.shape = shape_of(stack);
  array.type = stack.type;
  array.fill.resize(size_of(stack.type));
  auto sharding = std::make_shared<zarr::Sharding>();
  sharding->chunk = array.shape;
  sharding->chunk[0] = 1;
  sharding->codecs = {plain(zarr::Codec::Kind::bytes), compression(stack.type)};
  sharding->index_codecs = {plain(zarr::Codec::Kind::bytes), plain(zarr::Codec::Kind::crc32c)};
  array.chunk = sharding->chunk;
  array.chunk[0] = std::clamp<std::uint64_t>(kShardBytes / box_bytes(stack), 1, stack.boxes);
  zarr::Codec shards = plain(zarr::Codec::Kind::sharding);
  shards.sharding = sharding;
  array.codecs = {shards};
  array.dimension_names = stack.images ? std::vector<std::string>{"n", "y", "x"}
                                       : std::vector<std::string>{"n", "z", "y", "x"};
  if (stack.voxel > 0) array.attributes["voxel_size"] = stack.voxel;
  return array;
}

/// Removes what nobody will ever name, unless keep() was called.
class Unfinished {
 public:
  explicit Unfinished(std::shared_ptr<storage::Storage> root) : root_(std::move(root)) {}
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    if (keys_.empty()) return;
    try {
      // The context that ended the work must not end the cleaning as well.
      root_->remove(keys_,
                    Context().with_deadline(Context::Clock::now() + std::chrono::seconds(10)));
    } catch (const Error&) {
      return;  // objects below a name that is no array: the next one overwrites them
    }
  }
  void add(std::string key) { keys_.push_back(std::move(key)); }
  void keep() noexcept { keys_.clear(); }

 private:
  std::shared_ptr<storage::Storage> root_;
  std::vector<std::string> keys_;
};

void write_zarr(const std::shared_ptr<storage::Storage>& root, const Stack& stack,
                const NextBox& next, const Context& context) {
  Unfinished unfinished(root);
  const zarr::ArrayMetadata array = array_of(stack);
  const Shape& inner = array.inner_chunk();
  const std::uint64_t in_shard = array.chunk[0];
  Buffer box(box_bytes(stack));
  Buffer encoded;
  std::optional<zarr::ObjectWriter> shard;
  for (std::uint64_t i = 0; i < stack.boxes; ++i) {
    Shape at = Shape::filled(array.shape.size(), 0);
    if (i % in_shard == 0) {
      at[0] = i / in_shard;
      unfinished.add(array.chunk_key(at));
      shard.emplace(root, array.chunk_key(at), array, context);
    }
    next(box.span());
    encoded.clear();
    zarr::encode_chunk(array.sharding()->codecs, inner, array.type, box, encoded);
    at[0] = i % in_shard;
    shard->add(at, encoded);
    if (i % in_shard + 1 == in_shard || i + 1 == stack.boxes) (void)shard->finish();
  }
  root->put("zarr.json", as_bytes(zarr::to_json(array).dump(2)),
            {.condition = storage::Condition::if_absent(), .content_type = "application/json"},
            context);
  unfinished.keep();
}

}  // namespace

StackFormat stack_format(const storage::Location& to) {
  const std::string_view key = to.key;
  if (key.ends_with(".mrcs") || key.ends_with(".mrc")) return StackFormat::mrc;
  if (key.ends_with(".zarr")) return StackFormat::zarr;
  throw Error(Errc::invalid_argument, "extract to", to.storage->uri(to.key),
              "the name tells no format", "end it in .mrcs or .zarr");
}

DataType stack_type(StackFormat format, DataType type) noexcept {
  const bool has =
      format == StackFormat::zarr ? type != DataType::bool8 : em::mrc_mode_of(type).has_value();
  return has ? type : DataType::float32;
}

void write_stack(StackFormat format, const storage::Location& to, const Stack& stack,
                 const NextBox& next, const std::string& list_key, std::string_view list,
                 const Context& context) {
  const auto write_list = [&] { to.storage->put(list_key, as_bytes(list), {}, context); };
  if (format == StackFormat::zarr) {
    const auto root = storage::prefixed(to.storage, to.key);
    if (root->exists("zarr.json", context)) {
      throw Error(Errc::already_exists, "extract to", root->uri(), "there is an array already",
                  "remove it, or choose another place");
    }
    write_zarr(root, stack, next, context);
    write_list();
    return;
  }
  const auto writer = to.storage->create(to.key, {}, context);
  write_mrc(*writer, stack, next);
  writer->commit();
  write_list();
}

}  // namespace cnf::cryoem
