// SPDX-License-Identifier: Apache-2.0
// Writes the corpora that fuzzing starts from, made by our own encoders: fuzz_seeds DIR.

#include "fuzz/seeds.h"

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/harness.h"

#include "cnf/core/compress/codec.h"
#include "cnf/core/compress/integers.h"
#include "cnf/core/compress/range_coder.h"
#include "cnf/core/index/btree.h"
#include "cnf/core/index/btree_internal.h"
#include "cnf/core/index/interval.h"
#include "cnf/core/index/interval_internal.h"
#include "cnf/core/index/page_content_internal.h"
#include "cnf/core/index/page_internal.h"
#include "cnf/core/index/rtree.h"
#include "cnf/core/index/rtree_internal.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"

namespace cnf::fuzz {
namespace {

void write_codec_seeds(const SeedWriter& seeds) {
  std::string raw = "what is compressed, what is compressed again, and ";
  for (int i = 0; i < 40; ++i) raw += std::to_string(i * i);
  for (const char* const name : {"none", "lz4", "lz4:9", "zstd", "zstd:19"}) {
    const auto codec = compress::make_codec(compress::CodecOptions::parse(name));
    Buffer whole;
    ByteWriter head(whole);
    head.put(static_cast<std::uint8_t>(codec->id()));
    head.put(static_cast<std::uint16_t>(raw.size()));
    Buffer streamed = Buffer::copy_of(whole);
    codec->compress(as_bytes(raw), whole);
    seeds.write("codec", std::string("whole_") + name, whole);
    const auto encoder = codec->make_encoder();
    encoder->write(as_bytes(raw), streamed);
    encoder->finish(streamed);
    seeds.write("codec", std::string("stream_") + name, streamed);
  }
}

void write_integer_seeds(const SeedWriter& seeds) {
  const std::vector<std::uint64_t> ascending = {1, 5, 5, 300, 70'000, std::uint64_t{1} << 40};
  const std::vector<std::uint64_t> any = {~std::uint64_t{0}, 0, 3, 1};
  for (const auto& [name, values] : {std::pair("ascending", ascending), std::pair("any", any)}) {
    Buffer column;
    ByteWriter out(column);
    out.put(static_cast<std::uint8_t>(values.size()));
    compress::put_column(values, out);
    seeds.write("integers", name, column);
  }
}

/// The pages of a saved tree before compression, as tree_fuzz.cc takes them.
template <typename Traits>
Buffer pages_of(ByteSpan saved, const index::Trailer& trailer) {
  Buffer parts;
  const std::uint8_t shape[] = {static_cast<std::uint8_t>(trailer.shape.kind),
                                static_cast<std::uint8_t>(trailer.shape.columns),
                                static_cast<std::uint8_t>(trailer.shape.summed)};
  put_part(std::as_bytes(std::span(shape)), parts);
  const ByteSpan stored = saved.subspan(trailer.root_offset, trailer.root_length);
  const auto root = index::decode_page<Traits>(stored, trailer.shape, trailer.root_offset, "seed");
  if (const auto* inner = std::get_if<index::InnerPage<Traits>>(&root)) {
    // Only what lies right below the root: seeds have two levels at most. Compressed pages became
    // longer, so the places in the root are told anew.
    index::InnerPage<Traits> moved = *inner;
    std::uint64_t at = 0;
    for (index::Child<Traits>& child : moved.children) {
      const Buffer raw = index::unpack_page(saved.subspan(child.offset, child.length), "seed");
      put_part(raw, parts);
      child.offset = at;
      child.length = raw.size() + 1;
      at = child.end();
    }
    put_part(index::encode_page<Traits>(moved, trailer.shape.summed), parts);
  } else {
    put_part(index::unpack_page(stored, "seed"), parts);
  }
  return parts;
}

template <typename Traits, typename MakeKey>
void write_tree(const SeedWriter& seeds, const std::string& name, std::size_t rows,
                index::TreeOptions options, const MakeKey& key) {
  Buffer saved;
  index::TreeBuilder<Traits> builder(options, [&](ByteSpan bytes) { saved.append(bytes); });
  std::vector<std::uint64_t> columns(options.columns);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t c = 0; c < columns.size(); ++c) columns[c] = i * (c + 1);
    builder.add(key(i), columns);
  }
  (void)builder.finish();
  const index::Trailer trailer = index::get_trailer(saved, "seed");
  Buffer whole;
  put_part(as_bytes(std::string_view("\0\0\0", 3)), whole);
  put_part(saved, whole);
  seeds.write("tree", name + "_saved", whole);
  seeds.write("tree", name + "_pages", pages_of<Traits>(saved, trailer));
}

void write_index_seeds(const SeedWriter& seeds) {
  const auto interval = [](std::size_t i) {
    const auto start = static_cast<std::int64_t>(i % 5 * 100);
    return index::Interval{static_cast<std::uint32_t>(i / 5), start, start + 120};
  };
  const auto name = [](std::size_t i) { return "key" + std::to_string(100 + i); };
  const auto point = [](std::size_t i) {
    const auto at = static_cast<double>(i);
    return index::SpatialBox{{at, at / 4, -at}, {at, at / 4, -at}};
  };
  const auto box = [](std::size_t i) {
    const auto at = static_cast<double>(i);
    return index::SpatialBox{{at, at, 0}, {at + 8, 2 * at, 0}};
  };
  const auto number = [](std::size_t i) { return index::big_endian_key(i); };
  const index::TreeOptions leaf_only{.columns = 2, .summed = 1};
  const index::TreeOptions two_levels{
      .page_rows = 3, .page_children = 8, .columns = 2, .summed = 1};
  const index::TreeOptions keys_only{.columns = 0};
  write_tree<index::IntervalTraits>(seeds, "interval_empty", 0, leaf_only, interval);
  write_tree<index::IntervalTraits>(seeds, "interval_leaf", 12, leaf_only, interval);
  write_tree<index::IntervalTraits>(seeds, "interval_levels", 12, two_levels, interval);
  write_tree<index::BTreeTraits>(seeds, "btree_leaf", 12, leaf_only, number);
  write_tree<index::BTreeTraits>(seeds, "btree_levels", 12, two_levels, name);
  write_tree<index::BTreeTraits>(seeds, "btree_keys", 5, keys_only, name);
  write_tree<index::RTreeTraits>(seeds, "rtree_points", 12, leaf_only, point);
  write_tree<index::RTreeTraits>(seeds, "rtree_levels", 12, two_levels, box);
}

void write_range_coder_seeds(const SeedWriter& seeds) {
  Buffer bytes;
  compress::RangeEncoder coder(bytes);
  std::vector<compress::AdaptiveBit> contexts(4);
  for (std::size_t i = 0; i < 2'000; ++i) coder.code(contexts[i % 4], i * i % 97 < 5, 60);
  coder.finish();
  seeds.write("range_coder", "skewed", bytes);
  seeds.write("range_coder", "text", as_bytes("any bytes are bits of some kind"));
}

void write_manifest_seeds(const SeedWriter& seeds) {
  metadata::Metadata manifest;
  manifest.format = "BAMS3";
  manifest.version = "1.0.0";
  manifest.created = std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000));
  manifest.dataset_id = "0123456789abcdef";
  manifest.created_by = "cnf 0.1.0";
  manifest.chunks.strategy = "fixed";
  manifest.compression.algorithm = "zstd";
  seeds.write("manifest", "empty_dataset", metadata::to_json(manifest));

  manifest.description = "a dataset with \"quotes\" and \u00e9";
  manifest.storage = {.total_size = 1234, .sharding_bits = 8};
  manifest.chunks = {.strategy = "coordinate",
                     .num_chunks = 5,
                     .chunk_size = 1 << 20,
                     .runs = {{0, 3, "aa"}, {3, 2, "bb"}}};
  manifest.compression = {.algorithm = "zstd", .level = 3, .ratio = 2.5};
  metadata::ObjectInfo header{.name = "header", .path = "_index/header-aa", .length = 5};
  header.inlined = Buffer::copy_of(as_bytes("hello"));
  header.crc32c = crc32c(header.inlined);
  manifest.objects.push_back(std::move(header));
  metadata::ObjectInfo tree{.name = "chunks", .path = "_index/chunks-aa.idx", .length = 700};
  tree.root = Buffer::copy_of(as_bytes("a root page"));
  manifest.objects.push_back(std::move(tree));
  manifest.custom = {
      {"records", 7}, {"order", "coordinate"}, {"nested", {{"list", {1, 2.5, nullptr}}}}};
  manifest.unknown = {{"later", true}};
  seeds.write("manifest", "full", metadata::to_json(manifest));
}

}  // namespace

void SeedWriter::write(std::string_view target, std::string_view name, ByteSpan bytes) const {
  const std::filesystem::path folder = root_ / target;
  std::filesystem::create_directories(folder);
  const std::filesystem::path path = folder / name;
  std::ofstream out(path, std::ios::binary);
  out.write(as_text(bytes).data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) throw Error(Errc::internal, "write seed", path.string(), "it failed");
}

}  // namespace cnf::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_seeds DIR\n");
    return 2;
  }
  const cnf::fuzz::SeedWriter seeds{std::filesystem::path(argv[1])};
  cnf::fuzz::write_codec_seeds(seeds);
  cnf::fuzz::write_blosc_seeds(seeds);
  cnf::fuzz::write_cryoem_seeds(seeds);
  write_em_seeds(seeds);
  cnf::fuzz::write_integer_seeds(seeds);
  cnf::fuzz::write_range_coder_seeds(seeds);
  cnf::fuzz::write_index_seeds(seeds);
  cnf::fuzz::write_manifest_seeds(seeds);
  cnf::fuzz::write_points_seeds(seeds);
  cnf::fuzz::write_text_seeds(seeds);
  cnf::fuzz::write_tiff_seeds(seeds);
  cnf::fuzz::write_bams3_seeds(seeds);
  cnf::fuzz::write_vcfs3_seeds(seeds);
  cnf::fuzz::write_vcfs3_format_seeds(seeds);
  cnf::fuzz::write_zarr_seeds(seeds);
  return 0;
}
