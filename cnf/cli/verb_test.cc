// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/verb.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cnf::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A small program: `cnf cat [-@ N] [--tag T]… [-l] [--kind a|b] URI`, `cnf group leaf [NAME…]`.
struct Program {
  std::int64_t threads = 0;
  std::vector<std::string> tags;
  std::optional<std::int64_t> limit;
  bool is_long = false;
  std::string kind = "a";
  std::string uri;
  std::vector<std::string> names;

  void run(std::vector<const char*> words) {
    words.insert(words.begin(), "cnf");
    CommandLine command_line("a program", "cnf 1.2.3", "");
    Verb root = command_line.root();
    root.option("-@,--threads", "N", threads, "workers", 1);
    Verb cat = root.add("cat", "write");
    cat.option("--tag", "T", tags, "a tag");
    cat.option("--limit", "N", limit, "at most");
    cat.flag("-l,--long", is_long, "more");
    cat.choice("--kind", kind, {"a", "b"}, "which");
    cat.argument("URI", uri, "what");
    cat.run([](Session&) { return 0; });
    Verb leaf = root.add_group("group", "more verbs").add("leaf", "a leaf");
    leaf.arguments("NAME", names, "names");
    leaf.run([](Session&) { return 0; });
    const auto body = command_line.parse(static_cast<int>(words.size()), words.data());
    if (body) chose_verb = true;
  }
  bool chose_verb = false;
};

std::string usage_error(std::vector<const char*> words) {
  Program program;
  try {
    program.run(std::move(words));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

TEST(CommandLine, CommonOptionsStandBeforeOrAfterTheVerb) {
  for (const auto& words : std::vector<std::vector<const char*>>{
           {"-@", "4", "cat", "x"}, {"cat", "-@4", "x"}, {"cat", "x", "--threads=4"}}) {
    Program program;
    program.run(words);
    EXPECT_EQ(program.threads, 4);
    EXPECT_EQ(program.uri, "x");
    EXPECT_TRUE(program.chose_verb);
  }
}

TEST(CommandLine, TheLastOfAnOptionHoldsAndAListGrows) {
  Program program;
  program.run(
      {"-@1", "cat", "-@2", "--tag", "a", "x", "--tag", "b", "--limit", "0", "--kind", "b"});
  EXPECT_EQ(program.threads, 2);
  EXPECT_THAT(program.tags, ElementsAre("a", "b"));
  EXPECT_EQ(program.limit, 0);
  EXPECT_EQ(program.kind, "b");
  EXPECT_EQ(program.uri, "x");
}

TEST(CommandLine, VerbsNamesAreArgumentsElsewhere) {
  Program program;
  program.run({"group", "leaf", "cat", "group", "-", "leaf"});
  EXPECT_THAT(program.names, ElementsAre("cat", "group", "-", "leaf"));
  Program other;
  other.run({"cat", "group"});
  EXPECT_EQ(other.uri, "group");
}

TEST(CommandLine, AfterTwoDashesAllAreArguments) {
  Program program;
  program.run({"cat", "--", "-l"});
  EXPECT_EQ(program.uri, "-l");
  EXPECT_FALSE(program.is_long);
}

struct UsageCase {
  std::vector<const char*> words;
  std::string want;
};

TEST(CommandLine, WrongUsageIsOneLineThatNamesTheHelp) {
  const UsageCase cases[] = {
      {{}, "which verb? (try: cnf --help)"},
      {{"act"}, "there is no verb \"act\" (try: cnf --help)"},
      {{"group"}, "which verb? (try: cnf group --help)"},
      {{"group", "lead"}, "there is no verb \"lead\" (try: cnf group --help)"},
      {{"cat"}, "URI is required (try: cnf cat --help)"},
      {{"cat", "x", "y"}, "\"y\" is one argument too many (try: cnf cat --help)"},
      {{"cat", "--lang", "x"}, "there is no option --lang (try: cnf cat --help)"},
      {{"cat", "-@", "0", "x"},
       "--threads is a whole number of at least 1, not \"0\" (try: cnf cat --help)"},
      {{"cat", "--limit", "1e3", "x"},
       "--limit is a whole number of at least 0, not \"1e3\" (try: cnf cat --help)"},
      {{"cat", "--kind", "c", "x"}, "--kind is one of a|b, not \"c\" (try: cnf cat --help)"},
  };
  for (const UsageCase& row : cases) EXPECT_EQ(usage_error(row.words), row.want);
}

TEST(CommandLine, HelpIsOfTheVerbItIsAskedOf) {
  Program program;
  testing::internal::CaptureStdout();
  program.run({"group", "leaf", "--help"});
  EXPECT_FALSE(program.chose_verb);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("Usage: cnf group leaf"));
  testing::internal::CaptureStdout();
  program.run({"cat", "--version"});
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "cnf 1.2.3\n");
}

TEST(BasePairs, ReadsThousandsAndMillions) {
  EXPECT_EQ(parse_base_pairs("--chunk-span", "1500"), 1'500U);
  EXPECT_EQ(parse_base_pairs("--chunk-span", "250k"), 250'000U);
  EXPECT_EQ(parse_base_pairs("--chunk-span", "3M"), 3'000'000U);
  for (const char* text : {"", "0", "-1", "M", "1G", "1.5M", "9223372036854775807M"}) {
    EXPECT_THROW((void)parse_base_pairs("--chunk-span", text), UsageError) << text;
  }
}

}  // namespace
}  // namespace cnf::cli
