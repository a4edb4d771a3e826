// SPDX-License-Identifier: Apache-2.0
// What comes in the heads of HTTP answers, in URLs and in profile files: the input as each of them.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/harness.h"

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/http/http_retry_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace storage = cnf::storage;
  using cnf::fuzz::require;
  const std::string_view text = cnf::as_text(cnf::fuzz::bytes_of(data, size));

  for (const storage::Slash slash : {storage::Slash::encode, storage::Slash::keep}) {
    require(storage::percent_decode(storage::percent_encode(text, slash)) == text,
            "percent-encoding changed the text");
  }
  (void)storage::percent_decode(text);
  (void)storage::parse_http_date(text);
  const auto wait = storage::parse_retry_after(text, std::chrono::sys_seconds{});
  require(!wait || wait->count() >= 0, "a negative time to wait");
  (void)storage::unquote_etag(text);
  require(storage::unquote_etag(storage::quote_etag("etag")) == "etag", "quotes changed an ETag");
  constexpr std::size_t kLimit = 40;
  require(storage::one_line(text, kLimit).size() <= kLimit + std::string_view("…").size(),
          "a line longer than its limit");
  require(storage::one_line(text).find('\n') == std::string::npos, "a line of two lines");
  (void)storage::parse_profiles(text);

  cnf::fuzz::returns({cnf::Errc::invalid_argument}, [&] {
    const storage::Endpoint endpoint = storage::parse_endpoint(text);
    (void)endpoint.is_loopback();
    const storage::Endpoint again = storage::parse_endpoint(endpoint.url());
    require(again.authority == endpoint.authority, "an endpoint changed");
  });
  return 0;
}
