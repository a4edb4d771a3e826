// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/azure/azure_storage_internal.h"
#include "cnf/core/storage/http/http_download_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_read_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// A blob that is replaced between the two requests of a tail is asked about again, so often.
constexpr int kMostTailReads = 3;

}  // namespace

// Azure has no ranges that count from the end ("Specifying the range header for Blob service
// operations"), so a tail is a HEAD, and a range of what that said.
Object AzureStorage::do_read(std::string_view key, std::optional<std::uint64_t> tail,
                             std::uint64_t limit, const Context& context) const {
  if (!tail) return read_over_http(*client_, key, std::nullopt, limit, context);
  for (int i = 0; i < kMostTailReads; ++i) {
    const auto head = client_->run(client_->call(RequestKind::head, "read", "HEAD", key, context));
    if (auto out = read_tail_of(info_of(head.value()), key, *tail, limit, context)) {
      return *std::move(out);
    }
  }
  throw Error(Errc::corrupt_data, "read", client_->uri(key), "the object changed while it was read",
              "read it again");
}

// nullopt if the blob is another one by now.
std::optional<Object> AzureStorage::read_tail_of(const FileInfo& info, std::string_view key,
                                                 std::uint64_t tail, std::uint64_t limit,
                                                 const Context& context) const {
  Object out;
  out.info = info;
  const std::uint64_t length = std::min(tail, info.size);
  if (length > limit) {
    throw Error(Errc::corrupt_data, "read", client_->uri(key),
                "it has " + std::to_string(length) + " bytes, more than the " +
                    std::to_string(limit) + " that it may have");
  }
  if (length == 0) return out;
  out.bytes.resize(length);
  const Transfer::Piece piece{.into = out.bytes.span()};
  auto call = client_->call(RequestKind::get, "read", "GET", key, context);
  call.sink =
      std::make_unique<RangeSink>(call.subject, info.size - length, length, std::span(&piece, 1),
                                  std::make_shared<std::string>(info.etag));
  const auto outcome = client_->run(std::move(call));
  if (outcome.error && outcome.error->code() == Errc::precondition_failed) return std::nullopt;
  static_cast<void>(outcome.value());
  return out;
}

std::optional<FileInfo> AzureStorage::do_stat(std::string_view key, const Context& context) const {
  const auto outcome = client_->run(client_->call(RequestKind::head, "stat", "HEAD", key, context));
  // A container that is not there is a mistake, and no answer about the object.
  if (outcome.provider_code == "BlobNotFound") return std::nullopt;
  return info_of(outcome.value());
}

}  // namespace cnf::storage
