// SPDX-License-Identifier: Apache-2.0
// What those who issue credentials answer, and the files that name them: the input as each.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/harness.h"

#include "cnf/core/storage/credentials/credentials_aws_internal.h"
#include "cnf/core/storage/credentials/credentials_google_file_internal.h"
#include "cnf/core/storage/credentials/issuer_internal.h"
#include "cnf/core/storage/credentials/sts_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace storage = cnf::storage;
  using cnf::Errc;
  using cnf::fuzz::require;
  using cnf::fuzz::returns;
  const std::string_view text = cnf::as_text(cnf::fuzz::bytes_of(data, size));

  returns({Errc::corrupt_data}, [&] {
    const auto keys = storage::parse_assumed_role(text, "an answer");
    require(!keys.secret.access_key_id.empty() && !keys.secret.secret_access_key.empty(),
            "half a pair of keys");
  });
  (void)storage::parse_sts_error_code(text);
  (void)storage::error_code_of(text);
  returns({Errc::corrupt_data}, [&] { (void)storage::parse_expiration(text, "a time"); });
  returns({Errc::corrupt_data}, [&] {
    const auto keys = storage::parse_keys(storage::SecretJson::parse(text, "an answer"));
    require(!keys.secret.access_key_id.empty(), "keys without an id");
  });
  returns({Errc::corrupt_data}, [&] {
    require(!storage::access_token_of(text, "an answer").secret.empty(), "an empty token");
  });
  returns({Errc::invalid_argument, Errc::unsupported},
          [&] { (void)storage::google_token_source(text, "a file", {}); });
  if (const auto words = storage::split_command(text)) {
    std::size_t bytes = 0;
    for (const auto& word : *words) bytes += word.size();
    require(bytes <= text.size(), "a command that grew");
  }
  return 0;
}
