// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <pugixml.hpp>

// XML as stores speak it. What comes from a server is hostile: nothing here expands entities beyond
// XML's own five.
namespace cnf::storage {

/// False if the text is not well-formed, or has a DOCTYPE.
[[nodiscard]] bool load_xml(pugi::xml_document& document, std::string_view xml);

/// The document's root, called `name`. Throws Error corrupt_data, naming `subject`, if there is
/// none; `store` is what the endpoint should be ("an S3 store").
[[nodiscard]] pugi::xml_node load_xml_root(pugi::xml_document& document, std::string_view xml,
                                           std::string_view name, std::string_view subject,
                                           std::string_view store);

/// Throws Error corrupt_data: the endpoint is not what it should be.
[[noreturn]] void refuse_xml(std::string_view subject, std::string_view why,
                             std::string_view store);

/// A size in decimal digits; anything else is refused as refuse_xml() does.
[[nodiscard]] std::uint64_t xml_size(std::string_view text, std::string_view subject,
                                     std::string_view store);

/// UTF-8, on one line.
[[nodiscard]] std::string spell_xml(const pugi::xml_document& document);

}  // namespace cnf::storage
