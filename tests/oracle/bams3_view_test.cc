// SPDX-License-Identifier: Apache-2.0

// Oracle: samtools 1.16 view, flagstat and idxstats on the exported BAM. Queries are random; the
// seed is printed and can be given as CNF_TEST_SEED.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <utility>

#include "tests/oracle/command.h"
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "cnf/core/chunk/chunk.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/convert.h"
#include "cnf/formats/bams3/dataset.h"
#include "cnf/formats/bams3/export.h"
#include "cnf/formats/bams3/idxstats.h"
#include "cnf/formats/bams3/sink.h"
#include "cnf/formats/bams3/view.h"
#include "cnf/hts/region.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::bams3 {
namespace {

using oracle::quoted;
using oracle::run;

std::uint64_t seed() {
  const char* const given = std::getenv("CNF_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

/// A dataset and the indexed BAM that samtools is asked about.
struct Pair {
  std::shared_ptr<storage::Storage> store;
  std::filesystem::path bam;
};

std::optional<Pair> make_pair(const std::filesystem::path& input,
                              const std::filesystem::path& folder) {
  Pair pair{storage::make_memory(), folder / "sorted.bam"};
  try {
    // Small chunks, so that even small files have several.
    ConvertOptions options;
    options.strategy = std::make_shared<chunk::FixedStrategy>(20'000);
    static_cast<void>(convert(input.string(), pair.store, options, {}));
  } catch (const Error&) {
    return std::nullopt;
  }
  {
    std::ofstream out(pair.bam, std::ios::binary);
    export_dataset(Dataset::open(pair.store, {}), FileFormat::bam,
                   [&](ByteSpan bytes) { out << as_text(bytes); }, {.level = 1}, {}, {});
  }
  if (run("samtools index -c " + quoted(pair.bam.string())).status != 0) return std::nullopt;
  return pair;
}

std::string view(const Dataset& dataset, const ViewQuery& query) {
  std::string text;
  query::Results results = run_view(dataset, plan_view(dataset, query, Form::sam, {}), {}, {});
  while (const auto table = results.next()) text += as_text(table->column("text").values());
  return text;
}

std::uint64_t count(const Dataset& dataset, const ViewQuery& query) {
  const ViewPlan plan = plan_view(dataset, query, Form::count, {});
  query::Results results = run_view(dataset, plan, {}, {});
  std::uint64_t records = plan.counted;
  while (const auto table = results.next()) records += table->rows();
  return records;
}

/// A random query, for us and for samtools.
class RandomQuery {
 public:
  RandomQuery(const Dataset& dataset, std::mt19937_64& random, const std::filesystem::path& folder)
      : dataset_(dataset), random_(random), bed_file_(folder / "targets.bed") {
    add_filters();
    if (below(4) == 0) {
      add_bed();
    } else {
      for (std::uint64_t i = below(3); i > 0; --i) add_region();
    }
  }

  ViewQuery query;
  std::string options;
  std::string regions;

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  void add_filters() {
    if (below(3) == 0) {
      query.required_flags = static_cast<std::uint16_t>(1U << below(12));
      options += fmt::format(" -f {}", query.required_flags);
    }
    if (below(3) == 0) {
      query.excluded_flags = static_cast<std::uint16_t>(1U << below(12));
      options += fmt::format(" -F {}", query.excluded_flags);
    }
    if (below(3) == 0) {
      query.min_mapq = static_cast<std::uint8_t>(below(62));
      options += fmt::format(" -q {}", query.min_mapq);
    }
    if (below(8) == 0) {
      query.conditions.expression = "[NM] > 1 || mapq < 20";
      options += " -e '[NM] > 1 || mapq < 20'";
    }
    if (below(8) == 0) {
      query.conditions.tag = "NM";
      query.conditions.tag_values = {"0"};
      options += " -d NM:0";
    }
  }

  std::pair<std::int64_t, std::int64_t> interval(std::uint32_t ref) {
    const std::uint64_t length =
        std::max<std::uint32_t>(dataset_.header().references[ref].length, 1);
    const std::uint64_t start = below(length);
    const std::uint64_t size =
        1 + below(below(2) == 0 ? length : std::min<std::uint64_t>(length, 2000));
    return {static_cast<std::int64_t>(start),
            static_cast<std::int64_t>(std::min(start + size, length))};
  }

  void add_region() {
    const auto& references = dataset_.header().references;
    if (references.empty() || below(12) == 0) {
      // Once: of a second one samtools forgets the records if the file has no others.
      if (regions.find('*') == std::string::npos) add_region("*");
      return;
    }
    const auto ref = static_cast<std::uint32_t>(below(references.size()));
    const std::string name = "{" + references[ref].name + "}";
    if (below(4) == 0) {
      add_region(name);
      return;
    }
    const auto [start, end] = interval(ref);
    add_region(fmt::format("{}:{}-{}", name, start + 1, end));
  }
  void add_region(const std::string& text) {
    query.regions.push_back(parse_region(text, dataset_.reference_names()));
    regions += " " + quoted(text);
  }

  void add_bed() {
    std::ostringstream lines;
    for (std::uint64_t i = 1 + below(5); i > 0 && !dataset_.header().references.empty(); --i) {
      const auto ref = static_cast<std::uint32_t>(below(dataset_.header().references.size()));
      const auto [start, end] = interval(ref);
      const std::string& name = dataset_.header().references[ref].name;
      if (name.find(' ') != std::string::npos) continue;  // BED has no way to say it
      lines << name << '\t' << start << '\t' << end << '\n';
    }
    std::ofstream(bed_file_) << lines.str();
    std::istringstream in(lines.str());
    query.bed =
        std::make_shared<hts::Bed>(hts::Bed::load(in, dataset_.reference_names(), "targets.bed"));
    options += " -L " + quoted(bed_file_.string());
  }

  const Dataset& dataset_;
  std::mt19937_64& random_;
  std::filesystem::path bed_file_;
};

TEST(Bams3View, RandomQueriesGiveWhatSamtoolsGives) {
  const auto files = oracle::real_alignment_files();
  if (files.empty()) {
    std::cout << "no folder of real files (CNF_SHARED_DATA): nothing was compared\n";
    return;
  }
  const std::uint64_t used_seed = seed();
  std::cout << "CNF_TEST_SEED=" << used_seed << '\n';
  std::mt19937_64 random(used_seed);
  const testing::TempDir folder;
  std::size_t compared = 0;
  for (const auto& file : files) {
    SCOPED_TRACE(file.string());
    const std::optional<Pair> pair = make_pair(file, folder.path());
    if (!pair) continue;
    const Dataset dataset = Dataset::open(pair->store, {});
    for (int i = 0; i < 6; ++i) {
      const RandomQuery random_query(dataset, random, folder.path());
      const std::string command = "samtools view" + random_query.options + " " +
                                  quoted(pair->bam.string()) + random_query.regions;
      SCOPED_TRACE(command);
      const std::string expected = run(command).text;
      EXPECT_EQ(view(dataset, random_query.query) == expected, true);
      const auto lines =
          static_cast<std::uint64_t>(std::count(expected.begin(), expected.end(), '\n'));
      EXPECT_EQ(count(dataset, random_query.query), lines);
      ++compared;
    }
  }
  std::cout << compared << " queries compared\n";
}

TEST(Bams3View, FlagstatAndIdxstatsAreSamtools) {
  const testing::TempDir folder;
  std::size_t compared = 0;
  for (const auto& file : oracle::real_alignment_files()) {
    SCOPED_TRACE(file.string());
    const std::optional<Pair> pair = make_pair(file, folder.path());
    if (!pair) continue;
    const Dataset dataset = Dataset::open(pair->store, {});
    EXPECT_EQ(dataset.flagstat().text(),
              run("samtools flagstat " + quoted(pair->bam.string())).text);
    const std::string idxstats = count_by_reference(dataset, {}).text(dataset.header());
    EXPECT_EQ(idxstats, run("samtools idxstats " + quoted(pair->bam.string())).text);
    ++compared;
  }
  std::cout << compared << " files compared\n";
}

}  // namespace
}  // namespace cnf::bams3
