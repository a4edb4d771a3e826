// SPDX-License-Identifier: Apache-2.0

// Oracle: bcftools 1.16 view on indexed copies of real files, asked random questions about regions,
// targets, samples and conditions. The seed is printed and can be given as CNF_TEST_SEED;
// CNF_TEST_FILES says how many files are asked about.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/oracle/command.h"
#include "tests/oracle/vcfs3_numbered_vcf.h"
#include "tests/oracle/vcfs3_random_queries.h"
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "cnf/core/index/interval.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/convert.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/expression.h"
#include "cnf/formats/vcfs3/format_string.h"
#include "cnf/formats/vcfs3/region_set.h"
#include "cnf/formats/vcfs3/render.h"
#include "cnf/formats/vcfs3/view.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::vcfs3 {
namespace {

namespace fs = std::filesystem;
using oracle::NumberedVcf;
using oracle::RandomQueries;
using oracle::run;

constexpr int kQuestions = 6;  // per file

/// The same questions in every run; CNF_TEST_SEED asks others.
constexpr std::uint64_t kSeed = 20'261'122;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const given = std::getenv(name);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

/// A file as bcftools asks it, and as a dataset of many bins.
struct Pair {
  NumberedVcf vcf;
  std::string indexed;
  std::shared_ptr<storage::Storage> store = storage::make_memory();
};

std::optional<Pair> make_pair(const fs::path& file, const fs::path& folder) {
  std::optional<NumberedVcf> vcf = NumberedVcf::make(file, folder / "numbered.vcf");
  if (!vcf || vcf->strange_alleles) return std::nullopt;
  // A telomere (POS 0) has no place in tabix's index, and lies in 1:1-10 to bcftools' targets.
  if (std::ranges::count(vcf->values["POS"], "0") != 0) return std::nullopt;
  Pair pair{.vcf = std::move(*vcf), .indexed = (folder / "indexed.vcf.gz").string()};
  const std::string plain = pair.vcf.path.string();
  if (run("bgzip -c " + oracle::quoted(plain) + " > " + oracle::quoted(pair.indexed) +
          " && tabix -f -p vcf " + oracle::quoted(pair.indexed))
          .status != 0) {
    return std::nullopt;  // not sorted
  }
  static_cast<void>(convert(plain, pair.store, {.chunk_span = 1000, .chunk_samples = 2}, {}));
  return pair;
}

/// One question, for us and for bcftools.
struct Question {
  ViewQuery query;
  std::string options;  ///< Of bcftools view.
  std::vector<std::string> samples;
};

class Asker {
 public:
  Asker(const Pair& pair, const Dataset& dataset, std::mt19937_64& random)
      : pair_(pair), dataset_(dataset), queries_(pair.vcf, random) {
    for (const std::string& line : pair.vcf.lines)
      contigs_.push_back(line.substr(0, line.find('\t')));
    names_are_plain_ = std::ranges::all_of(contigs_, [](const std::string& name) {
      return name.find_first_of(":,") == std::string::npos;
    });
  }

  Question ask() {
    Question question;
    question.samples = pair_.vcf.header.samples;
    if (names_are_plain_ && below(4) != 0) {
      question.options += " -r " + oracle::quoted(regions(question.query.regions));
    }
    if (names_are_plain_ && below(4) == 0) add_targets(question);
    if (!question.samples.empty() && below(2) == 0) add_samples(question);
    if (below(3) == 0) add_selection(question);
    if (below(3) == 0) add_condition(question);
    return question;
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return queries_.below(bound); }

  std::string regions(std::vector<index::Interval>& intervals) {
    std::string list;
    for (std::uint64_t i = 1 + below(3); i > 0; --i) {
      const std::size_t row = below(pair_.vcf.lines.size());
      const std::string& line = pair_.vcf.lines[row];
      const std::size_t tab = line.find('\t');
      const std::uint64_t pos = std::max<std::uint64_t>(std::stoull(line.substr(tab + 1)), 1);
      const std::uint64_t shift = below(30);
      const std::uint64_t first = pos > shift ? pos - shift : 1;
      std::string region = contigs_[row];
      if (below(5) != 0) region += fmt::format(":{}-{}", first, first + below(2000));
      list += (list.empty() ? "" : ",") + region;
    }
    intervals = parse_regions(list, dataset_.contigs());
    return list;
  }

  void add_targets(Question& question) {
    const std::string list = regions(question.query.targets);
    const bool excluded = below(2) == 0;
    if (excluded) question.query.targets_mean = ViewQuery::Targets::exclude;
    question.options += " -t " + oracle::quoted((excluded ? "^" : "") + list);
  }

  void add_samples(Question& question) {
    std::vector<std::size_t> ordinals;
    std::vector<std::string> names;
    std::set<std::size_t> seen;
    for (std::uint64_t i = 1 + below(3); i > 0; --i) {
      const std::size_t sample = below(pair_.vcf.header.samples.size());
      const std::string& name = pair_.vcf.header.samples[sample];
      if (name.find_first_of(",^ ") != std::string::npos || !seen.insert(sample).second) continue;
      ordinals.push_back(sample);
      names.push_back(name);
    }
    if (names.empty()) return;
    question.options += " -s " + oracle::quoted(fmt::format("{}", fmt::join(names, ",")));
    question.query.samples = ordinals;
    question.query.selection.counts_cells = true;
    question.samples = names;
  }

  void add_selection(Question& question) {
    RandomQueries::Selection selection = queries_.selection();
    // bcftools counts alleles by an AC and AN that the header does not define as if they were
    // texts.
    const auto& defined = pair_.vcf.header.info;
    if (pair_.vcf.values.contains("INFO/AC") &&
        !(defined.contains("AC") && defined.contains("AN"))) {
      return;
    }
    // bcftools asks a genotype of the chosen samples before it knows which they are.
    if (selection.selection.genotype && question.query.samples) return;
    selection.selection.counts_cells = question.query.samples.has_value();
    question.query.selection = selection.selection;
    question.options += selection.options;
  }

  void add_condition(Question& question) {
    const std::string text = queries_.expression();
    question.query.expression_looks = ViewQuery::Looks::at_everyone;
    question.query.expression = std::make_shared<Expression>(
        Expression::parse(text, pair_.vcf.header, Expression::Logic::include));
    question.options += " -i " + oracle::quoted(text);
  }

  const Pair& pair_;
  const Dataset& dataset_;
  RandomQueries queries_;
  std::vector<std::string> contigs_;  // of each line
  /// Whether no name of a contig has what makes a region of it to -r and -t.
  bool names_are_plain_ = true;
};

std::string ours(const Dataset& dataset, const Question& question, const std::string& format) {
  Header header = dataset.header({});
  header.samples = question.samples;
  const FormatString print = FormatString::parse(format, header);
  const auto renderer = render_each(print.needs(), [&](const Variant& variant, Buffer& out) {
    print.append(variant, question.samples, {}, out);
  });
  std::string text;
  query::Results results =
      run_view(dataset, plan_view(dataset, question.query, renderer, {}), {.threads = 2}, {});
  while (const auto table = results.next()) text += as_text(table->column("text").values());
  return text;
}

TEST(Vcfs3View, AnswersAsBcftoolsDoes) {
  const std::uint64_t seed = from_environment("CNF_TEST_SEED", kSeed);
  std::cout << "seed " << seed << '\n';
  std::mt19937_64 random(seed);
  std::vector<fs::path> files = oracle::real_variant_files();
  std::ranges::shuffle(files, random);
  files.resize(std::min<std::size_t>(files.size(), from_environment("CNF_TEST_FILES", 150)));
  const cnf::testing::TempDir folder;
  std::size_t compared = 0, asked_files = 0, unanswered = 0;
  for (const fs::path& file : files) {
    SCOPED_TRACE(file.string());
    const std::optional<Pair> pair = make_pair(file, folder.path());
    if (!pair) continue;
    ++asked_files;
    const Dataset dataset = Dataset::open(pair->store, {});
    Asker asker(*pair, dataset, random);
    const bool genotypes = pair->vcf.header.format.contains("GT");
    for (int i = 0; i < kQuestions; ++i) {
      const Question question = asker.ask();
      const std::string format =
          genotypes && !question.samples.empty() ? "%cnfrow[ %GT]\\n" : "%cnfrow\\n";
      const std::string command = "set -o pipefail; bcftools view -I" + question.options + " " +
                                  oracle::quoted(pair->indexed) + " | bcftools query -f " +
                                  oracle::quoted(format);
      SCOPED_TRACE(command);
      const oracle::Output theirs = run("bash -c " + oracle::quoted(command));
      std::string mine;
      try {
        mine = ours(dataset, question, format);
      } catch (const Error& error) {
        // What 1.16 would answer from stale memory.
        EXPECT_NE(std::string(error.what()).find("values meet at character"), std::string::npos)
            << error.what();
        ++unanswered;
        continue;
      }
      if (theirs.status != 0) {
        ++unanswered;
        continue;
      }
      ++compared;
      EXPECT_EQ(mine, theirs.text);
    }
  }
  std::cout << compared << " answers of " << asked_files << " files compared, " << unanswered
            << " not given by one of us\n";
  EXPECT_TRUE(files.empty() || compared > 0);
}

}  // namespace
}  // namespace cnf::vcfs3
