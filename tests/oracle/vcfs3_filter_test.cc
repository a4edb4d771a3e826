// SPDX-License-Identifier: Apache-2.0

// Oracle: bcftools 1.16 query and view, asked random questions about real files. The seed is
// printed and can be given as CNF_TEST_SEED; CNF_TEST_FILES says how many files are asked about.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/oracle/command.h"
#include "tests/oracle/vcfs3_numbered_vcf.h"
#include "tests/oracle/vcfs3_random_queries.h"
#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/expression.h"
#include "cnf/formats/vcfs3/format_string.h"
#include "cnf/formats/vcfs3/selection.h"
#include "cnf/formats/vcfs3/test_variants_internal.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::vcfs3 {
namespace {

using oracle::NumberedVcf;
using oracle::quoted;
using oracle::RandomQueries;
using oracle::run;
using testing::LineVariant;

/// The same questions in every run; CNF_TEST_SEED asks others.
constexpr std::uint64_t kSeed = 20'261'122;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* const given = std::getenv(name);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

/// How many questions were asked, and of how many bcftools or we gave no answer.
struct Tally {
  std::size_t compared = 0, refused_by_bcftools = 0, refused = 0;
};

/// Holds what bcftools prints against ours. A question that bcftools breaks off at is none; one
/// that we break off at must be one that 1.16 answers from stale memory.
void compare(const std::string& command, Tally& tally, const std::function<std::string()>& ours,
             const std::function<bool(std::string_view, std::string_view)>& same) {
  SCOPED_TRACE(command);
  std::string mine;
  bool refused = false;
  try {
    mine = ours();
  } catch (const Error& error) {
    refused = true;
    const std::string_view why = error.what();
    EXPECT_NE(why.find("values meet at character"), std::string_view::npos) << why;
  }
  const oracle::Output theirs = run(command);
  if (theirs.status != 0) {
    ++tally.refused_by_bcftools;
  } else if (refused) {
    ++tally.refused;
  } else {
    ++tally.compared;
    EXPECT_PRED2(same, mine, theirs.text);
  }
}

bool equal_text(std::string_view a, std::string_view b) { return a == b; }

/// Cuts the next run of characters that are (or are not) part of numbers and words.
std::string_view take_token(std::string_view& text) {
  constexpr std::string_view kSeparators = " \t\n,;:=|/()";
  const std::size_t end =
      kSeparators.find(text[0]) != std::string_view::npos ? 1 : text.find_first_of(kSeparators);
  const std::string_view token = text.substr(0, end);
  text.remove_prefix(token.size());
  return token;
}

std::optional<double> number_of(std::string_view token) {
  if (token.starts_with('+')) token.remove_prefix(1);
  double number = 0;
  const auto [stop, error] = std::from_chars(token.data(), token.data() + token.size(), number);
  if (error != std::errc() || stop != token.data() + token.size()) return std::nullopt;
  return number;
}

/// What BCF cannot hold of an Integer bcftools drops: "9.3" is 9, 2^32 is missing.
bool equal_as_integers(std::optional<double> x, std::string_view theirs) {
  if (!x) return false;
  const auto y = number_of(theirs);
  return std::fabs(*x) >= 2147483640 ? theirs == "." : y && *y == std::trunc(*x);
}

/// bcftools rounds floats to single precision and six digits and writes 10.0 as 10: numbers are
/// compared as such.
bool equal_but_for_digits(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const std::string_view x = take_token(a), y = take_token(b);
    if (x == y) continue;
    const auto p = number_of(x), q = number_of(y);
    if (equal_as_integers(p, y)) continue;
    if (!p || !q) return false;
    const float single = static_cast<float>(*p), other = static_cast<float>(*q);
    if ((std::isnan(single) && std::isnan(other)) || single == other) continue;
    if (!(std::fabs(single - other) <= 1e-5F * std::max(std::fabs(single), std::fabs(other))))
      return false;
  }
  return a.empty() && b.empty();
}

/// Numbers of the records for which `wanted` holds, one a line.
std::string rows(const NumberedVcf& vcf, const std::function<bool(const Variant&)>& wanted) {
  std::string text;
  for (std::size_t i = 0; i < vcf.lines.size(); ++i) {
    const LineVariant record(vcf.lines[i]);
    if (wanted(record.variant())) text += fmt::format("{}\n", i);
  }
  return text;
}

Expression::Logic random_logic(RandomQueries& queries) {
  return queries.below(3) == 0 ? Expression::Logic::exclude : Expression::Logic::include;
}
const char* option(Expression::Logic logic) {
  return logic == Expression::Logic::include ? " -i " : " -e ";
}

void ask_expression(const NumberedVcf& vcf, RandomQueries& queries, Tally& tally) {
  const std::string text = queries.expression();
  const Expression::Logic logic = random_logic(queries);
  const std::string command = std::string("bcftools query -f '%cnfrow\\n'") + option(logic) +
                              quoted(text) + " " + quoted(vcf.path.string());
  compare(
      command, tally,
      [&] {
        const Expression expression = Expression::parse(text, vcf.header, logic);
        Expression::Scratch scratch;
        return rows(vcf, [&](const Variant& v) { return expression.matches(v, scratch); });
      },
      equal_text);
}

/// Records of `view` and what their cnfrow says.
constexpr const char* kRowsOfView = " | grep -v '^#' | sed 's/.*cnfrow=\\([0-9]*\\).*/\\1/'";

void ask_selection(const NumberedVcf& vcf, RandomQueries& queries, Tally& tally) {
  RandomQueries::Selection question = queries.selection();
  if (question.options.empty()) return;
  std::string command = "set -o pipefail; bcftools view" + question.options;
  // A file's samples may be chosen by name; bcftools then counts their alleles.
  const auto& samples = vcf.header.samples;
  std::size_t chosen = samples.size();
  const bool chooses =
      question.selection.genotype == std::nullopt && samples.size() > 1 && queries.below(3) == 0;
  if (chooses) {
    chosen = queries.below(samples.size());
    if (samples[chosen].find_first_of(",^") != std::string::npos) return;
    command += " -s " + quoted(samples[chosen]);
    question.selection.counts_cells = true;
  }
  command += " " + quoted(vcf.path.string());
  command = "bash -c " + quoted(command + kRowsOfView + " || [ ${PIPESTATUS[0]} = 0 ]");
  compare(
      command, tally,
      [&] {
        return rows(vcf, [&](const Variant& v) {
          Variant variant = v;
          if (chooses) variant.cells = variant.cells.subspan(chosen, 1);
          return question.selection.matches(variant);
        });
      },
      equal_text);
}

void ask_format(const NumberedVcf& vcf, RandomQueries& queries, Tally& tally) {
  const std::string text = queries.format();
  const bool conditional = queries.below(2) == 0;
  const std::string condition = queries.expression();
  const Expression::Logic logic = random_logic(queries);
  std::string command = "bcftools query -f " + quoted(text);
  if (conditional) command += option(logic) + quoted(condition);
  const bool with_header = text.find("%INFO ") == std::string::npos &&
                           text.find("%INFO\\n") == std::string::npos &&
                           text.find("%INFO[") == std::string::npos && queries.below(3) == 0;
  if (with_header) command += " -H";
  command += " " + quoted(vcf.path.string());
  compare(
      command, tally,
      [&] {
        const FormatString format = FormatString::parse(text, vcf.header);
        const bool by_sample = format.needs().genotypes || format.needs().format;
        Buffer out;
        if (with_header) out.append(as_bytes(format.header_line(vcf.header.samples)));
        Expression::Scratch scratch;
        std::optional<Expression> expression;
        if (conditional) expression = Expression::parse(condition, vcf.header, logic);
        for (const std::string& line : vcf.lines) {
          const LineVariant record(line);
          Expression::Answer answer{.passes = true};
          if (expression) answer = expression->answer(record.variant(), scratch, by_sample);
          if (answer.passes)
            format.append(record.variant(), vcf.header.samples, answer.samples, out);
        }
        return std::string(as_text(out));
      },
      equal_but_for_digits);
}

TEST(Vcfs3Filter, RandomQuestionsGetTheAnswersOfBcftools) {
  std::vector<std::filesystem::path> files;
  for (const auto& file : oracle::real_variant_files()) {
    constexpr std::uintmax_t kLargest = 300'000;
    if (file.extension() != ".bcf" && std::filesystem::file_size(file) < kLargest)
      files.push_back(file);
  }
  if (files.empty()) {
    std::cout << "no folder of real files (CNF_SHARED_DATA): nothing was compared\n";
    return;
  }
  const std::uint64_t seed = number_from_environment("CNF_TEST_SEED", kSeed);
  std::cout << "CNF_TEST_SEED=" << seed << '\n';
  std::mt19937_64 random(seed);
  std::ranges::shuffle(files, random);
  files.resize(std::min<std::size_t>(files.size(), number_from_environment("CNF_TEST_FILES", 150)));
  const cnf::testing::TempDir folder;
  Tally expressions, selections, formats;
  for (const auto& file : files) {
    SCOPED_TRACE(file.string());
    const auto vcf = NumberedVcf::make(file, folder.path() / "numbered.vcf");
    if (!vcf) continue;
    RandomQueries queries(*vcf, random);
    for (int i = 0; i < 6; ++i) ask_expression(*vcf, queries, expressions);
    for (int i = 0; i < 2; ++i) ask_selection(*vcf, queries, selections);
    for (int i = 0; i < 2; ++i) ask_format(*vcf, queries, formats);
  }
  const auto show = [](const char* what, const Tally& tally) {
    std::cout << what << ": " << tally.compared << " compared, " << tally.refused_by_bcftools
              << " refused by bcftools, " << tally.refused << " by us\n";
  };
  show("expressions", expressions);
  show("selections", selections);
  show("formats", formats);
  EXPECT_GT(expressions.compared, 0U);
}

}  // namespace
}  // namespace cnf::vcfs3
