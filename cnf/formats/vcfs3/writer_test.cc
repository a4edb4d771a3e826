// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/writer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cnf/core/chunk/position_sample.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/chunk_footer.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/id_hash.h"
#include "cnf/formats/vcfs3/sample_table.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/site_page.h"

namespace cnf::vcfs3 {
namespace {

using Store = std::shared_ptr<storage::Storage>;

Header header_of(std::size_t samples) {
  std::string text =
      "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n##contig=<ID=chr2>\n"
      "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT";
  // Names of random-looking digits: a header that a manifest cannot carry has to be long.
  for (std::size_t i = 0; i < samples; ++i)
    text += fmt::format("\tS{:x}", (i + 1) * 0x9e3779b97f4a7c15U);
  return Header::parse(text + "\n", "test");
}

/// Bytes that say what they are.
Buffer part(std::string_view what, std::uint64_t bin, std::size_t number) {
  return Buffer::copy_of(as_bytes(fmt::format("<{} {} {}>", what, bin, number)));
}

/// A core section of 100 records, one of which has the ID, and one "everywhere".
Buffer core_with(const std::string& id) {
  std::vector<Site> sites(100, Site{.id = ".", .ref = "A", .alt = "C"});
  sites[3].id = id;
  sites[4].id = "x;everywhere";
  return encode_page(sites, {}, {}, 0, 3).core;
}

// Bin 1 lies before bin 0, on the same contig; bin 2 on one that the header lacks.
EncodedBin bin_of(std::uint64_t number, std::size_t groups) {
  static constexpr std::uint32_t kContigs[] = {0, 0, 2, 1};
  static constexpr std::int64_t kStarts[] = {1'000, 500, -1, 7};
  EncodedBin bin{.contig = kContigs[number % 4]};
  std::int64_t start = kStarts[number % 4] + 10'000 * static_cast<std::int64_t>(number / 4);
  for (std::size_t p = 0; p < 1 + number % 3; ++p) {
    EncodedBin::Page& page = bin.pages.emplace_back();
    page.records = 100;
    page.min_start = start;
    page.max_end = start + 150;
    const std::string id = fmt::format("rs{}", number);
    page.sections.core = core_with(id);
    page.sections.info = part("info", number, p);
    if (number % 2 == 0) page.sections.carriers = part("carriers", number, p);
    page.zones.qual = {1, 2 + static_cast<double>(number)};
    page.zones.info = {{}};
    for (const std::string_view one : {std::string_view(id), std::string_view("everywhere")})
      page.ids.push_back(hash_id(one));
    start += 100;
  }
  for (std::size_t g = 0; g < groups; ++g) {
    bin.tiles.push_back({.genotypes = part("genotypes", number, g), .format = {}});
    if ((number + g) % 2 == 0) bin.tiles.back().format = part("format", number, g);
  }
  return bin;
}

struct Made {
  Store store = storage::make_memory();
  std::uint64_t records = 0;
};

nlohmann::json custom_of(const DatasetWriter& writer, std::size_t samples, std::size_t group) {
  return {
      {"samples", samples},
      {"group_samples", group},
      {"records", writer.records()},
      {"raw_records", 0},
      {"bins", writer.bins()},
      {"source", "test"},
      {"text",
       {{"bytes", 1}, {"sha256", std::string(64, '0')}, {"crlf", false}, {"final_newline", true}}},
      {"in_order", false},
      {"contigs", {"other"}},
      {"zone_keys", {"AF"}},
      {"id_bits", writer.id_bits()},
      {"batches",
       {{{"records", writer.records()},
         {"bins", writer.bins()},
         {"first_sample", 0},
         {"samples", samples},
         {"objects", {{"position", "position"}}}}}}};
}

Made make(std::size_t samples, std::size_t bins, std::uint64_t chunk_bytes,
          std::uint64_t id_memory = 1 << 20) {
  Made made;
  const auto grid = std::make_shared<chunk::PositionSampleStrategy>(samples);
  DatasetWriter writer(
      made.store, made.store,
      {.strategy = grid, .zone_keys = 1, .chunk_bytes = chunk_bytes, .id_memory = id_memory}, {});
  for (std::uint64_t i = 0; i < bins; ++i) writer.write(bin_of(i, grid->groups()));
  made.records = writer.records();
  const Header header = header_of(samples);
  metadata::Metadata manifest = writer.finish(header, SampleTable{.names = header.samples});
  manifest.created_by = "a test";
  manifest.compression.algorithm = "zstd";
  manifest.custom = custom_of(writer, samples, grid->group_samples());
  writer.commit(manifest, std::nullopt);
  return made;
}

std::string read(const Dataset& dataset, std::uint64_t chunk, std::uint64_t offset,
                 std::uint64_t length) {
  Buffer bytes(length);
  dataset.chunk_storage()->open(dataset.chunk_key(chunk))->read_at(offset, bytes.span());
  return std::string(as_text(bytes));
}

TEST(DatasetWriter, EveryPartLiesWhereItsRowSays) {
  for (const std::uint64_t chunk_bytes :
       {std::uint64_t{1}, std::uint64_t{2'000}, std::uint64_t{1} << 20}) {
    const Made made = make(40, 11, chunk_bytes);
    const Dataset dataset = Dataset::open(made.store, {});
    EXPECT_EQ(dataset.records(), made.records);
    EXPECT_EQ(dataset.groups(), 3U);
    EXPECT_EQ(dataset.group(2), (SampleRange{32, 8}));
    const std::vector<BinRow> bins = dataset.all_bins({});
    ASSERT_EQ(bins.size(), 11U);
    for (std::uint64_t i = 0; i < bins.size(); ++i) {
      const BinRow& row = bins[i];
      const EncodedBin bin = bin_of(i, 3);
      EXPECT_EQ(row.bin, i);
      EXPECT_EQ(row.key.sequence, bin.contig);
      EXPECT_EQ(row.key.start, bin.pages.front().min_start);
      EXPECT_EQ(row.key.end, bin.pages.back().max_end);
      ASSERT_EQ(row.pages.size(), bin.pages.size());
      for (std::size_t p = 0; p < row.pages.size(); ++p) {
        std::string expected;
        const EncodedPage& page = bin.pages[p].sections;
        for (const Buffer* section : {&page.core, &page.info, &page.carriers})
          expected += as_text(*section);
        EXPECT_EQ(read(dataset, row.chunk, row.pages[p].offset, row.pages[p].length()), expected);
        EXPECT_EQ(row.pages[p].zones, bin.pages[p].zones);
      }
      for (std::size_t g = 0; g < row.tiles.size(); ++g) {
        const TileRow& tile = row.tiles[g];
        EXPECT_EQ(read(dataset, row.chunk, tile.genotypes_offset, tile.genotypes_length),
                  as_text(bin.tiles[g].genotypes));
        EXPECT_EQ(read(dataset, row.chunk, tile.format_offset, tile.format_length),
                  as_text(bin.tiles[g].format));
      }
    }
    const std::uint64_t chunks = dataset.metadata().chunks.num_chunks;
    EXPECT_EQ(chunks == 11, chunk_bytes == 1) << chunks;
    EXPECT_EQ(chunks == 1, chunk_bytes == 1U << 20U) << chunks;
    EXPECT_TRUE(query::validate_objects(query::open_dataset(made.store), {}).findings.empty());
  }
}

TEST(DatasetWriter, AChunkCanBeTakenApartAlone) {
  const Made made = make(40, 11, 1 << 20);
  const Dataset dataset = Dataset::open(made.store, {});
  const storage::Object chunk = dataset.chunk_storage()->read_all(dataset.chunk_key(0), 1 << 20);
  EXPECT_TRUE(as_text(chunk.bytes).starts_with(kChunkMagic));
  EXPECT_EQ(ChunkFooter::decode(chunk.bytes, "chunk").bins,
            ChunkFooter::of(dataset.all_bins({})).bins);
}

TEST(Dataset, FindsBinsByIntervalsInTheOrderOfTheInput) {
  const Made made = make(1, 11, 500);
  const Dataset dataset = Dataset::open(made.store, {});
  const auto numbers = [&](const std::vector<index::Interval>& intervals) {
    std::vector<std::uint64_t> found;
    for (const BinRow& row : dataset.find_bins(intervals, {})) found.push_back(row.bin);
    return found;
  };
  using Numbers = std::vector<std::uint64_t>;
  EXPECT_EQ(numbers({{0, 500, 1'100}}), (Numbers{0, 1}));
  EXPECT_EQ(numbers({{0, 500, 501}, {0, 520, 530}, {2, -1, 0}}), (Numbers{1, 2}));
  EXPECT_EQ(numbers({{0, 0, 500}}), Numbers{});
  EXPECT_EQ(numbers({{9, 0, 500}}), Numbers{});
  EXPECT_EQ(dataset.find_contig("other"), 2U);
  EXPECT_EQ(dataset.find_contig("chr2"), 1U);
  EXPECT_EQ(dataset.find_contig("chr3"), std::nullopt);
}

TEST(Dataset, FindsEveryRecordOfAnId) {
  for (const std::uint64_t id_memory : {std::uint64_t{1} << 20, std::uint64_t{100}}) {
    const Made made = make(1, 11, 500, id_memory);
    const Dataset dataset = Dataset::open(made.store, {});
    const std::vector<IdBin> one = dataset.find_ids({"rs7", "rs1000", "rs7"}, {});
    ASSERT_EQ(one.size(), 1U);
    EXPECT_EQ(one[0].row, dataset.all_bins({})[7]);
    EXPECT_EQ(one[0].records, (std::vector<std::uint32_t>{3, 103}));
    const std::vector<IdBin> all = dataset.find_ids({"everywhere", "rs8"}, {});
    ASSERT_EQ(all.size(), 11U);
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].row.bin, i);
    EXPECT_EQ(all[8].records, (std::vector<std::uint32_t>{3, 4, 103, 104, 203, 204}));
    EXPECT_TRUE(dataset.find_ids({"rs11", "."}, {}).empty());
    EXPECT_TRUE(dataset.find_ids({}, {}).empty());
  }
}

TEST(Dataset, OpensInOneRequest) {
  for (const std::size_t samples : {3U, 20'000U}) {
    const Made made = make(samples, 11, 500);
    const auto accounting = std::make_shared<Accounting>();
    const Context context = Context().with_accounting(accounting);
    const Dataset dataset = Dataset::open(made.store, context);
    EXPECT_EQ(accounting->snapshot().total_requests(), 1U);
    EXPECT_LT(accounting->snapshot().bytes_fetched, 60'000U);
    const Header expected = header_of(samples);
    EXPECT_EQ(dataset.find_sample(expected.samples[2], context), 2U);
    EXPECT_EQ(dataset.find_sample("nobody", context), std::nullopt);
    EXPECT_EQ(dataset.definitions().contigs.size(), 2U);
    EXPECT_EQ(dataset.find_bins({{0, 500, 501}}, context).size(), 1U);
    if (samples > 3) {
      EXPECT_LE(accounting->snapshot().total_requests(), 4U);
      EXPECT_LT(accounting->snapshot().bytes_fetched, 200'000U) << "not the names of all";
    } else {
      EXPECT_EQ(accounting->snapshot().total_requests(), 1U);
    }
    EXPECT_EQ(dataset.header(context).text, expected.text);
    EXPECT_EQ(dataset.find_sample(expected.samples.back(), context), samples - 1);
    EXPECT_EQ(dataset.read_samples(context).names, expected.samples);
  }
}

TEST(Dataset, RefusesAManifestThatIsNotItsOwn) {
  const Made made = make(3, 3, 500);
  const metadata::Committed good = metadata::Manager(made.store).load();
  const auto opened = [&](const auto& change) {
    metadata::Metadata manifest = metadata::Manager(made.store).load().metadata;
    change(manifest);
    const Store store = storage::make_memory();
    metadata::Manager(store).create(manifest);
    try {
      static_cast<void>(Dataset::open(store, {}));
    } catch (const Error& error) {
      return error.code();
    }
    return Errc::internal;
  };
  using M = metadata::Metadata;
  EXPECT_EQ(opened([](M& m) { m.format = "BAMS3"; }), Errc::unsupported);
  EXPECT_EQ(opened([](M& m) { m.version = "2.0.0"; }), Errc::unsupported);
  EXPECT_EQ(opened([](M& m) { m.custom.erase("samples"); }), Errc::corrupt_data);
  EXPECT_EQ(opened([](M& m) { m.custom["samples"] = 4; }), Errc::corrupt_data);
  EXPECT_EQ(opened([](M& m) { m.custom["samples"] = 100'000'000; }), Errc::corrupt_data);
  EXPECT_EQ(opened([](M& m) { m.custom["group_samples"] = 0; }), Errc::corrupt_data);
  EXPECT_EQ(opened([](M& m) { m.custom["group_samples"] = 1; }), Errc::corrupt_data);
  EXPECT_EQ(opened([](M& m) { m.custom["records"] = 4; }), Errc::corrupt_data);
  EXPECT_EQ(opened([](M& m) { m.custom["bins"] = 4; }), Errc::corrupt_data);
  EXPECT_EQ(opened([](M& m) { m.custom["zone_keys"] = {"AC", "AF"}; }), Errc::corrupt_data);
  EXPECT_EQ(opened([](M& m) { m.custom["batches"].push_back(m.custom["batches"][0]); }),
            Errc::unsupported);
  EXPECT_EQ(opened([](M& m) { m.objects.clear(); }), Errc::corrupt_data);
}

}  // namespace
}  // namespace cnf::vcfs3
