// SPDX-License-Identifier: Apache-2.0
// What Azure's requests are made of, without a server: signatures, settings, XML, batches.
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/azure/azure_batch_internal.h"
#include "cnf/core/storage/azure/azure_settings_internal.h"
#include "cnf/core/storage/azure/azure_sign_internal.h"
#include "cnf/core/storage/azure/azure_xml_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

constexpr std::chrono::sys_seconds kJune{std::chrono::seconds(1'435'361'952)};

HttpRequest request_for(std::string method, std::string path) {
  HttpRequest out;
  out.method = std::move(method);
  out.endpoint = {"https", "myaccount.blob.core.windows.net", ""};
  out.path = std::move(path);
  return out;
}

Error error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  return {Errc::internal, "", "", "nothing was thrown"};
}

// Vectors: the examples of "Authorize with Shared Key".
TEST(AzureSign, GetsTheContainersMetadataAsTheReferenceSays) {
  auto request = request_for("GET", "/mycontainer");
  request.query = {{"timeout", "20"}, {"restype", "container"}, {"comp", "metadata"}};
  request.headers = {{"x-ms-version", "2015-02-21"}, {"x-ms-date", azure_date(kJune)}};
  EXPECT_EQ(azure_string_to_sign("myaccount", request),
            "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\n"
            "x-ms-version:2015-02-21\n/myaccount/mycontainer\ncomp:metadata\nrestype:container\n"
            "timeout:20");
}

TEST(AzureSign, RepeatedParametersAreSortedAndJoined) {
  auto request = request_for("GET", "/mycontainer");
  request.query = {{"restype", "container"},
                   {"comp", "list"},
                   {"include", "snapshots"},
                   {"include", "metadata"},
                   {"Include", "uncommittedblobs"}};
  EXPECT_THAT(azure_string_to_sign("myaccount", request),
              HasSubstr("\n/myaccount/mycontainer\ncomp:list\n"
                        "include:metadata,snapshots,uncommittedblobs\nrestype:container"));
}

TEST(AzureSign, AWriteSignsItsLengthUnlessThatIsZero) {
  auto request = request_for("PUT", "/c/a b+%");
  const std::string body = "hello world";
  request.body = as_bytes(body);
  request.headers = {{"If-None-Match", "*"},
                     {"Content-MD5", "md5"},
                     {"x-ms-blob-type", "BlockBlob"},
                     {"Range", "bytes=0-1"}};
  EXPECT_EQ(azure_string_to_sign("myaccount", request),
            "PUT\n\n\n11\nmd5\n\n\n\n\n*\n\nbytes=0-1\nx-ms-blob-type:BlockBlob\n"
            "/myaccount/c/a%20b%2B%25");
  request.body = {};
  EXPECT_THAT(azure_string_to_sign("myaccount", request), HasSubstr("PUT\n\n\n\nmd5\n"));
}

TEST(AzureSign, AnAccountInThePathStandsThereTwice) {
  auto request = request_for("GET", "/c/k");
  request.endpoint = {"http", "127.0.0.1:10000", "/devstoreaccount1"};
  EXPECT_THAT(azure_string_to_sign("devstoreaccount1", request),
              HasSubstr("\n/devstoreaccount1/devstoreaccount1/c/k"));
}

// Oracle: printf 'text' | openssl dgst -sha256 -hmac key -binary | base64
TEST(AzureSign, TheSignatureIsAnHmac) {
  EXPECT_EQ(azure_signature({"a", "key"}, "The quick brown fox jumps over the lazy dog"),
            "97yD9DBThCSxMpjmqm+xQ+9NWaFJRhdZl0edvC0aPNg=");
}

TEST(AzureSign, ASasIsForOneBlobAndOneHour) {
  const AzureReadGrant grant{.container = "c", .blob = "a b/ü", .expires = kJune};
  EXPECT_EQ(azure_sas_string_to_sign("acc", grant),
            "r\n\n2015-06-26T23:39:12Z\n/blob/acc/c/a b/ü\n\n\n\n2023-11-03\nb\n\n\n\n\n\n\n");
  EXPECT_THAT(azure_read_sas({"acc", "key"}, grant),
              ElementsAre(Pair("sv", "2023-11-03"), Pair("sr", "b"), Pair("sp", "r"),
                          Pair("se", "2015-06-26T23:39:12Z"), Pair("sig", ::testing::SizeIs(44))));
}

class Variables final : public Environment {
 public:
  explicit Variables(std::map<std::string, std::string> values = {}) : values_(std::move(values)) {}
  [[nodiscard]] std::optional<std::string> variable(const std::string& name) const override {
    const auto found = values_.find(name);
    return found == values_.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::optional<std::string> file(const std::string&) const override { return {}; }

 private:
  std::map<std::string, std::string> values_;
};

TEST(AzureSettings, AConnectionStringSaysItAll) {
  Options options;
  options.connection_string =
      "DefaultEndpointsProtocol=https;accountname=acc;AccountKey=a2V5;"
      "EndpointSuffix=core.chinacloudapi.cn";
  auto settings = resolve_azure_settings("c", options, Variables());
  EXPECT_EQ(settings.account, "acc");
  EXPECT_EQ(settings.endpoint.url(), "https://acc.blob.core.chinacloudapi.cn");
  EXPECT_EQ(settings.secrets.account_key, "key");

  options.connection_string = "UseDevelopmentStorage=true";
  settings = resolve_azure_settings("c", options, Variables());
  EXPECT_EQ(settings.endpoint.url(), "http://127.0.0.1:10000/devstoreaccount1");
  EXPECT_EQ(settings.secrets.account_key.size(), 64U);

  options.connection_string =
      "BlobEndpoint=https://acc.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=a%2Bb";
  settings = resolve_azure_settings("c", options, Variables());
  EXPECT_EQ(settings.account, "acc");
  EXPECT_THAT(settings.secrets.sas, ElementsAre(Pair("sv", "1"), Pair("sig", "a+b")));
}

TEST(AzureSettings, TheEnvironmentSpeaksForItsOwnAccount) {
  const Variables environment({{"AZURE_STORAGE_ACCOUNT", "acc"}, {"AZURE_STORAGE_KEY", "a2V5"}});
  auto settings = resolve_azure_settings("c", {}, environment);
  EXPECT_EQ(settings.endpoint.url(), "https://acc.blob.core.windows.net");
  EXPECT_EQ(settings.secrets.account_key, "key");
  settings = resolve_azure_settings("c@acc.dfs.core.windows.net", {}, environment);
  EXPECT_EQ(settings.secrets.account_key, "key");
  EXPECT_EQ(settings.endpoint.url(), "https://acc.blob.core.windows.net");
  settings = resolve_azure_settings("c@other.dfs.core.windows.net", {}, environment);
  EXPECT_EQ(settings.secrets.account_key, "") << "the key of another account";
  EXPECT_NE(settings.secrets.token, nullptr) << "what identifies this machine is left";
}

TEST(AzureSettings, WhatTheOptionsSayComesFirst) {
  const Variables environment({{"AZURE_STORAGE_ACCOUNT", "acc"}, {"AZURE_STORAGE_KEY", "a2V5"}});
  Options options;
  options.sas_token = "?sig=x";
  EXPECT_EQ(resolve_azure_settings("c", options, environment).secrets.sas.size(), 1U);
  options.sas_token.clear();
  options.token = "bearer";
  EXPECT_NE(resolve_azure_settings("c", options, environment).secrets.token, nullptr);
  options.anonymous = true;
  const auto settings = resolve_azure_settings("c", options, environment);
  EXPECT_EQ(settings.secrets.token, nullptr);
  EXPECT_EQ(settings.secrets.account_key, "");
}

TEST(AzureSettings, AnEndpointByAddressHasTheAccountInItsPath) {
  Options options;
  options.anonymous = true;
  options.account = "acc";
  options.endpoint = "http://azurite:10000";
  EXPECT_EQ(resolve_azure_settings("c", options, Variables()).endpoint.path, "/acc");
  options.account.clear();
  EXPECT_EQ(error_of([&] { (void)resolve_azure_settings("c", options, Variables()); }).code(),
            Errc::invalid_argument);
  options.endpoint = "http://127.0.0.1:1/there";
  EXPECT_EQ(resolve_azure_settings("c", options, Variables()).account, "there");
}

TEST(AzureSettings, ASecretThatIsNoneIsNotShown) {
  Options options;
  options.account = "acc";
  options.account_key = "SECRET!";
  for (const char* token : {"", "SECRET", "sv=1&SECRET", "sig=SECRET%2", "sv=SECRET"}) {
    options.sas_token = token;
    if (*token != '\0') options.account_key.clear();
    const auto error = error_of([&] { (void)resolve_azure_settings("c", options, Variables()); });
    EXPECT_EQ(error.code(), Errc::invalid_argument) << token;
    EXPECT_THAT(error.what(), Not(HasSubstr("SECRET")));
  }
}

std::string list_of(const std::string& blobs, const std::string& next = "") {
  return "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Blobs>" +
         blobs + "</Blobs><NextMarker>" + next + "</NextMarker></EnumerationResults>";
}
std::string blob(const std::string& name, const std::string& more = "") {
  return "<Blob><Name>" + name +
         "</Name><Properties><Last-Modified>Fri, 26 Jun 2015 23:39:12 GMT</Last-Modified>"
         "<Etag>0x8D1</Etag><Content-Length>7</Content-Length><AccessTier>Cool</AccessTier>" +
         more + "</Properties></Blob>";
}

TEST(AzureXml, AListIsBlobsAndPrefixesWithoutFolders) {
  const auto page = parse_azure_list(
      list_of(blob("a/z &amp; y") + blob("a/f", "<ResourceType>directory</ResourceType>") +
                  "<Blob><Name Encoded=\"true\">a/%EF%BF%BE</Name>" + blob("").substr(19) +
                  "<BlobPrefix><Name>a/p/</Name></BlobPrefix>" + blob("a/b"),
              "more"),
      "a/", "list");
  ASSERT_EQ(page.objects.size(), 3U);
  EXPECT_EQ(page.objects[0].key, "a/b") << "sorted";
  EXPECT_EQ(page.objects[1].key, "a/z & y");
  EXPECT_EQ(page.objects[2].key, "a/\xEF\xBF\xBE");
  EXPECT_EQ(page.objects[0].size, 7U);
  EXPECT_EQ(page.objects[0].etag, "0x8D1");
  EXPECT_EQ(page.objects[0].modified, kJune);
  EXPECT_EQ(page.objects[0].storage_class, "Cool");
  EXPECT_THAT(page.prefixes, ElementsAre("a/p/"));
  EXPECT_EQ(page.next, "more");
}

TEST(AzureXml, WhatIsNoListIsRefused) {
  for (const auto& xml : {std::string("<html/>"), std::string("<EnumerationResults>"),
                          "<!DOCTYPE x>" + list_of("").substr(3), list_of(blob("other")),
                          list_of("<Blob><Name>a/b</Name></Blob>"),
                          list_of("<BlobPrefix><Name Encoded=\"true\">a/%</Name></BlobPrefix>")}) {
    EXPECT_EQ(error_of([&] { (void)parse_azure_list(xml, "a/", "list"); }).code(),
              Errc::corrupt_data)
        << xml;
  }
}

TEST(AzureXml, SpellsABlockList) {
  const std::vector<std::string> ids = {"YQ==", "Yg=="};
  EXPECT_EQ(block_list_document(ids),
            "<BlockList><Latest>YQ==</Latest><Latest>Yg==</Latest></BlockList>");
}

TEST(AzureBatch, IsSpelledAsTheReferenceSays) {
  std::vector<HttpRequest> requests = {request_for("DELETE", "/c/a b"),
                                       request_for("DELETE", "/c/b")};
  requests[0].headers = {{"Authorization", "SharedKey x"}};
  requests[1].query = {{"sig", "a+b"}};
  EXPECT_EQ(spell_azure_batch(requests, "batch_1"),
            "--batch_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
            "Content-ID: 0\r\n\r\nDELETE /c/a%20b HTTP/1.1\r\nAuthorization: SharedKey x\r\n"
            "Content-Length: 0\r\n\r\n"
            "--batch_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
            "Content-ID: 1\r\n\r\nDELETE /c/b?sig=a%2Bb HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
            "--batch_1--\r\n");
}

// The example answer of "Blob Batch", with one part more.
TEST(AzureBatch, ReadsWhatBecameOfEach) {
  const std::string body =
      "--batchresponse_6\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\n"
      "HTTP/1.1 404 The specified blob does not exist.\r\nx-ms-error-code: BlobNotFound\r\n"
      "Content-Length: 216\r\n\r\n<?xml version=\"1.0\"?>\n<Error/>\r\n"
      "--batchresponse_6\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\n"
      "HTTP/1.1 202 Accepted\r\nServer: Windows-Azure-Blob/1.0\r\n\r\n"
      "--batchresponse_6\r\nContent-Type: application/http\r\nContent-ID: 99\r\n\r\n"
      "HTTP/1.1 202 Accepted\r\n\r\n"
      "--batchresponse_6--\r\n";
  const auto parts = parse_azure_batch(body, "multipart/mixed; boundary=batchresponse_6", 3);
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[0].status, 202);
  EXPECT_EQ(parts[1].status, 404);
  EXPECT_EQ(parts[1].code, "BlobNotFound");
  EXPECT_EQ(parts[2].status, 0) << "nothing is said about it";
  EXPECT_EQ(parse_azure_batch(body, "text/plain", 1)[0].status, 0);
}

}  // namespace
}  // namespace cnf::storage
