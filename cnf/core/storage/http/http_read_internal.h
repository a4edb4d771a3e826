// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/http/http_download_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/outstanding_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

// Reading as every store that speaks HTTP does it. A Client has uri(key), call(kind, doing, method,
// key, context), run(call) and submit(call, done), as HttpEngine has them.
namespace cnf::storage {

/// Size, ETag, time and class as the head of a GET or HEAD answer tells them.
[[nodiscard]] FileInfo info_of(const HttpResponse& head);

/// What went wrong with a read. Its one condition is that the object is the one read before.
[[nodiscard]] std::optional<Error> read_error(const HttpOutcome& outcome, const std::string& uri);

/// Storage::do_fetch.
template <typename Client>
void fetch_over_http(const Client& client, std::span<const Transfer> transfers,
                     RangeSink::Whole whole, const Context& context, const TransferDone& done) {
  std::map<std::pair<std::string_view, std::string_view>, EtagPin> pins;
  Outstanding outstanding;
  for (std::size_t i = 0; i < transfers.size(); ++i) {
    const Transfer& transfer = transfers[i];
    auto& pin = pins[{transfer.key, transfer.etag}];
    if (!pin) pin = std::make_shared<std::string>(unquote_etag(transfer.etag));
    auto call = client.call(RequestKind::get, "read", "GET", transfer.key, context);
    call.sink = std::make_unique<RangeSink>(call.subject, transfer.offset, transfer.length,
                                            transfer.pieces, pin, whole);
    outstanding.submit(client, std::move(call),
                       [&client, &done, key = transfer.key, i](const HttpOutcome& outcome) {
                         const auto error = read_error(outcome, client.uri(key));
                         done(i, error ? &*error : nullptr);
                       });
  }
}

/// Storage::do_stat, by a HEAD request.
template <typename Client>
[[nodiscard]] std::optional<FileInfo> stat_over_http(const Client& client, std::string_view key,
                                                     const Context& context) {
  const auto outcome = client.run(client.call(RequestKind::head, "stat", "HEAD", key, context));
  if (outcome.error && outcome.error->code() == Errc::not_found) return std::nullopt;
  return info_of(outcome.value());
}

/// Storage::do_read.
template <typename Client>
[[nodiscard]] Object read_over_http(const Client& client, std::string_view key,
                                    std::optional<std::uint64_t> tail, std::uint64_t limit,
                                    const Context& context) {
  Object out;
  auto call = client.call(RequestKind::get, "read", "GET", key, context);
  call.sink = std::make_unique<ObjectSink>(call.subject, tail, limit, out);
  const auto outcome = client.run(std::move(call));
  if (tail && outcome.response.status == 416) {
    // An empty object has no last byte, so the range is refused, and nothing else said about it.
    // Some stores refuse a tail longer than the object, too.
    if (auto info = stat_over_http(client, key, context); info && info->size <= *tail) {
      if (info->size != 0) return read_over_http(client, key, std::nullopt, limit, context);
      out.info = *std::move(info);
      return out;
    }
  }
  if (const auto error = read_error(outcome, client.uri(key))) throw Error(*error);
  const auto size = out.info.size;
  out.info = info_of(outcome.response);
  out.info.size = size;
  return out;
}

}  // namespace cnf::storage
