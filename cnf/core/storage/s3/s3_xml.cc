// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <pugixml.hpp>

#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/http/http_xml_internal.h"
#include "cnf/core/storage/s3/s3_xml_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

constexpr std::string_view kStore = "an S3 store";

[[noreturn]] void refuse(std::string_view subject, std::string_view why) {
  refuse_xml(subject, why, kStore);
}

pugi::xml_node load_root(pugi::xml_document& document, std::string_view xml, std::string_view name,
                         std::string_view subject) {
  return load_xml_root(document, xml, name, subject, kStore);
}

std::string decoded(std::string_view text, bool url_encoded, std::string_view subject) {
  if (!url_encoded) return std::string(text);
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');  // a '+' of the key itself is "%2B"
  auto out = percent_decode(spaced);
  if (!out) refuse(subject, "a key in the listing is not URL-encoded, though it says so");
  return std::move(*out);
}

FileInfo object_of(const pugi::xml_node& node, bool url_encoded, std::string_view subject) {
  FileInfo out;
  out.key = decoded(node.child_value("Key"), url_encoded, subject);
  out.size = xml_size(node.child_value("Size"), subject, kStore);
  out.etag = unquote_etag(node.child_value("ETag"));
  out.storage_class = node.child_value("StorageClass");
  const auto modified = parse_iso8601(node.child_value("LastModified"));
  if (!modified) refuse(subject, "a date in the listing is none");
  out.modified = *modified;
  return out;
}

void check_key(std::string_view key, std::string_view prefix, std::string_view subject) {
  if (key.empty() || !key.starts_with(prefix)) {
    refuse(subject, "the listing has a key that was not asked for");
  }
}

// Two digits at each call; moves on. -1 if they are none.
int two_digits(std::string_view& text) {
  int value = -1;
  if (text.size() < 2) return -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + 2, value);
  if (error != std::errc{} || end != text.data() + 2 || value < 0) return -1;
  text.remove_prefix(2);
  return value;
}

}  // namespace

std::optional<S3Error> parse_s3_error(std::string_view xml) {
  pugi::xml_document document;
  if (!load_xml(document, xml)) return std::nullopt;
  const auto root = document.document_element();
  if (std::string_view(root.name()) != "Error") return std::nullopt;
  return S3Error{one_line(root.child_value("Code"), 100), one_line(root.child_value("Message")),
                 one_line(root.child_value("Region"), 60),
                 one_line(root.child_value("Endpoint"), 300)};
}

ListPage parse_list_page(std::string_view xml, std::string_view prefix, std::string_view subject) {
  pugi::xml_document document;
  const auto root = load_root(document, xml, "ListBucketResult", subject);
  const bool url_encoded = std::string_view(root.child_value("EncodingType")) == "url";
  ListPage out;
  for (const auto& node : root.children("Contents")) {
    out.objects.push_back(object_of(node, url_encoded, subject));
    check_key(out.objects.back().key, prefix, subject);
  }
  for (const auto& node : root.children("CommonPrefixes")) {
    out.prefixes.push_back(decoded(node.child_value("Prefix"), url_encoded, subject));
    check_key(out.prefixes.back(), prefix, subject);
  }
  out.next = root.child_value("NextContinuationToken");
  const bool truncated = std::string_view(root.child_value("IsTruncated")) == "true";
  if (truncated && out.next.empty()) {
    refuse(subject, "the listing goes on, but does not say where");
  }
  if (!truncated) out.next.clear();
  return out;
}

std::vector<S3DeleteFailure> parse_delete_result(std::string_view xml, std::string_view subject) {
  pugi::xml_document document;
  std::vector<S3DeleteFailure> out;
  for (const auto& node : load_root(document, xml, "DeleteResult", subject).children("Error")) {
    out.push_back({node.child_value("Key"), one_line(node.child_value("Code"), 100),
                   one_line(node.child_value("Message"))});
  }
  return out;
}

std::string parse_upload_id(std::string_view xml, std::string_view subject) {
  pugi::xml_document document;
  if (!load_xml(document, xml)) refuse(subject, "the answer is not the XML that S3 speaks");
  // "InitiateMultipartUploadResult"; rclone leaves the "Result" away.
  std::string out = document.document_element().child_value("UploadId");
  if (out.empty()) refuse(subject, "the answer has no UploadId");
  return out;
}

S3UploadPage parse_uploads(std::string_view xml, std::string_view subject) {
  pugi::xml_document document;
  const auto root = load_root(document, xml, "ListMultipartUploadsResult", subject);
  const bool url_encoded = std::string_view(root.child_value("EncodingType")) == "url";
  S3UploadPage out;
  for (const auto& node : root.children("Upload")) {
    const auto begun = parse_iso8601(node.child_value("Initiated"));
    if (!begun) refuse(subject, "a date in the list of uploads is none");
    out.uploads.push_back({decoded(node.child_value("Key"), url_encoded, subject),
                           node.child_value("UploadId"), *begun});
    if (out.uploads.back().key.empty() || out.uploads.back().id.empty()) {
      refuse(subject, "an upload in the list has no name");
    }
  }
  if (std::string_view(root.child_value("IsTruncated")) != "true") return out;
  out.next_key = decoded(root.child_value("NextKeyMarker"), url_encoded, subject);
  out.next_id = root.child_value("NextUploadIdMarker");
  if (out.next_key.empty()) refuse(subject, "the list of uploads does not say how it goes on");
  return out;
}

std::string parse_written_etag(std::string_view xml, std::string_view subject) {
  pugi::xml_document document;
  if (!load_xml(document, xml)) refuse(subject, "the answer is not the XML that the store speaks");
  std::string out = unquote_etag(document.document_element().child_value("ETag"));
  if (out.empty()) refuse(subject, "the answer has no ETag");
  return out;
}

bool is_safe_in_xml(std::string_view key) noexcept {
  return std::all_of(key.begin(), key.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::string delete_document(std::span<const std::string> keys) {
  pugi::xml_document document;
  auto root = document.append_child("Delete");
  root.append_attribute("xmlns") = "http://s3.amazonaws.com/doc/2006-03-01/";
  root.append_child("Quiet").text() = "true";
  for (const auto& key : keys) {
    root.append_child("Object").append_child("Key").text() = key.c_str();
  }
  return spell_xml(document);
}

std::string complete_document(std::span<const S3Part> parts) {
  pugi::xml_document document;
  auto root = document.append_child("CompleteMultipartUpload");
  root.append_attribute("xmlns") = "http://s3.amazonaws.com/doc/2006-03-01/";
  unsigned number = 0;
  for (const auto& part : parts) {
    auto node = root.append_child("Part");
    node.append_child("PartNumber").text() = ++number;
    node.append_child("ETag").text() = quote_etag(part.etag).c_str();
    if (!part.crc32c.empty()) node.append_child("ChecksumCRC32C").text() = part.crc32c.c_str();
  }
  return spell_xml(document);
}

std::optional<std::chrono::sys_seconds> parse_iso8601(std::string_view text) {
  const int century = two_digits(text);
  const int year = two_digits(text);
  int fields[5] = {};
  constexpr std::string_view kBefore = "--T::";
  for (std::size_t i = 0; i < kBefore.size(); ++i) {
    if (!text.starts_with(kBefore[i])) return std::nullopt;
    text.remove_prefix(1);
    fields[i] = two_digits(text);
    if (fields[i] < 0) return std::nullopt;
  }
  if (text.starts_with('.')) {
    text.remove_prefix(std::min(text.find_first_not_of("0123456789", 1), text.size()));
  }
  if (century < 0 || year < 0 || text != "Z") return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(century * 100 + year),
                                         std::chrono::month(static_cast<unsigned>(fields[0])),
                                         std::chrono::day(static_cast<unsigned>(fields[1])));
  if (!date.ok() || fields[2] > 23 || fields[3] > 59 || fields[4] > 60) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(fields[2]) +
         std::chrono::minutes(fields[3]) + std::chrono::seconds(fields[4]);
}

}  // namespace cnf::storage
