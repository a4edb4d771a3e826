// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "cnf/core/compress/codec.h"
#include "cnf/core/index/page_internal.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::index {
namespace {

constexpr std::string_view kMagic = "CNFI";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kSelfChecked = 24;  // bytes of the trailer before its own CRC32C

// Roots of the datasets we know fit, and so does the whole index of a small one; it costs no more
// time to fetch than a byte.
constexpr std::uint64_t kTailGuess = std::uint64_t{32} << 10;

// Pages are written once and read often; above level 9 they take longer and hardly shrink.
constexpr int kZstdLevel = 9;

std::string_view describe(TreeKind kind) {
  switch (kind) {
    case TreeKind::btree:
      return "a B+tree";
    case TreeKind::interval:
      return "an interval tree";
    case TreeKind::rtree:
      return "an R-tree";
  }
  return "a tree of an unknown kind";
}

}  // namespace

void throw_corrupt(std::string_view subject, std::string_view why) {
  throw Error(Errc::corrupt_data, "read index", subject, why);
}

std::string page_subject(const PageSource& source, std::uint64_t offset) {
  return fmt::format("{}@{}", source.subject(), offset);
}

void check_options(const TreeOptions& options) {
  const auto check = [](std::string_view name, std::size_t value, std::size_t least,
                        std::size_t most) {
    if (value >= least && value <= most) return;
    throw Error(Errc::invalid_argument, "build index", name,
                fmt::format("{} is out of range", value), fmt::format("use {} to {}", least, most));
  };
  check("page_rows", options.page_rows, 1, kMaxPageEntries);
  check("page_children", options.page_children, 2, kMaxPageEntries);
  check("columns", options.columns, 0, kMaxColumns);
}

Buffer pack_page(ByteSpan raw) {
  static const auto codec = compress::make_codec({.algorithm = "zstd", .level = kZstdLevel});
  Buffer stored;
  ByteWriter writer(stored);
  writer.put(static_cast<std::uint8_t>(compress::CodecId::zstd));
  writer.put_varint(raw.size());
  codec->compress(raw, stored);
  if (stored.size() > raw.size()) {
    stored.clear();
    writer.put(static_cast<std::uint8_t>(compress::CodecId::none));
    writer.put_bytes(raw);
  }
  return stored;
}

Buffer unpack_page(ByteSpan stored, std::string_view subject) {
  ByteReader reader(stored, subject);
  const auto codec = compress::codec_id(reader.get<std::uint8_t>(), subject);
  const std::uint64_t size =
      codec == compress::CodecId::none ? reader.remaining() : reader.get_varint();
  if (size > kMaxPageBytes) throw_corrupt(subject, fmt::format("a page of {} bytes", size));
  Buffer raw(size);
  compress::decompress(codec, reader.get_bytes(reader.remaining()), raw.span(), subject);
  return raw;
}

void put_trailer(const Trailer& trailer, Buffer& out) {
  const std::size_t start = out.size();
  ByteWriter writer(out);
  writer.put(trailer.root_offset);
  writer.put(trailer.root_length);
  writer.put(trailer.root_crc32c);
  writer.put(static_cast<std::uint16_t>(trailer.shape.columns));
  writer.put(static_cast<std::uint16_t>(trailer.shape.summed));
  writer.put(static_cast<std::uint8_t>(trailer.shape.kind));
  writer.put(kVersion);
  writer.put(std::uint16_t{0});
  writer.put(crc32c(out.span().subspan(start)));
  writer.put_bytes(as_bytes(kMagic));
}

Trailer get_trailer(ByteSpan tail, std::string_view subject) {
  if (tail.size() < kTrailerBytes) throw_corrupt(subject, "too short for a saved tree");
  const ByteSpan bytes = tail.last(kTrailerBytes);
  if (as_text(bytes.last(kMagic.size())) != kMagic) {
    throw_corrupt(subject, "it does not end as a saved tree does");
  }
  ByteReader reader(bytes, subject);
  Trailer trailer;
  trailer.root_offset = reader.get<std::uint64_t>();
  trailer.root_length = reader.get<std::uint32_t>();
  trailer.root_crc32c = reader.get<std::uint32_t>();
  trailer.shape.columns = reader.get<std::uint16_t>();
  trailer.shape.summed = reader.get<std::uint16_t>();
  const auto kind = reader.get<std::uint8_t>();
  const auto version = reader.get<std::uint8_t>();
  const auto reserved = reader.get<std::uint16_t>();
  verify_crc32c(bytes.first(kSelfChecked), reader.get<std::uint32_t>(), subject);
  if (version > kVersion) {
    throw Error(Errc::unsupported, "read index", subject,
                fmt::format("it is of version {}, and {} is the last one known", version, kVersion),
                "use a newer version of cnf");
  }
  if (version == 0 || reserved != 0 || kind < 1 || kind > 3)
    throw_corrupt(subject, "its trailer is not right");
  trailer.shape.kind = static_cast<TreeKind>(kind);
  if (trailer.shape.columns > kMaxColumns || trailer.shape.summed > trailer.shape.columns) {
    throw_corrupt(subject, fmt::format("{} columns, {} of them summed", trailer.shape.columns,
                                       trailer.shape.summed));
  }
  if (trailer.root_length == 0 || trailer.root_length > kMaxStoredBytes) {
    throw_corrupt(subject, fmt::format("a root page of {} bytes", trailer.root_length));
  }
  return trailer;
}

ByteSpan root_page(const Trailer& trailer, ByteSpan tail, std::string_view subject) {
  const ByteSpan before = tail.first(tail.size() - kTrailerBytes);
  if (trailer.root_length > before.size()) throw_corrupt(subject, "its root page is cut off");
  const ByteSpan root = before.last(trailer.root_length);
  verify_crc32c(root, trailer.root_crc32c, fmt::format("{}@{}", subject, trailer.root_offset));
  return root;
}

void check_kind(const Trailer& trailer, TreeKind wanted, std::string_view subject) {
  if (trailer.shape.kind == wanted) return;
  throw_corrupt(subject,
                fmt::format("it is {}, not {}", describe(trailer.shape.kind), describe(wanted)));
}

OpenedTail read_tree_tail(std::shared_ptr<const storage::Storage> storage, std::string key,
                          const Context& context) {
  const std::string subject = storage->uri(key);
  storage::Object object = storage->read_tail(key, kTailGuess, context);
  const Trailer trailer = get_trailer(object.bytes, subject);
  const std::uint64_t needed = trailer.root_length + kTrailerBytes;
  if (trailer.root_offset > object.info.size || object.info.size - trailer.root_offset != needed) {
    throw_corrupt(subject,
                  fmt::format("its root is said to lie at {}, {} bytes before the end of {}",
                              trailer.root_offset, needed, object.info.size));
  }
  if (needed > object.bytes.size()) object = storage->read_tail(key, needed, context);
  OpenedTail opened;
  opened.pages = object.bytes.size() == object.info.size
                     ? memory_pages(Buffer::copy_of(object.bytes), subject)
                     : object_pages(std::move(storage), std::move(key));
  opened.tail = std::move(object.bytes);
  return opened;
}

}  // namespace cnf::index
