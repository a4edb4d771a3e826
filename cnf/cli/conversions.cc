// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/conversions.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/transfer.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/context.h"

namespace cnf::cli {

std::uint64_t input_size(const std::string& input, Session& session) {
  if (input == "-") return 0;
  const storage::Location location = session.locate(input);
  const auto info = location.key.empty()
                        ? std::nullopt
                        : location.storage->try_stat(location.key, session.context());
  return info ? info->size : 0;
}

int explain_conversion(const std::string& what, const std::string& input, const std::string& target,
                       std::uint64_t bytes, Session& session) {
  Estimate estimate{.what = what + "; about as many bytes are written at most",
                    .store = is_remote(input) ? input : target,
                    .target = target};
  estimate.usage.requests[static_cast<std::size_t>(RequestKind::put)] =
      requests_to_write(bytes, session) + 4;
  estimate.usage.requests[static_cast<std::size_t>(RequestKind::get)] =
      1 + (is_remote(input) ? requests_to_read(bytes) : 0);
  estimate.usage.bytes_sent = bytes;
  return print_estimate(session, estimate);
}

}  // namespace cnf::cli
