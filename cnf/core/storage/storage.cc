// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/storage.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/storage/checked_writer_internal.h"
#include "cnf/core/storage/keys.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/prices.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// A copy through this process moves at most so many bytes at a time.
constexpr std::uint64_t kCopyBytes = std::uint64_t{16} << 20;

void check_condition(const Condition& condition, std::string_view uri) {
  if (condition.kind() != Condition::Kind::if_match || !condition.etag().empty()) return;
  throw Error(Errc::invalid_argument, "create", uri, "if_match without an ETag",
              "take the ETag from stat or from what was read");
}

}  // namespace

FileInfo Writer::commit_with(ByteSpan last) {
  write(last);
  return commit();
}

std::unique_ptr<Reader> Storage::open(std::string_view key) const {
  check_key("open", key, uri());
  return std::make_unique<Reader>(shared_from_this(), std::string(key));
}

std::unique_ptr<Writer> Storage::create(std::string_view key, const WriteOptions& options,
                                        const Context& context) {
  check_key("create", key, uri());
  std::string object = uri(key);
  check_condition(options.condition, object);
  context.check("create", object);
  return std::make_unique<CheckedWriter>(do_create(key, options, context), std::string(key),
                                         std::move(object), context);
}

FileInfo Storage::put(std::string_view key, ByteSpan bytes, const WriteOptions& options,
                      const Context& context) {
  WriteOptions sized = options;
  sized.size_hint = bytes.size();
  return create(key, sized, context)->commit_with(bytes);
}

Object Storage::read_all(std::string_view key, std::uint64_t limit, const Context& context) const {
  check_key("read", key, uri());
  context.check("read", uri(key));
  Object object = do_read(key, std::nullopt, limit, context);
  context.accounting().add_wanted(object.bytes.size());
  object.info.key = key;
  return object;
}

Object Storage::read_tail(std::string_view key, std::uint64_t length,
                          const Context& context) const {
  if (length == 0) return {{}, stat(key, context)};  // stores have no empty tail
  check_key("read", key, uri());
  context.check("read", uri(key));
  Object object = do_read(key, length, length, context);
  context.accounting().add_wanted(object.bytes.size());
  object.info.key = key;
  return object;
}

Listing Storage::list(ListOptions options, const Context& context) const {
  return {shared_from_this(), std::move(options), context};
}

ListPage Storage::list_page(const ListOptions& options, const std::string& token,
                            const Context& context) const {
  const std::string root = uri();
  check_prefix("list", options.prefix, root);
  context.check("list", root);
  return do_list_page(options, token, context);
}

void Storage::remove(std::string_view key, const Context& context) {
  const std::string one(key);
  remove(std::span(&one, 1), context);
}

void Storage::remove(std::span<const std::string> keys, const Context& context) {
  const std::string root = uri();
  for (const std::string& key : keys) check_key("remove", key, root);
  context.check("remove", root);
  if (!keys.empty()) do_remove(keys, context);
}

std::vector<UnfinishedUpload> Storage::stale_uploads(std::string_view prefix,
                                                     std::chrono::seconds older_than,
                                                     const Context& context) const {
  const std::string root = uri();
  check_prefix("list the uploads of", prefix, root);
  context.check("list the uploads of", root);
  auto uploads = do_uploads(prefix, context);
  // In seconds, for a store's date may be one that the clock's nanoseconds cannot hold.
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const std::chrono::sys_seconds limit = now - older_than;
  std::erase_if(uploads, [&](const UnfinishedUpload& upload) { return upload.begun > limit; });
  return uploads;
}

std::uint64_t Storage::abort_stale_uploads(std::string_view prefix, std::chrono::seconds older_than,
                                           const Context& context) {
  const auto uploads = stale_uploads(prefix, older_than, context);
  if (!uploads.empty()) do_abort_uploads(uploads, context);
  return uploads.size();
}

bool Storage::exists(std::string_view key, const Context& context) const {
  return try_stat(key, context).has_value();
}

FileInfo Storage::stat(std::string_view key, const Context& context) const {
  std::optional<FileInfo> info = try_stat(key, context);
  if (!info) throw Error(Errc::not_found, "stat", uri(key), "no such object");
  return *std::move(info);
}

std::optional<FileInfo> Storage::try_stat(std::string_view key, const Context& context) const {
  check_key("stat", key, uri());
  context.check("stat", uri(key));
  std::optional<FileInfo> info = do_stat(key, context);
  if (info) info->key = key;
  return info;
}

FileInfo Storage::copy(std::string_view from, std::string_view to, const WriteOptions& options,
                       const Context& context) {
  check_key("copy", from, uri());
  check_key("copy", to, uri());
  check_condition(options.condition, uri(to));
  context.check("copy", uri(from));
  FileInfo info = do_copy(from, to, options, context);
  info.key = to;
  return info;
}

const PriceTable& Storage::do_prices() const {
  return price_table(Provider::none, Options::Network::automatic);
}

std::vector<UnfinishedUpload> Storage::do_uploads(std::string_view /*prefix*/,
                                                  const Context& /*context*/) const {
  return {};
}

void Storage::do_abort_uploads(std::span<const UnfinishedUpload> /*uploads*/,
                               const Context& /*context*/) {}

FileInfo Storage::do_copy(std::string_view from, std::string_view to, const WriteOptions& options,
                          const Context& context) {
  const FileInfo source = stat(from, context);
  WriteOptions sized = options;
  sized.size_hint = source.size;
  const std::unique_ptr<Writer> writer = create(to, sized, context);
  Buffer buffer(std::min(source.size, kCopyBytes));
  for (std::uint64_t offset = 0; offset < source.size;) {
    const std::uint64_t size = std::min(kCopyBytes, source.size - offset);
    FetchRequest request{std::string(from), offset, buffer.span().first(size), source.etag};
    fetch(std::span(&request, 1), context);
    writer->write(request.into);
    offset += size;
  }
  return writer->commit();
}

}  // namespace cnf::storage
