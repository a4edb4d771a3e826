// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/gcs/gcs_client_internal.h"
#include "cnf/core/storage/gcs/gcs_json_internal.h"
#include "cnf/core/storage/gcs/gcs_write_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_write_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// Long enough for a store that is there, short enough for a user who waits for Ctrl-C.
constexpr std::chrono::seconds kLongestRemoval{5};

}  // namespace

std::string crc32c_text(std::uint32_t crc) {
  const std::array<std::byte, 4> big_endian = {std::byte(crc >> 24U), std::byte(crc >> 16U & 0xffU),
                                               std::byte(crc >> 8U & 0xffU),
                                               std::byte(crc & 0xffU)};
  return to_base64(big_endian);
}

void GcsCommit::condition(HttpRequest& request) const {
  const auto& condition = write_.options.condition;
  if (condition.kind() == Condition::Kind::none) return;
  const bool absent = condition.kind() == Condition::Kind::if_absent;
  if (!absent && !is_generation(condition.etag())) {
    throw Error(Errc::precondition_failed, "commit", write_.uri,
                "no object here has that ETag, which is no generation",
                "read it again and repeat the change");
  }
  request.query.emplace_back("ifGenerationMatch", absent ? "0" : condition.etag());
}

FileInfo GcsCommit::conclude_refusal(const HttpOutcome& outcome) const {
  constexpr GoneCodes kGone{.object = {}, .upload = kGcsUploadGone};
  return conclude_write(write_, outcome, 0, kGone, [&]() -> std::optional<FileInfo> {
    auto found = find_gcs_object(*client_, "commit", write_.key, write_.context);
    if (!found || found->mark != write_.mark) return std::nullopt;
    return std::move(found->info);
  });
}

FileInfo GcsCommit::conclude(const HttpOutcome& outcome, std::uint64_t size,
                             std::string_view crc32c) const {
  if (outcome.error) return conclude_refusal(outcome);
  auto object = parse_gcs_object(outcome.response.body, write_.uri);
  const bool same_bytes = object.crc32c.empty() || object.crc32c == crc32c;
  if (object.info.size == size && same_bytes) return std::move(object.info);
  remove(object.info);
  throw Error(Errc::corrupt_data, "commit", write_.uri,
              same_bytes ? "the store has another size than what was sent"
                         : "the store has another CRC32C than what was sent",
              "write it again");
}

void GcsCommit::remove(const FileInfo& written) const noexcept {
  try {
    const auto last_words = Context()
                                .with_deadline(Context::Clock::now() + kLongestRemoval)
                                .with_accounting(write_.context.shared_accounting());
    auto call = client_->call(RequestKind::remove, "abort", "DELETE", write_.key, last_words);
    call.request.query.emplace_back("ifGenerationMatch", written.etag);
    static_cast<void>(client_->run(std::move(call)));
  } catch (...) {  // NOLINT(bugprone-empty-catch): what is thrown already matters more
  }
}

}  // namespace cnf::storage
