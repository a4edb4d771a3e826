// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/view.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/index/interval.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/query/table.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/carriers_query.h"
#include "cnf/formats/vcfs3/convert.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/export.h"
#include "cnf/formats/vcfs3/expression.h"
#include "cnf/formats/vcfs3/in_memory_test.h"
#include "cnf/formats/vcfs3/render.h"
#include "cnf/formats/vcfs3/sink.h"
#include "cnf/formats/vcfs3/statistics.h"

namespace cnf::vcfs3 {
namespace {

using testing::make_dataset;

constexpr std::size_t kSamples = 40;

std::string header() {
  std::string text =
      "##fileformat=VCFv4.2\n"
      "##contig=<ID=c1>\n##contig=<ID=c2>\n"
      "##INFO=<ID=END,Number=1,Type=Integer,Description=\"e\">\n"
      "##INFO=<ID=DP,Number=1,Type=Integer,Description=\"d\">\n"
      "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"g\">\n"
      "##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"d\">\n"
      "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT";
  for (std::size_t s = 0; s < kSamples; ++s) text += "\tS" + std::to_string(s);
  return text + "\n";
}

/// Record number `i` of a contig, at POS 10 * i + 1; every fifth is a deletion of 25 bases. Sample
/// i % kSamples carries it, and of every hundredth all do.
std::string record(const std::string& contig, std::size_t i,
                   const std::optional<std::vector<std::size_t>>& samples = {}) {
  std::string line = contig + "\t" + std::to_string(10 * i + 1) + "\trs" + contig.substr(1) +
                     std::to_string(i) + "\tA\tC\t" + std::to_string(i % 50) +
                     "\tPASS\tDP=" + std::to_string(i);
  if (i % 5 == 0) line += ";END=" + std::to_string(10 * i + 25);
  line += "\tGT:DP";
  for (std::size_t s = 0; s < (samples ? samples->size() : kSamples); ++s) {
    const std::size_t sample = samples ? (*samples)[s] : s;
    line += i % 100 == 0 ? "\t1|1" : i % kSamples == sample ? "\t0|1" : "\t0|0";
    line += ":" + std::to_string((i + sample) % 90);
  }
  return line + "\n";
}

std::string all_text(std::size_t records) {
  std::string text = header();
  for (const char* contig : {"c1", "c2"}) {
    for (std::size_t i = 0; i < records; ++i) text += record(contig, i);
  }
  return text;
}

std::string view(const Dataset& dataset, const ViewQuery& query, const LineOptions& options = {},
                 const Context& context = {}) {
  std::string text;
  query::Results results =
      run_view(dataset, plan_view(dataset, query, render_lines(options), context), {}, context);
  while (const auto table = results.next()) text += as_text(table->column("text").values());
  return text;
}

std::string records_of(const std::string& contig, const std::vector<std::size_t>& numbers,
                       const std::optional<std::vector<std::size_t>>& samples = {}) {
  std::string text;
  for (const std::size_t i : numbers) text += record(contig, i, samples);
  return text;
}

class ViewTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared_store() = make_dataset(all_text(5000), {.chunk_samples = 16});
  }
  static void TearDownTestSuite() { shared_store() = nullptr; }
  [[nodiscard]] static Dataset open(const Context& context = {}) {
    return Dataset::open(shared_store(), context);
  }

 private:
  [[nodiscard]] static std::shared_ptr<storage::Storage>& shared_store() {
    static std::shared_ptr<storage::Storage> store;
    return store;
  }
};

// POS 1001 is record 100; records 95 and 100 reach over POS 1021 by their END.
TEST_F(ViewTest, RegionsAreMetByOverlap) {
  const Dataset dataset = open();
  EXPECT_EQ(view(dataset, {.regions = {{0, 1020, 1021}}}), records_of("c1", {100, 102}));
  EXPECT_EQ(view(dataset, {.targets = {{0, 1020, 1021}}}), records_of("c1", {102}));
  EXPECT_EQ(view(dataset, {.regions = {{1, 49'980, 60'000}}}), records_of("c2", {4998, 4999}));
}

TEST_F(ViewTest, EachRecordComesOnceContigsAsAskedFor) {
  const Dataset dataset = open();
  const ViewQuery query{.regions = {{1, 100, 101}, {0, 1020, 1021}, {0, 1000, 1010}}};
  EXPECT_EQ(view(dataset, query), records_of("c2", {10}) + records_of("c1", {100, 102}));
}

TEST_F(ViewTest, ExcludedTargetsLeaveTheRest) {
  const Dataset dataset = open();
  const ViewQuery query{.regions = {{0, 0, 50}},
                        .targets = {{0, 10, 31}},
                        .targets_mean = ViewQuery::Targets::exclude};
  EXPECT_EQ(view(dataset, query), records_of("c1", {0, 4}));
}

TEST_F(ViewTest, SamplesComeInTheOrderAskedFor) {
  const Dataset dataset = open();
  const std::vector<std::size_t> samples = {39, 0, 1};
  const ViewQuery query{.regions = {{0, 1020, 1021}}, .samples = samples};
  EXPECT_EQ(view(dataset, query, {.samples = LineOptions::Samples::some}),
            records_of("c1", {100, 102}, samples));
}

TEST_F(ViewTest, OneSampleOfARegionTakesThreeRequestsAndTwoWhenWarm) {
  const Context cold;
  const Dataset dataset = open(cold);
  const ViewQuery query{.regions = {{0, 20'000, 20'010}}, .samples = {{7}}};
  EXPECT_FALSE(view(dataset, query, {.samples = LineOptions::Samples::some}, cold).empty());
  EXPECT_LE(cold.accounting().snapshot().total_requests(), 3U);
  const Context warm;
  EXPECT_FALSE(view(dataset, query, {.samples = LineOptions::Samples::some}, warm).empty());
  EXPECT_LE(warm.accounting().snapshot().total_requests(), 2U);
}

TEST_F(ViewTest, WhatNobodyLooksAtIsNotRead) {
  const Dataset dataset = open();
  const auto bytes = [&](const Needs& needs, const ViewQuery& query) {
    const auto nothing = render_each(needs, [](const Variant&, Buffer&) {});
    std::uint64_t sum = 0;
    for (const query::Unit& unit : plan_view(dataset, query, nothing, {}).plan.units) {
      for (const query::PlannedRange& range : unit.ranges) sum += range.length;
    }
    return sum;
  };
  const std::uint64_t sites = bytes({.id = true}, {});
  EXPECT_LT(sites, bytes({.id = true, .info = true}, {}));
  const std::uint64_t one = bytes({.genotypes = true}, {.samples = {{3}}});
  const std::uint64_t all = bytes({.genotypes = true}, {});
  EXPECT_LT(sites, one);
  EXPECT_LT(one, all);
  EXPECT_LT(all, bytes({.genotypes = true, .format = true}, {}));
  EXPECT_LT(bytes({.id = true}, {.regions = {{0, 0, 10}}}), sites / 2);
}

TEST_F(ViewTest, ZonesRuleOutPages) {
  const Dataset dataset = open();
  const auto units = [&](const char* text) {
    const auto expression = std::make_shared<Expression>(
        Expression::parse(text, dataset.header({}), Expression::Logic::include));
    return plan_view(dataset, {.expression = expression}, count_records(), {}).plan.units.size();
  };
  EXPECT_EQ(units("QUAL>50"), 0U);
  EXPECT_GT(units("QUAL>40"), 0U);
  EXPECT_EQ(units("INFO/DP>5100"), 0U);
}

TEST_F(ViewTest, ConditionsAndLimitChooseRecords) {
  const Dataset dataset = open();
  const auto expression = std::make_shared<Expression>(
      Expression::parse("QUAL=7 && INFO/DP>50", dataset.header({}), Expression::Logic::include));
  EXPECT_EQ(view(dataset, {.expression = expression, .limit = 3}),
            records_of("c1", {57, 107, 157}));
  const ViewQuery carried{.samples = {{5}}, .only_alternate = true, .limit = 3};
  EXPECT_EQ(view(dataset, carried, {.samples = LineOptions::Samples::some}),
            records_of("c1", {0, 5, 45}, {{5}}));
}

// Records 2 and 42, … are those that sample 2 carries, and of every hundredth all do.
TEST_F(ViewTest, ConditionsLookAtAllSamplesOrAtThoseOfTheAnswer) {
  const Dataset dataset = open();
  const std::vector<std::size_t> third = {3};
  Header header = dataset.header({});
  ViewQuery query{.regions = {{0, 0, 430}}, .samples = third};
  query.expression_looks = ViewQuery::Looks::at_everyone;
  query.expression = std::make_shared<Expression>(
      Expression::parse("GT[2]=\"alt\"", header, Expression::Logic::include));
  EXPECT_EQ(view(dataset, query, {.samples = LineOptions::Samples::some}),
            records_of("c1", {0, 2, 42}, third));
  header.samples = {"S3"};
  query.expression = std::make_shared<Expression>(
      Expression::parse("GT=\"alt\"", header, Expression::Logic::include));
  query.expression_looks = ViewQuery::Looks::at_answer;
  EXPECT_EQ(view(dataset, query, {.samples = LineOptions::Samples::some}),
            records_of("c1", {0, 3}, third));
}

TEST_F(ViewTest, IdsAreFoundByTheIndex) {
  const Dataset dataset = open();
  const ViewQuery query{.records = dataset.find_ids({"rs23000", "rs1120", "rs9"}, {})};
  EXPECT_EQ(view(dataset, query), records_of("c1", {120}) + records_of("c2", {3000}));
}

TEST_F(ViewTest, CarriersComeFromPagesOrTiles) {
  const Dataset dataset = open();
  const ViewQuery query{.regions = {{0, 990, 1011}}};  // records 95 (by END), 99, 100, 101
  std::vector<std::pair<std::int64_t, std::size_t>> found;
  find_carriers(dataset, query, {}, {}, [&](const CarrierSite& site) {
    found.emplace_back(site.pos, site.samples.size());
    if (site.pos == 990) {
      EXPECT_EQ(site.samples[0], 99U % kSamples);
    }
  });
  EXPECT_EQ(found, (std::vector<std::pair<std::int64_t, std::size_t>>{
                       {990, 1}, {1000, kSamples}, {1010, 1}}));
}

TEST_F(ViewTest, StatisticsCountRecordsAndGenotypes) {
  const Statistics stats = count_statistics(open(), {}, CountSamples::yes, {}, {});
  EXPECT_EQ(stats.records, 10'000U);
  EXPECT_EQ(stats.snps, 10'000U);
  EXPECT_EQ(stats.transversions, 10'000U);
  ASSERT_EQ(stats.contigs.size(), 2U);
  EXPECT_EQ(stats.contigs[1].records, 5000U);
  EXPECT_EQ(stats.samples[1].alternate, 100U);
  EXPECT_EQ(stats.samples[1].heterozygous, 250U);
  EXPECT_EQ(stats.samples[1].reference, 10'000U - 350U);
}

TEST_F(ViewTest, PositionsAreAColumn) {
  const Dataset dataset = open();
  const auto renderer = render_columns({.positions_only = true});
  query::Results results =
      run_view(dataset, plan_view(dataset, {.regions = {{1, 0, 30}}}, renderer, {}), {}, {});
  const auto table = results.next();
  ASSERT_TRUE(table);
  const auto positions = table->column("pos").as<std::int64_t>();
  EXPECT_EQ(std::vector(positions.begin(), positions.end()),
            (std::vector<std::int64_t>{1, 11, 21}));
}

TEST_F(ViewTest, ColumnsHaveSitesAndGenotypes) {
  const Dataset dataset = open();
  const auto renderer = render_columns({.samples = {"S1"}});
  const ViewQuery query{.regions = {{0, 410, 411}}, .samples = {{1}}};
  query::Results results = run_view(dataset, plan_view(dataset, query, renderer, {}), {}, {});
  const auto table = results.next();
  ASSERT_TRUE(table);
  EXPECT_EQ(table->column("contig").text(0), "c1");
  EXPECT_EQ(table->column("id").text(1), "rs141");
  EXPECT_EQ(table->column("S1.GT").text(1), "0|1");
}

std::string exported(const std::shared_ptr<storage::Storage>& store, FileFormat format) {
  std::string text;
  export_dataset(Dataset::open(store, {}), format, [&](ByteSpan bytes) { text += as_text(bytes); },
                 {}, {});
  return text;
}

TEST(ExportDataset, GivesTheTextBackWhateverItsEnds) {
  std::string text = all_text(3);
  EXPECT_EQ(exported(make_dataset(text, {}), FileFormat::vcf), text);
  text.pop_back();
  EXPECT_EQ(exported(make_dataset(text, {}), FileFormat::vcf), text);
  std::string crlf;
  for (const char c : text) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  EXPECT_EQ(exported(make_dataset(crlf, {}), FileFormat::vcf), crlf);
  EXPECT_EQ(exported(make_dataset(crlf + "\r\n", {}), FileFormat::vcf), crlf + "\r\n");
  EXPECT_EQ(exported(make_dataset(header(), {}), FileFormat::vcf), header());
}

TEST(RawRecords, ComeThroughWholeAndAreNotSplit) {
  const std::string text = all_text(2) + "c2\tnowhere\tbroken\n";
  const auto store = make_dataset(text, {});
  EXPECT_EQ(exported(store, FileFormat::vcf), text);
  const Dataset dataset = Dataset::open(store, {});
  EXPECT_EQ(view(dataset, {}), text.substr(header().size()));
  for (const LineOptions::Samples samples :
       {LineOptions::Samples::some, LineOptions::Samples::none}) {
    try {
      static_cast<void>(view(dataset, {.samples = {{1}}}, {.samples = samples}));
      ADD_FAILURE() << "a raw record was split";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::unsupported);
      EXPECT_NE(std::string(error.what()).find("nowhere"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace cnf::vcfs3
