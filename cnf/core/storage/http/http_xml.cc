// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

#include <pugixml.hpp>

#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/http/http_xml_internal.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {

void refuse_xml(std::string_view subject, std::string_view why, std::string_view store) {
  throw Error(Errc::corrupt_data, "read", subject, why,
              "is the endpoint " + std::string(store) + "?");
}

// Entities that a document declares are never expanded: pugixml does not know them, and a document
// with a DOCTYPE is refused. A key may be one blank, so text is kept that is only white space.
bool load_xml(pugi::xml_document& document, std::string_view xml) {
  constexpr unsigned kOptions =
      pugi::parse_default | pugi::parse_doctype | pugi::parse_ws_pcdata_single;
  const auto result = document.load_buffer(xml.data(), xml.size(), kOptions, pugi::encoding_utf8);
  if (!result) return false;
  const auto nodes = document.children();
  return std::none_of(nodes.begin(), nodes.end(),
                      [](const pugi::xml_node& node) { return node.type() == pugi::node_doctype; });
}

pugi::xml_node load_xml_root(pugi::xml_document& document, std::string_view xml,
                             std::string_view name, std::string_view subject,
                             std::string_view store) {
  if (!load_xml(document, xml)) {
    refuse_xml(subject, "the answer is not the XML that the store speaks", store);
  }
  const auto root = document.document_element();
  if (name == root.name()) return root;
  refuse_xml(subject, "the answer is '" + one_line(root.name(), 60) + "', not " + std::string(name),
             store);
}

std::uint64_t xml_size(std::string_view text, std::string_view subject, std::string_view store) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    refuse_xml(subject, "a size in the listing is not a number", store);
  }
  return value;
}

std::string spell_xml(const pugi::xml_document& document) {
  std::ostringstream out;
  document.save(out, "", pugi::format_raw | pugi::format_no_declaration, pugi::encoding_utf8);
  return std::move(out).str();
}

}  // namespace cnf::storage
