// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace cnf::vcfs3 {

/// A contig's name as the manifest spells it: JSON is UTF-8, a name is any bytes. '%' and what is
/// no visible ASCII become "%" and two hexadecimal digits.
[[nodiscard]] std::string escape_name(std::string_view name);
/// Throws Error corrupt_data, naming `subject`, if it is no escaped name.
[[nodiscard]] std::string unescape_name(std::string_view escaped, std::string_view subject);

}  // namespace cnf::vcfs3
