// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/chunk_sums_internal.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/shard.h"

namespace cnf::zarr {
namespace {

// What is written here: an index at the end, little-endian, with or without its sum.
void check_writable(const Sharding& sharding, const std::string& key) {
  const auto& codecs = sharding.index_codecs;
  const bool plain = !codecs.empty() && codecs[0].kind == Codec::Kind::bytes && codecs[0].little;
  const bool summed = codecs.size() == 2 && codecs[1].kind == Codec::Kind::crc32c;
  if (sharding.index_at_end && plain && (codecs.size() == 1 || summed)) return;
  throw Error(Errc::unsupported, "write", key, "an index that is not little-endian at the end");
}

}  // namespace

struct ObjectWriter::Impl {
  Impl(std::shared_ptr<storage::Storage> the_storage, std::string the_key,
       const ArrayMetadata& array, Context the_context)
      : storage(std::move(the_storage)),
        key(std::move(the_key)),
        context(std::move(the_context)),
        grid(array.chunk, array.inner_chunk()),
        sums(array) {
    const Sharding* shards = array.sharding();
    if (shards == nullptr) return;
    check_writable(*shards, key);
    summed = shards->index_codecs.size() == 2;
    sharded = true;
  }

  void write(ByteSpan bytes) {
    writer->write(bytes);
    written.crc32c = crc32c(bytes, written.crc32c);
    written.length += bytes.size();
  }

  void write_index() {
    Buffer saved;
    ByteWriter out(saved);
    for (const ShardEntry& entry : index) {
      out.put(entry.offset);
      out.put(entry.length);
    }
    if (summed) out.put(crc32c(saved));
    write(saved);
  }

  std::shared_ptr<storage::Storage> storage;
  std::string key;
  Context context;
  chunk::Grid grid;  // of inner chunks in the object
  ChunkSums sums;
  bool sharded = false;
  bool summed = false;
  std::vector<ShardEntry> index;            // empty before the first chunk
  std::unique_ptr<storage::Writer> writer;  // likewise; aborts when it is destroyed uncommitted
  WrittenObject written;
};

ObjectWriter::ObjectWriter(std::shared_ptr<storage::Storage> storage, std::string key,
                           const ArrayMetadata& array, const Context& context)
    : impl_(std::make_unique<Impl>(std::move(storage), std::move(key), array, context)) {}

ObjectWriter::~ObjectWriter() = default;

void ObjectWriter::add(const Shape& at, ByteSpan encoded) {
  Impl& me = *impl_;
  Box place{at, at};
  for (std::size_t axis = 0; axis < at.size(); ++axis) ++place.end[axis];
  check_within(place, me.grid.counts(), me.key);
  if (me.writer == nullptr) {
    me.index.resize(me.grid.counts().elements());
    me.writer = me.storage->create(me.key, {}, me.context);
  }
  ShardEntry& entry = me.index[me.grid.number_of(at)];
  if (!entry.missing()) {
    throw Error(Errc::invalid_argument, "write", me.key,
                fmt::format("chunk {} was there already", to_string(at)));
  }
  Buffer sums;
  me.sums.append(encoded, sums);
  if (!sums.empty()) me.write(sums);
  entry = {me.written.length, encoded.size()};
  me.write(encoded);
}

std::optional<WrittenObject> ObjectWriter::finish() {
  Impl& me = *impl_;
  if (me.writer == nullptr) return {};
  if (me.sharded) me.write_index();
  (void)me.writer->commit();
  me.written.key = me.key;
  return me.written;
}

}  // namespace cnf::zarr
