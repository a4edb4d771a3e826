// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/metadata/seal.h"

#include <cstddef>
#include <string>
#include <string_view>

#include <fmt/core.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"

namespace cnf::metadata {
namespace {

constexpr std::string_view kEnd = "\n}\n";

std::string seal_of(std::string_view text) {
  return fmt::format(",\n  \"{}\": \"{:08x}\"{}", kSealField, crc32c(as_bytes(text)), kEnd);
}

}  // namespace

std::string seal(std::string text) {
  text.resize(text.size() - kEnd.size());
  return text + seal_of(text);
}

void check_seal(ByteSpan sealed, std::string_view subject) {
  const std::string_view text = as_text(sealed);
  const std::size_t length = seal_of({}).size();
  const std::size_t start = text.size() < length ? 0 : text.size() - length;
  if (text.substr(start) != seal_of(text.substr(0, start))) {
    throw Error(Errc::corrupt_data, "read manifest", subject,
                "its last field is not the CRC32C of the text before it: it is damaged or was "
                "changed by hand");
  }
}

}  // namespace cnf::metadata
