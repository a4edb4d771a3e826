// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <pugixml.hpp>

#include "cnf/core/storage/azure/azure_xml_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/http/http_xml_internal.h"
#include "cnf/core/storage/storage.h"

namespace cnf::storage {
namespace {

constexpr std::string_view kStore = "Azure Blob Storage";

// A name that XML cannot hold is percent-encoded, and says so.
std::string name_of(const pugi::xml_node& node, std::string_view prefix, std::string_view subject) {
  const auto name = node.child("Name");
  std::string out = name.child_value();
  if (std::string_view(name.attribute("Encoded").value()) == "true") {
    auto decoded = percent_decode(out);
    if (!decoded) {
      refuse_xml(subject, "a name in the listing is not URL-encoded, though it says so", kStore);
    }
    out = *std::move(decoded);
  }
  if (out.empty() || !out.starts_with(prefix)) {
    refuse_xml(subject, "the listing has a name that was not asked for", kStore);
  }
  return out;
}

FileInfo blob_of(const pugi::xml_node& node, std::string_view prefix, std::string_view subject) {
  const auto properties = node.child("Properties");
  FileInfo out;
  out.key = name_of(node, prefix, subject);
  out.size = xml_size(properties.child_value("Content-Length"), subject, kStore);
  out.etag = unquote_etag(properties.child_value("Etag"));
  out.storage_class = properties.child_value("AccessTier");
  const auto modified = parse_http_date(properties.child_value("Last-Modified"));
  if (!modified) refuse_xml(subject, "a date in the listing is none", kStore);
  out.modified = *modified;
  return out;
}

}  // namespace

ListPage parse_azure_list(std::string_view xml, std::string_view prefix, std::string_view subject) {
  pugi::xml_document document;
  const auto root = load_xml_root(document, xml, "EnumerationResults", subject, kStore);
  const auto blobs = root.child("Blobs");
  ListPage out;
  for (const auto& node : blobs.children("Blob")) {
    const std::string_view type = node.child("Properties").child_value("ResourceType");
    if (type == "directory") continue;
    out.objects.push_back(blob_of(node, prefix, subject));
  }
  for (const auto& node : blobs.children("BlobPrefix")) {
    out.prefixes.push_back(name_of(node, prefix, subject));
  }
  std::sort(out.objects.begin(), out.objects.end(),
            [](const FileInfo& a, const FileInfo& b) { return a.key < b.key; });
  std::sort(out.prefixes.begin(), out.prefixes.end());
  out.next = root.child_value("NextMarker");
  return out;
}

std::string block_list_document(std::span<const std::string> ids) {
  pugi::xml_document document;
  auto root = document.append_child("BlockList");
  for (const auto& id : ids) root.append_child("Latest").text() = id.c_str();
  return spell_xml(document);
}

}  // namespace cnf::storage
