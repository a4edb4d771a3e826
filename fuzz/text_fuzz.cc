// SPDX-License-Identifier: Apache-2.0
// What people and servers write as text: base64 and sizes. What is accepted must say the same when
// written again.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz/harness.h"

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = cnf::as_text(cnf::fuzz::bytes_of(data, size));
  cnf::fuzz::returns({cnf::Errc::invalid_argument}, [&] {
    cnf::fuzz::require(cnf::to_base64(cnf::from_base64(text)) == text, "base64 changed");
  });
  cnf::fuzz::returns({cnf::Errc::invalid_argument}, [&] { (void)cnf::parse_size(text); });
  return 0;
}
