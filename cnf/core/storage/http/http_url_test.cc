// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

TEST(PercentEncode, KeepsTheUnreservedAlone) {
  EXPECT_EQ(percent_encode("aZ09-._~", Slash::encode), "aZ09-._~");
  EXPECT_EQ(percent_encode("a b+c/ü", Slash::encode), "a%20b%2Bc%2F%C3%BC");
  EXPECT_EQ(percent_encode("a/b", Slash::keep), "a/b");
}

TEST(PercentEncode, DecodesWhatItEncodedForEveryByte) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(percent_decode(percent_encode(all, Slash::encode)), all);
  EXPECT_EQ(percent_decode("%c3%bc"), "ü");
}

TEST(PercentDecode, RefusesHalfAnEscape) {
  for (const auto* text : {"%", "%4", "a%g0", "%0g", "%%%"}) {
    EXPECT_EQ(percent_decode(text), std::nullopt) << text;
  }
}

TEST(SpellQuery, SortsByEncodedNameThenValue) {
  EXPECT_EQ(spell_query({{"b", "2"}, {"a b", ""}, {"B", "1"}, {"b", "1"}}), "B=1&a%20b=&b=1&b=2");
}

TEST(ParseEndpoint, DropsTheSchemesOwnPort) {
  struct Row {
    std::string url, authority, host, path;
  };
  const Row rows[] = {
      {"https://S3.example.COM", "s3.example.com", "s3.example.com", ""},
      {"https://a.b:443/", "a.b", "a.b", ""},
      {"http://a.b:80", "a.b", "a.b", ""},
      {"http://a.b:443", "a.b:443", "a.b", ""},
      {"http://127.0.0.1:9000/x/y%20z/", "127.0.0.1:9000", "127.0.0.1", "/x/y z"},
      {"http://[::1]:9000", "[::1]:9000", "[::1]", ""},
      {"http://[::1]", "[::1]", "[::1]", ""},
  };
  for (const auto& row : rows) {
    const auto endpoint = parse_endpoint(row.url);
    EXPECT_EQ(endpoint.authority, row.authority) << row.url;
    EXPECT_EQ(endpoint.host(), row.host) << row.url;
    EXPECT_EQ(endpoint.path, row.path) << row.url;
  }
  EXPECT_EQ(parse_endpoint("http://h:9/x y").url(), "http://h:9/x%20y");
}

TEST(ParseEndpoint, KnowsWhatNoProxyReaches) {
  EXPECT_TRUE(parse_endpoint("http://127.0.0.1:9").is_loopback());
  EXPECT_TRUE(parse_endpoint("http://[::1]:9").is_loopback());
  EXPECT_TRUE(parse_endpoint("http://localhost").is_loopback());
}

TEST(ParseEndpoint, RefusesTheRestWithoutShowingIt) {
  for (const auto* url : {"", "host:9000", "ftp://h", "http://", "http://:9", "http://h:0",
                          "http://h:65536", "http://h:x", "http://key:secret@h", "http://h?secret",
                          "http://h/p#f", "http://h/%zz", "http://h\r\nX: y", "http://a b"}) {
    try {
      static_cast<void>(parse_endpoint(url));
      FAIL() << url;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::invalid_argument);
      EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos) << error.what();
    }
  }
}

TEST(ParseHttpDate, ReadsTheThreeFormsOfRfc9110) {
  const auto want = std::chrono::sys_days(std::chrono::year(1994) / 11 / 6) +
                    std::chrono::hours(8) + std::chrono::minutes(49) + std::chrono::seconds(37);
  for (const auto* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(parse_http_date(text), want) << text;
  }
  EXPECT_EQ(parse_http_date("soon"), std::nullopt);
  EXPECT_EQ(parse_http_date(""), std::nullopt);
}

TEST(Etag, TravelsInQuotesAndIsShownWithout) {
  EXPECT_EQ(unquote_etag("\"abc-2\""), "abc-2");
  EXPECT_EQ(unquote_etag("abc"), "abc");
  EXPECT_EQ(unquote_etag("\""), "\"");
  EXPECT_EQ(unquote_etag("W/\"abc\""), "W/\"abc\"");
  EXPECT_EQ(quote_etag("abc"), "\"abc\"");
  EXPECT_EQ(quote_etag("\"abc\""), "\"abc\"");
  EXPECT_EQ(quote_etag("W/\"abc\""), "W/\"abc\"");
}

TEST(OneLine, IsOneShortLine) {
  EXPECT_EQ(one_line("a\r\nb\tc"), "a  b c");
  EXPECT_EQ(one_line("abcdef", 3), "abc…");
}

}  // namespace
}  // namespace cnf::storage
