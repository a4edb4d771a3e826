// SPDX-License-Identifier: Apache-2.0
// What Azure's answers bring: lists as XML, and multipart answers to batches, whose first line is
// their Content-Type. And what people copy from its portal: connection strings and SAS tokens.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz/harness.h"

#include "cnf/core/storage/azure/azure_batch_internal.h"
#include "cnf/core/storage/azure/azure_settings_internal.h"
#include "cnf/core/storage/azure/azure_xml_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace storage = cnf::storage;
  using cnf::Errc;
  using cnf::fuzz::require;
  using cnf::fuzz::returns;
  const std::string_view text = cnf::as_text(cnf::fuzz::bytes_of(data, size));

  returns({Errc::corrupt_data}, [&] {
    const storage::ListPage page = storage::parse_azure_list(text, "a/", "input");
    for (const storage::FileInfo& info : page.objects) {
      require(info.key.starts_with("a/"), "a key that was not asked for");
    }
    require(std::is_sorted(page.prefixes.begin(), page.prefixes.end()), "prefixes out of order");
  });
  const std::size_t line = std::min(text.find('\n'), text.size());
  const auto parts = storage::parse_azure_batch(text.substr(line), text.substr(0, line), 3);
  require(parts.size() == 3, "not a part for each request");
  returns({Errc::invalid_argument}, [&] {
    require(!storage::parse_connection_string(text).endpoint.empty(), "an account without a place");
  });
  returns({Errc::invalid_argument},
          [&] { require(!storage::parse_sas_token(text).empty(), "a token without a signature"); });
  return 0;
}
