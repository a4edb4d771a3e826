// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/token_column.h"

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/columns.h"
#include "cnf/formats/vcfs3/integer_model.h"
#include "cnf/formats/vcfs3/test_columns_internal.h"
#include "cnf/formats/vcfs3/token_column_internal.h"

namespace cnf::vcfs3 {
namespace {

using Texts = std::vector<std::string>;

struct Stored {
  TokenKind kind{};
  std::size_t size = 0;
};

Stored expect_round_trip(const Texts& tokens, const TokenHints& hints = {}, int level = 9) {
  EncodedColumn column = encode_tokens(testing::views_of(tokens), Sizer(level), hints);
  const auto kind = static_cast<TokenKind>(column.head.span()[0]);
  const Buffer bytes = testing::section_of(std::move(column), level);
  Section section(bytes, "test");
  ColumnReader reader = section.column(0);
  const Tokens decoded = decode_tokens(reader, tokens.size(), hints);
  EXPECT_EQ(Texts(decoded.texts.begin(), decoded.texts.end()), tokens);
  return {kind, bytes.size()};
}

/// `make(i)` for i below `count`.
template <typename Make>
Texts texts(std::size_t count, const Make& make) {
  Texts result;
  for (std::size_t i = 0; i < count; ++i) result.push_back(make(i));
  return result;
}

// A number that looks random and is the same in every run.
std::uint64_t mixed(std::size_t i) {
  std::uint64_t bits = (i + 1) * 0x9e3779b97f4a7c15U;
  bits = (bits ^ bits >> 30U) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ bits >> 27U) * 0x94d049bb133111ebU;
  return bits >> 40U;
}

double real(std::size_t i, std::uint64_t limit) { return static_cast<double>(mixed(i) % limit); }

Texts odd_tokens() {
  return {"",
          ".",
          "0.00",
          "10.0",
          "-0.0",
          "-0",
          "2e+1",
          "1e-30",
          "1e-320",
          "inf",
          "-inf",
          "nan",
          "NaN",
          "quality",
          "1e3",
          "3.01",
          "1,.,3",
          ".,.",
          ",",
          ",,",
          "1,2,",
          "rs1;rs2",
          "rs",
          "rs01",
          "rs-1",
          "rs1.5",
          "RS12",
          "rs12",
          "%3B",
          "a%b",
          "\xc3\xa9",
          "\"a, b\"",
          "a b",
          "x\ty",
          "00",
          "007",
          "+5",
          "5.",
          ".5",
          "1.2.3",
          "1|2|3",
          "|",
          "G]17:1]",
          "<DUP:T>",
          "0x1F",
          "1234567890123456789012345",
          "A,,T",
          "0.30000001192",
          "-2147483649",
          "4294967296",
          "99999999999999999999.5",
          std::string(3, '\0'),
          std::string(100'000, 'C')};
}

TEST(TokenColumn, EveryOddTokenComesBack) {
  const Texts odd = odd_tokens();
  for (const int level : {3, 9}) {
    expect_round_trip(odd, {}, level);
    for (const std::string& token : odd) {
      expect_round_trip({token}, {}, level);
      expect_round_trip({token, "1"}, {}, level);
      // Among tokens that do follow a rule.
      for (const std::string_view pattern : {"{}", "rs{}", "{}.5", "{0},{0}", "{0}|x|{0}"}) {
        Texts tokens =
            texts(40, [&](std::size_t i) { return fmt::format(fmt::runtime(pattern), mixed(i)); });
        tokens[0] = tokens[17] = tokens[39] = token;
        expect_round_trip(tokens, {}, level);
      }
    }
  }
}

TEST(TokenColumn, RandomTokensComeBack) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  constexpr std::string_view kLetters = "0123456789.,-|;:eE=+rsACGT\n\r\t%\x01";
  for (int i = 0; i < 400; ++i) {
    const std::size_t letters = 1 + random() % kLetters.size();
    const Texts tokens = texts(random() % 120, [&](std::size_t) {
      std::string token;
      for (std::size_t n = random() % 7; n > 0; --n) token += kLetters[random() % letters];
      return token;
    });
    std::vector<std::int64_t> expected;
    if (i % 2 == 0) {
      for (const std::string& token : tokens) {
        expected.push_back(static_cast<std::int64_t>(token.size() % 3));
      }
    }
    std::vector<std::uint8_t> contexts;
    if (i % 5 < 3) {
      for (const std::string& token : tokens) {
        contexts.push_back(static_cast<std::uint8_t>(token.size() * 9 % kMaxContexts));
      }
    }
    expect_round_trip(tokens, {expected, contexts}, i % 3 == 0 ? 9 : 3);
  }
}

struct Case {
  std::string_view name;
  TokenKind kind;
  double bytes_each;  // no more
  Texts tokens;
};

void expect_kinds(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    const Stored stored = expect_round_trip(c.tokens);
    EXPECT_EQ(stored.kind, c.kind) << c.name;
    EXPECT_LE(static_cast<double>(stored.size),
              c.bytes_each * static_cast<double>(c.tokens.size()) + 20)
        << c.name;
  }
}

TEST(TokenColumn, ChoosesTheKindThatFits) {
  expect_kinds({
      {"constant", TokenKind::constant, 0.01, Texts(4096, "PASS")},
      {"nothing", TokenKind::constant, 1, {}},
      {"dictionary", TokenKind::dictionary, 0.4,
       texts(4096, [](std::size_t i) { return mixed(i) % 2 == 0 ? "PASS" : "LowQual;hard"; })},
      {"rs numbers", TokenKind::prefixed, 3.2,
       texts(4096, [](std::size_t i) { return fmt::format("rs{}", mixed(i)); })},
      {"integers", TokenKind::numbers, 2.1,
       texts(4096, [](std::size_t i) { return std::to_string(mixed(i) % 65'536); })},
      {"ascending integers", TokenKind::numbers, 1.1,
       texts(4096,
             [](std::size_t i) { return std::to_string(i * 200 + 10'000'000 + mixed(i) % 99); })},
      {"decimals, two digits", TokenKind::numbers, 2.1,
       texts(4096, [](std::size_t i) { return fmt::format("{:.2f}", real(i, 60'000) / 100); })},
      {"decimals, zeros left out", TokenKind::numbers, 2.1,
       texts(4096, [](std::size_t i) { return fmt::format("{}", real(i, 60'000) / 1000); })},
      {"decimals, digits by magnitude", TokenKind::numbers, 1.9,
       texts(4096,
             [](std::size_t i) {
               const double value = real(i, 4000) / 1000;
               return value < 1 ? fmt::format("{:.3f}", value) : fmt::format("{:.2f}", value);
             })},
      {"missing among them", TokenKind::numbers, 2.1,
       texts(4096,
             [](std::size_t i) { return i % 3 == 0 ? "." : std::to_string(mixed(i) % 60'000); })},
      {"quotients", TokenKind::numbers, 2.1,
       texts(4096,
             [](std::size_t i) { return fmt::format("{:.6g}", (1 + real(i, 1005)) / 1006); })},
      {"with an exponent", TokenKind::scientific, 2.2,
       texts(4096, [](std::size_t i) { return fmt::format("{:.5e}", real(i, 60'000) / 1000); })},
      {"parts", TokenKind::parts, 3.1,
       texts(4096,
             [](std::size_t i) {
               return fmt::format("{}|{:.3f}|{}", i % 2 == 0 ? "A" : "B", real(i, 999) / 1000,
                                  mixed(i + 1) % 250);
             })},
  });
}

TEST(TokenColumn, ChoosesTheKindThatFitsTexts) {
  expect_kinds({
      {"vectors", TokenKind::numbers, 4.1,
       texts(4096,
             [](std::size_t i) {
               const std::uint64_t a = mixed(i) % 60'000;
               return i % 5 == 0 ? fmt::format("{},{},.", a, mixed(i + 1) % 60'000)
                                 : fmt::format("{}", a);
             })},
      {"text", TokenKind::lines, 9,
       texts(500,
             [](std::size_t i) {
               std::string text;
               for (std::size_t k = 0; k < 12; ++k) text += "ACGTNRYK"[mixed(12 * i + k) % 8];
               return text;
             })},
      {"what holds newlines", TokenKind::blobs, 60, {"a\n", "\n\n", "b"}},
  });
}

TEST(TokenColumn, ArityAsExpectedCostsNothing) {
  std::vector<std::int64_t> expected;
  const Texts tokens = texts(4096, [&](std::size_t i) {
    expected.push_back(1 + static_cast<std::int64_t>(mixed(i) % 3));
    std::string text = std::to_string(mixed(i + 7) % 256);
    for (std::int64_t k = 1; k < expected.back(); ++k) text += ",7";
    return text;
  });
  const std::size_t alone = expect_round_trip(tokens).size;
  const std::size_t with = expect_round_trip(tokens, {.expected = expected}).size;
  EXPECT_LT(with + 500, alone);
}

TEST(TokenColumn, TheSameBytesEveryTime) {
  const Texts tokens = texts(2000, [](std::size_t i) { return std::to_string(mixed(i) % 777); });
  const auto bytes = [&] {
    return testing::section_of(encode_tokens(testing::views_of(tokens), Sizer(9)), 9);
  };
  EXPECT_EQ(as_text(bytes()), as_text(bytes()));
}

// Whatever a byte is changed to, decoding gives an answer or an Error, and no more text than there
// may be.
TEST(TokenColumn, DamageIsAnsweredByAnError) {
  const std::vector<Texts> columns = {
      texts(20, [](std::size_t i) { return i == 3 ? "." : std::to_string(mixed(i)); }),
      texts(20, [](std::size_t i) { return fmt::format("rs{}", mixed(i)); }),
      texts(20, [](std::size_t i) { return i % 2 == 0 ? "a" : "b"; }),
      texts(20, [](std::size_t i) { return fmt::format("{}.{},{}", i % 7, i, mixed(i)); }),
      texts(20, [](std::size_t i) { return fmt::format("{:.6g}", (1 + real(i, 1000)) / 1006); }),
      {"a\n", "b", "c\n"},
  };
  for (const Texts& tokens : columns) {
    const Buffer bytes = testing::section_of(encode_tokens(testing::views_of(tokens), Sizer(3)), 3);
    for (std::size_t at = 4; at < bytes.size(); ++at) {
      for (const unsigned change : {1U, 2U, 4U, 16U, 64U, 128U, 255U}) {
        Buffer damaged = Buffer::copy_of(bytes);
        damaged.span()[at] ^= static_cast<std::byte>(change);
        EXPECT_THROW(Section(damaged, "test"), Error) << "the checksum";
        const Buffer sound = testing::with_checksum(damaged);
        try {
          Section section(sound, "test");
          ColumnReader reader = section.column(0);
          EXPECT_EQ(decode_tokens(reader, tokens.size()).texts.size(), tokens.size());
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), Errc::corrupt_data) << error.what();
        }
      }
    }
  }
}

}  // namespace
}  // namespace cnf::vcfs3
