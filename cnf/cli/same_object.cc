// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/same_object.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "cnf/core/storage/scan.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"

namespace cnf::cli {
namespace {

// To read so few bytes twice is cheaper than to write them once, on every store's price list.
constexpr std::uint64_t kFew = std::uint64_t{64} << 10;
constexpr std::uint64_t kMostHashedWhole = std::uint64_t{64} << 20;

bool is_local(const storage::Storage& store) { return store.identity().starts_with("file:"); }

// The MD5 that an upload of these bytes has, in one piece or in parts of `part_size`; empty if it
// would be in another number of parts than `wanted` says.
std::string hash_of(const storage::Storage& store, const storage::FileInfo& info,
                    const HashEtag& wanted, std::uint64_t part_size, const Context& context) {
  const bool whole = wanted.parts == 0;
  const std::uint64_t piece = whole ? info.size : part_size;
  if (whole ? info.size > kMostHashedWhole : (info.size + piece - 1) / piece != wanted.parts) {
    return {};
  }
  Buffer digests;
  Buffer bytes(static_cast<std::size_t>(std::min(piece, info.size)));
  for (std::uint64_t at = 0; at < info.size; at += piece) {
    const auto length = static_cast<std::size_t>(std::min(piece, info.size - at));
    storage::FetchRequest request{
        .key = info.key, .offset = at, .into = bytes.span().first(length), .etag = info.etag};
    store.fetch(std::span(&request, 1), context);
    const std::array<std::byte, 16> digest = md5(request.into);
    if (whole) return to_hex(digest);
    digests.append(digest);
  }
  return to_hex(md5(digests)) + "-" + std::to_string(wanted.parts);
}

// What the hash in one side's ETag says of the bytes of the other, which is a local file.
std::optional<bool> compare_hash(const storage::Storage& local, const storage::FileInfo& file,
                                 const storage::FileInfo& remote, std::uint64_t part_size,
                                 const Context& context) {
  const std::optional<HashEtag> etag = parse_hash_etag(remote.etag);
  if (!etag || !is_local(local)) return std::nullopt;
  const std::string hash = hash_of(local, file, *etag, part_size, context);
  if (hash == remote.etag) return true;
  // Other parts would have given another hash of the same bytes.
  if (hash.empty() || etag->parts != 0) return std::nullopt;
  return false;
}

}  // namespace

std::optional<HashEtag> parse_hash_etag(std::string_view etag) {
  constexpr std::size_t kDigits = 32;
  constexpr std::string_view kHex = "0123456789abcdef";
  if (etag.substr(0, kDigits).find_first_not_of(kHex) != std::string_view::npos) return {};
  if (etag.size() == kDigits) return HashEtag{etag, 0};
  if (etag.size() < kDigits + 2 || etag[kDigits] != '-') return {};
  std::uint64_t parts = 0;
  const char* const end = etag.data() + etag.size();
  const auto [stop, error] = std::from_chars(etag.data() + kDigits + 1, end, parts);
  if (error != std::errc() || stop != end || parts == 0) return {};
  return HashEtag{etag, parts};
}

std::optional<bool> is_copy_by_lists(const Route& route, const storage::FileInfo& source,
                                     const storage::FileInfo& copy) {
  if (source.size != copy.size) return false;
  if (source.size == 0 || route.resume == Route::Resume::by_size) return true;
  const std::optional<HashEtag> from = parse_hash_etag(source.etag);
  const std::optional<HashEtag> to = parse_hash_etag(copy.etag);
  if (!from || !to) return std::nullopt;
  if (from->text == to->text) return true;
  if (from->parts == 0 && to->parts == 0) return false;
  return std::nullopt;
}

bool is_copy(const Route& route, const storage::FileInfo& source, const storage::FileInfo& copy,
             std::uint64_t part_size, std::uint64_t window, const Context& context) {
  std::optional<bool> known = is_copy_by_lists(route, source, copy);
  if (!known) known = compare_hash(*route.from, source, copy, part_size, context);
  if (!known) known = compare_hash(*route.to, copy, source, part_size, context);
  if (!known && (source.size <= kFew || (is_local(*route.from) && is_local(*route.to)))) {
    known = content_crc(*route.from, source, window, context) ==
            content_crc(*route.to, copy, window, context);
  }
  return known.value_or(copy.modified > source.modified);
}

std::uint32_t content_crc(const storage::Storage& store, const storage::FileInfo& info,
                          std::uint64_t window, const Context& context) {
  std::uint32_t crc = 0;
  storage::scan(store, info, {.window = window}, context,
                [&crc](ByteSpan bytes) { crc = crc32c(bytes, crc); });
  return crc;
}

}  // namespace cnf::cli
