// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "cnf/core/storage/http_download_internal.h"
#include "cnf/core/storage/http_engine_internal.h"
#include "cnf/core/storage/http_url_internal.h"
#include "cnf/core/storage/outstanding_internal.h"
#include "cnf/core/storage/s3_client_internal.h"
#include "cnf/core/storage/s3_storage_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// A read has one condition, that the object is the one that was read before.
std::optional<Error> read_error(const HttpOutcome& outcome, const std::string& uri) {
  if (!outcome.error || outcome.error->code() != Errc::precondition_failed) return outcome.error;
  return Error(Errc::corrupt_data, "read", uri, "the object changed while it was read",
               "read it again");
}

}  // namespace

ReadProfile S3Storage::do_read_profile() const {
  // What a request costs equals 4 KB of egress over the internet, and 1 MiB in time within the
  // region: 64 KiB is cheap in both.
  return {.gap = std::uint64_t{64} << 10, .max_request = std::uint64_t{16} << 20};
}

void S3Storage::do_fetch(std::span<const Transfer> transfers, const Context& context,
                         const TransferDone& done) const {
  std::map<std::pair<std::string_view, std::string_view>, EtagPin> pins;
  Outstanding outstanding;
  for (std::size_t i = 0; i < transfers.size(); ++i) {
    const Transfer& transfer = transfers[i];
    auto& pin = pins[{transfer.key, transfer.etag}];
    if (!pin) pin = std::make_shared<std::string>(unquote_etag(transfer.etag));
    auto call = client_->call(RequestKind::get, "read", "GET", transfer.key, context);
    call.sink = std::make_unique<RangeSink>(call.subject, transfer.offset, transfer.length,
                                            transfer.pieces, pin);
    outstanding.submit(*client_, std::move(call),
                       [this, &done, key = transfer.key, i](const HttpOutcome& outcome) {
                         const auto error = read_error(outcome, client_->uri(key));
                         done(i, error ? &*error : nullptr);
                       });
  }
}

Object S3Storage::do_read(std::string_view key, std::optional<std::uint64_t> tail,
                          std::uint64_t limit, const Context& context) const {
  Object out;
  auto call = client_->call(RequestKind::get, "read", "GET", key, context);
  call.sink = std::make_unique<ObjectSink>(call.subject, tail, limit, out);
  const auto outcome = client_->run(std::move(call));
  if (tail && outcome.response.status == 416) {
    // An empty object has no last byte, so S3 refuses the range and says nothing else about it.
    if (auto info = do_stat(key, context); info && info->size == 0) {
      out.info = *std::move(info);
      return out;
    }
  }
  if (const auto error = read_error(outcome, client_->uri(key))) throw Error(*error);
  const auto size = out.info.size;
  out.info = info_of(outcome.response);
  out.info.size = size;
  return out;
}

std::optional<FileInfo> S3Storage::do_stat(std::string_view key, const Context& context) const {
  const auto outcome = client_->run(client_->call(RequestKind::head, "stat", "HEAD", key, context));
  if (outcome.error && outcome.error->code() == Errc::not_found) return std::nullopt;
  return info_of(outcome.value());
}

}  // namespace cnf::storage
