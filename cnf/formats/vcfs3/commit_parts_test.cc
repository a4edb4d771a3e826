// SPDX-License-Identifier: Apache-2.0

// A dataset made in parts answers as one that was made at once.

#include "cnf/formats/vcfs3/commit_parts.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <ios>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/storage/faulty.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/convert.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/export.h"
#include "cnf/formats/vcfs3/random_vcf_internal.h"
#include "cnf/formats/vcfs3/sink.h"
#include "cnf/formats/vcfs3/source_part.h"
#include "cnf/formats/vcfs3/validate.h"
#include "cnf/formats/vcfs3/waiting_parts.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::vcfs3 {
namespace {

using Store = std::shared_ptr<storage::Storage>;

class VcfFile {
 public:
  explicit VcfFile(std::string text) : text_(std::move(text)) {
    std::ofstream(path(), std::ios::binary) << text_;
  }
  [[nodiscard]] std::string path() const { return (folder_.path() / "input.vcf").string(); }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  cnf::testing::TempDir folder_;
  std::string text_;
};

std::string random_text(std::uint64_t seed, std::size_t records = 400) {
  return testing::RandomVcf(seed).text(records, 9);
}

ConvertOptions small_chunks(std::size_t threads = 2) {
  ConvertOptions options;
  options.chunk_bytes = 4'000;
  options.chunk_span = 2'000;
  options.chunk_samples = 4;
  options.profile = Profile::fast;
  options.threads = threads;
  return options;
}

void convert_part(const VcfFile& input, const Store& store, std::uint64_t number, std::uint64_t of,
                  ConvertOptions options = small_chunks()) {
  options.part = PartNumber{.number = number, .of = of};
  static_cast<void>(convert(input.path(), store, options, {}));
}

std::string exported(const Store& store) {
  std::string text;
  export_dataset(Dataset::open(store, {}), FileFormat::vcf,
                 [&](ByteSpan bytes) { text += as_text(bytes); }, {}, {});
  return text;
}

std::vector<std::string> complaints(const Store& store) {
  std::vector<std::string> found;
  for (const auto& finding : query::validate_objects(query::open_dataset(store), {}).findings) {
    found.push_back(finding.object + ": " + finding.what);  // orphans as well
  }
  validate(Dataset::open(store, {}), Depth::text,
           [&](const std::string& object, const std::string& what) {
             found.push_back(object + ": " + what);
           },
           {}, {});
  return found;
}
void expect_valid(const Store& store) {
  const std::vector<std::string> found = complaints(store);
  EXPECT_TRUE(found.empty()) << found.front();
}

/// What the manifests of both must agree in.
void expect_same(const Store& store, const Store& plain) {
  const Dataset dataset = Dataset::open(store, {});
  const Dataset expected = Dataset::open(plain, {});
  const nlohmann::json& custom = dataset.metadata().custom;
  const nlohmann::json& of_plain = expected.metadata().custom;
  for (const char* name : {"samples", "group_samples", "records", "raw_records", "source",
                           "in_order", "contigs", "zone_keys", "types"}) {
    EXPECT_EQ(custom.at(name), of_plain.at(name)) << name;
  }
  for (const char* name : {"bytes", "crlf", "final_newline"})
    EXPECT_EQ(custom.at("text").at(name), of_plain.at("text").at(name)) << name;
  EXPECT_EQ(dataset.contigs(), expected.contigs());
  EXPECT_EQ(dataset.read_samples({}).names, expected.read_samples({}).names);
}

void expect_parts_as_whole(const std::string& text, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const VcfFile input(text);
  const Store plain = storage::make_memory();
  static_cast<void>(convert(input.path(), plain, small_chunks(), {}));
  for (const std::uint64_t of : {1U, 2U, 3U, 7U}) {
    SCOPED_TRACE(of);
    const Store store = storage::make_memory();
    std::vector<std::uint64_t> order;
    for (std::uint64_t number = 1; number <= of; ++number) order.push_back(number);
    std::ranges::shuffle(order, random);
    for (const std::uint64_t number : order)
      convert_part(input, store, number, of, small_chunks(1 + number % 2));
    EXPECT_FALSE(store->exists(metadata::kManifestKey));
    const ConvertReport report = commit_parts(store, small_chunks(), {});
    EXPECT_EQ(report.text_bytes, text.size());
    EXPECT_TRUE(exported(store) == text);
    expect_same(store, plain);
    expect_valid(store);
    EXPECT_EQ(Dataset::open(store, {}).metadata().custom.contains("parts"), of > 1);
  }
}

TEST(Vcfs3Parts, AreTheWholeInAnyOrder) {
  expect_parts_as_whole(random_text(1), 1);
  expect_parts_as_whole(random_text(2, 1), 2);
  expect_parts_as_whole(random_text(3, 0), 3);
}

TEST(Vcfs3Parts, TakeTextOfAnyShape) {
  std::string crlf;
  for (const char c : random_text(4)) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  expect_parts_as_whole(crlf, 4);
  const std::string text = random_text(5);
  expect_parts_as_whole(text.substr(0, text.size() - 1), 5);
  const std::string header = text.substr(0, text.find("\nchr") + 1);
  std::string odd = header;  // neither sorted nor with contigs that the header has
  for (int i = 0; i < 300; ++i) {
    odd += "c" + std::to_string(i * 7 % 5) + "\t" + std::to_string(1 + i * 37 % 100) + "\todd\n";
    if (i % 3 == 0) odd += "nowhere at all\n";
  }
  expect_parts_as_whole(odd, 6);
}

// One contig, whose order breaks where a part begins and nowhere else.
TEST(Vcfs3Parts, KnowOrderAcrossTheirEdges) {
  const std::string header =
      "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";
  for (const bool ascending : {true, false}) {
    std::string text = header;
    for (int i = 0; i < 200; ++i) {
      const int pos = ascending || i < 100 ? 1'000 + i : 1'000 + i - 100;
      text += "1\t" + std::to_string(pos) + "\trs" + std::to_string(i) + "\tA\tC\t.\t.\t.\n";
    }
    expect_parts_as_whole(text, 7);
    const VcfFile input(text);
    const Store store = storage::make_memory();
    static_cast<void>(convert(input.path(), store, small_chunks(), {}));
    EXPECT_EQ(Dataset::open(store, {}).in_order(), ascending);
  }
}

TEST(Vcfs3Parts, FindEveryId) {
  const VcfFile input(random_text(8, 2'000));
  const Store plain = storage::make_memory();
  static_cast<void>(convert(input.path(), plain, small_chunks(), {}));
  const Store store = storage::make_memory();
  for (std::uint64_t number = 1; number <= 5; ++number) convert_part(input, store, number, 5);
  static_cast<void>(commit_parts(store, small_chunks(), {}));
  const auto found = [](const Store& in, const std::string& id) {
    std::size_t records = 0;
    for (const IdBin& bin : Dataset::open(in, {}).find_ids({id}, {})) records += bin.records.size();
    return records;
  };
  EXPECT_GT(found(plain, "x3"), 10U);
  EXPECT_EQ(found(store, "x3"), found(plain, "x3"));
  EXPECT_EQ(found(store, "x4"), found(plain, "x4"));
  EXPECT_EQ(found(store, "absent"), 0U);
}

std::string failure(const Store& store) {
  try {
    static_cast<void>(commit_parts(store, small_chunks(), {}));
  } catch (const Error& error) {
    EXPECT_TRUE(!store->exists(metadata::kManifestKey) || error.code() == Errc::already_exists);
    return error.what();
  }
  ADD_FAILURE() << "it was committed";
  return {};
}

TEST(Vcfs3Parts, AreCommittedOnlyIfAllAreThereAndFit) {
  const VcfFile input(random_text(9));
  const VcfFile other(random_text(10));
  const Store store = storage::make_memory();
  EXPECT_NE(failure(store).find("no part"), std::string::npos);
  convert_part(input, store, 2, 4);
  convert_part(input, store, 4, 4);
  EXPECT_NE(failure(store).find("missing: 1, 3;"), std::string::npos) << failure(store);
  convert_part(input, store, 1, 4);
  convert_part(other, store, 3, 4);
  EXPECT_NE(failure(store).find("part 3 differs"), std::string::npos);
  ConvertOptions slower = small_chunks();
  slower.profile = Profile::normal;
  convert_part(input, store, 3, 4, slower);
  EXPECT_NE(failure(store).find("profile"), std::string::npos);
  convert_part(input, store, 3, 4);
  convert_part(input, store, 1, 5);
  EXPECT_NE(failure(store).find("parts of 4 and parts of 5"), std::string::npos);
  const PartNumber fifth{.number = 1, .of = 5};
  store->remove(waiting_keys(store, {}, &fifth));
  static_cast<void>(commit_parts(store, small_chunks(), {}));
  EXPECT_EQ(exported(store), input.text());
  EXPECT_TRUE(waiting_keys(store, {}).empty());
  EXPECT_NE(failure(store).find("already"), std::string::npos);
}

TEST(Vcfs3Parts, ReplaceADatasetOnlyWhenAsked) {
  const VcfFile before(random_text(11));
  const VcfFile after(random_text(12));
  const Store store = storage::make_memory();
  static_cast<void>(convert(before.path(), store, small_chunks(), {}));
  EXPECT_THROW(convert_part(after, store, 1, 2), Error);
  ConvertOptions replacing = small_chunks();
  replacing.existing = ConvertOptions::Existing::replace;
  convert_part(after, store, 1, 2, replacing);
  convert_part(after, store, 2, 2, replacing);
  EXPECT_EQ(exported(store), before.text());
  static_cast<void>(commit_parts(store, replacing, {}));
  EXPECT_EQ(exported(store), after.text());
}

// The N-th call of a part or of the commit fails; then all that failed is run again.
TEST(Vcfs3Parts, AreRunAgainWhicheverCallFails) {
  const VcfFile input(random_text(13, 12));
  std::uint64_t faults = 0;
  for (std::uint64_t nth = 1;; ++nth) {
    SCOPED_TRACE(nth);
    const Store store = storage::make_memory();
    const storage::Faulty faulty = storage::make_faulty(store, {.nth = nth});
    const auto run = [&](const auto& work) {
      try {
        work(faulty.storage);
      } catch (const Error&) {
        ++faults;
        work(store);
      }
    };
    run([&](const Store& to) { convert_part(input, to, 1, 2, small_chunks(1)); });
    run([&](const Store& to) { convert_part(input, to, 2, 2, small_chunks(1)); });
    run([&](const Store& to) {
      if (!store->exists(metadata::kManifestKey))
        static_cast<void>(commit_parts(to, small_chunks(), {}));
    });
    EXPECT_EQ(exported(store), input.text());
    if (*faulty.calls < nth) break;
  }
  EXPECT_GT(faults, 15U);
}

// The text is held against the digest of each part.
TEST(Vcfs3Parts, DigestsOfAllAreChecked) {
  const VcfFile input(random_text(14));
  const Store store = storage::make_memory();
  for (std::uint64_t number = 1; number <= 3; ++number) convert_part(input, store, number, 3);
  static_cast<void>(commit_parts(store, small_chunks(), {}));
  metadata::Manager manager(store);
  for (std::size_t segment = 0; segment < 3; ++segment) {
    metadata::Committed committed = manager.load();
    nlohmann::json& digest = committed.metadata.custom["text"]["segments"][segment]["sha256"];
    const std::string right = digest;
    digest = std::string(64, '1');
    manager.replace(committed.metadata, committed.etag);
    EXPECT_FALSE(complaints(store).empty());
    EXPECT_THROW(static_cast<void>(exported(store)), Error);
    digest = right;
    manager.replace(committed.metadata, manager.load().etag);
    expect_valid(store);
  }
}

}  // namespace
}  // namespace cnf::vcfs3
