// SPDX-License-Identifier: Apache-2.0
// What people and servers write as text: base64 and sizes. What is accepted must say the same when
// written again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"

namespace {

template <typename Call>
void expect_only_invalid_argument(const Call& call) {
  try {
    call();
  } catch (const cnf::Error& error) {
    if (error.code() != cnf::Errc::invalid_argument) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = cnf::as_text(std::as_bytes(std::span(data, size)));
  expect_only_invalid_argument([&] {
    if (cnf::to_base64(cnf::from_base64(text)) != text) std::abort();
  });
  expect_only_invalid_argument([&] { (void)cnf::parse_size(text); });
  return 0;
}
