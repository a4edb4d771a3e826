// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/contig_name.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "cnf/core/util/error.h"

namespace cnf::vcfs3 {

std::string escape_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c > ' ' && c < 0x7f && c != '%') {
      out.push_back(c);
    } else {
      out += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string unescape_name(std::string_view escaped, std::string_view subject) {
  std::string out;
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    if (escaped[i] != '%') {
      out.push_back(escaped[i]);
      continue;
    }
    const std::string_view digits = escaped.substr(i + 1, 2);
    std::uint8_t byte = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2)
      throw Error(Errc::corrupt_data, "open", subject, "a contig with no name");
    out.push_back(static_cast<char>(byte));
    i += 2;
  }
  return out;
}

}  // namespace cnf::vcfs3
