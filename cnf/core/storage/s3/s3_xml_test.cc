// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/s3/s3_xml_internal.h"

namespace cnf::storage {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kSubject = "s3://bucket/prefix";

// ListObjectsV2's own example, Amazon S3 API Reference, with encoded keys.
constexpr std::string_view kPage =
    R"(<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Name>bucket</Name><Prefix/><KeyCount>2</KeyCount><MaxKeys>2</MaxKeys>
  <EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
  <NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</NextContinuationToken>
  <Contents><Key>my+image%2B%C3%BC.jpg</Key><LastModified>2009-10-12T17:50:30.000Z</LastModified>
    <ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag><Size>434234</Size>
    <StorageClass>STANDARD</StorageClass></Contents>
  <CommonPrefixes><Prefix>photos/2006/</Prefix></CommonPrefixes>
</ListBucketResult>)";

Errc refusal_of(std::string_view xml, std::string_view prefix = "") {
  try {
    static_cast<void>(parse_list_page(xml, prefix, kSubject));
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(kSubject), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return error.code();
  }
  return Errc::internal;
}

TEST(ListPage, ReadsObjectsPrefixesAndToken) {
  const auto page = parse_list_page(kPage, "", kSubject);
  ASSERT_EQ(page.objects.size(), 1U);
  const auto& object = page.objects[0];
  EXPECT_EQ(object.key, "my image+ü.jpg");
  EXPECT_EQ(object.size, 434234U);
  EXPECT_EQ(object.etag, "fba9dede5f27731c9771645a39863328");
  EXPECT_EQ(object.storage_class, "STANDARD");
  EXPECT_EQ(object.modified, parse_iso8601("2009-10-12T17:50:30Z"));
  EXPECT_THAT(page.prefixes, ElementsAre("photos/2006/"));
  EXPECT_EQ(page.next, "1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=");
}

TEST(ListPage, WithoutEncodingTypeAPlusIsAPlus) {
  const auto page = parse_list_page(
      "<ListBucketResult><IsTruncated>false</IsTruncated><NextContinuationToken>stale"
      "</NextContinuationToken><Contents><Key>a+%20b</Key><Size>0</Size>"
      "<LastModified>2009-10-12T17:50:30Z</LastModified></Contents></ListBucketResult>",
      "a", kSubject);
  EXPECT_EQ(page.objects.at(0).key, "a+%20b");
  EXPECT_EQ(page.next, "") << "the last page has no next one, whatever it says";
}

TEST(ListPage, HostileAnswersAreOneClearError) {
  const std::string good(kPage);
  const auto with = [&](std::string_view what, std::string_view by) {
    std::string text = good;
    return text.replace(text.find(what), what.size(), by);
  };
  const std::string rows[] = {
      "",
      "not xml",
      "<html><body>login</body></html>",
      "<ListBucketResult>",
      good.substr(0, good.size() / 2),
      with("<ListBucketResult ", "<!DOCTYPE x [<!ENTITY a \"b\">]><ListBucketResult "),
      with("<Size>434234", "<Size>-1"),
      with("<Size>434234", "<Size>99999999999999999999999"),
      with("<Size>434234", "<Size>"),
      with("2009-10-12", "2009-13-12"),
      with("my+image", "my%+image"),
      with("<Key>my+image%2B%C3%BC.jpg", "<Key>"),
      with("1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=", ""),
  };
  for (const auto& row : rows) EXPECT_EQ(refusal_of(row), Errc::corrupt_data) << row;
  EXPECT_EQ(refusal_of(good, "other"), Errc::corrupt_data) << "keys that were not asked for";
}

TEST(S3Error, ReadsCodeMessageAndRegion) {
  const auto error = parse_s3_error(
      "<Error><Code>PermanentRedirect</Code><Message>use\nthe right one</Message>"
      "<Region>eu-west-1</Region><StringToSign>hidden</StringToSign></Error>");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, "PermanentRedirect");
  EXPECT_EQ(error->message, "use the right one");
  EXPECT_EQ(error->region, "eu-west-1");
  for (const auto* text : {"", "<Err", "<ListBucketResult/>", "<!DOCTYPE a><Error/>"}) {
    EXPECT_FALSE(parse_s3_error(text)) << text;
  }
}

TEST(DeleteResult, KeepsFailuresOnly) {
  const auto failures = parse_delete_result(
      "<DeleteResult><Deleted><Key>a</Key></Deleted><Error><Key>b</Key><Code>AccessDenied</Code>"
      "<Message>no</Message></Error></DeleteResult>",
      kSubject);
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures[0].key, "b");
  EXPECT_EQ(failures[0].code, "AccessDenied");
  EXPECT_THROW(static_cast<void>(parse_delete_result("<Error/>", kSubject)), Error);
}

TEST(Uploads, IdsAndEtagsMustBeThere) {
  EXPECT_EQ(parse_upload_id("<InitiateMultipartUploadResult><UploadId>x</UploadId>"
                            "</InitiateMultipartUploadResult>",
                            kSubject),
            "x");
  EXPECT_THROW(static_cast<void>(parse_upload_id("<InitiateMultipartUploadResult/>", kSubject)),
               Error);
  EXPECT_EQ(parse_written_etag("<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>", kSubject),
            "e");
  EXPECT_THROW(static_cast<void>(parse_written_etag("<CopyObjectResult/>", kSubject)), Error);
}

TEST(Uploads, AreListedWithTheirAge) {
  // ListMultipartUploads' own example, Amazon S3 API Reference, shortened.
  const std::string good =
      "<ListMultipartUploadsResult><EncodingType>url</EncodingType>"
      "<NextKeyMarker>my%2Bmovie</NextKeyMarker><NextUploadIdMarker>YW55</NextUploadIdMarker>"
      "<IsTruncated>true</IsTruncated><Upload><Key>my%2Bdivisor</Key><UploadId>XMgbGlrZSBlbHZpbmc"
      "</UploadId><Initiated>2010-11-10T20:48:33.000Z</Initiated></Upload>"
      "</ListMultipartUploadsResult>";
  const auto page = parse_uploads(good, kSubject);
  ASSERT_EQ(page.uploads.size(), 1U);
  EXPECT_EQ(page.uploads[0].key, "my+divisor");
  EXPECT_EQ(page.uploads[0].id, "XMgbGlrZSBlbHZpbmc");
  EXPECT_EQ(page.uploads[0].begun, parse_iso8601("2010-11-10T20:48:33Z"));
  EXPECT_EQ(page.next_key, "my+movie");
  EXPECT_EQ(page.next_id, "YW55");
  for (const std::string_view gone :
       {"2010-11-10T20:48:33.000Z", "my%2Bdivisor", "XMgbGlrZSBlbHZpbmc", "my%2Bmovie"}) {
    std::string text = good;
    text.erase(text.find(gone), gone.size());
    EXPECT_THROW(static_cast<void>(parse_uploads(text, kSubject)), Error) << gone;
  }
}

TEST(Documents, EscapeWhatXmlNeeds) {
  const std::string keys[] = {"a<b>&\"c\"", " d "};
  EXPECT_EQ(delete_document(keys),
            "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>"
            "<Object><Key>a&lt;b&gt;&amp;\"c\"</Key></Object>"
            "<Object><Key> d </Key></Object></Delete>");
  const S3Part parts[] = {{"one", "AAAAAA=="}, {"two", ""}};
  EXPECT_EQ(complete_document(parts),
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            "<Part><PartNumber>1</PartNumber><ETag>\"one\"</ETag>"
            "<ChecksumCRC32C>AAAAAA==</ChecksumCRC32C></Part>"
            "<Part><PartNumber>2</PartNumber><ETag>\"two\"</ETag></Part>"
            "</CompleteMultipartUpload>");
  EXPECT_TRUE(is_safe_in_xml("a b/~"));
  EXPECT_FALSE(is_safe_in_xml("ü"));
  EXPECT_FALSE(is_safe_in_xml("a\x01"));
}

TEST(Iso8601, ReadsWhatS3Writes) {
  const auto want = std::chrono::sys_days(std::chrono::year(2009) / 10 / 12) +
                    std::chrono::hours(17) + std::chrono::minutes(50) + std::chrono::seconds(30);
  EXPECT_EQ(parse_iso8601("2009-10-12T17:50:30.000Z"), want);
  EXPECT_EQ(parse_iso8601("2009-10-12T17:50:30.123456789Z"), want);
  for (const auto* text : {"", "2009", "2009-10-12T17:50:30", "2009-10-12T17:50:30+01:00",
                           "2009-02-30T00:00:00Z", "2009-10-12T24:00:00Z", "x009-10-12T17:50:30Z",
                           "2009-10-12T17:50:30.", "2009-10-12 17:50:30Z", "2009-1-12T17:50:30Z"}) {
    EXPECT_EQ(parse_iso8601(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace cnf::storage
