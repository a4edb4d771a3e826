// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/id_key.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "cnf/core/index/btree.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"

namespace cnf::vcfs3 {
namespace {

// First bytes of keys. A number's key is five bytes of it, most significant first: dbSNP has given
// out some 2^31 of them, and as text they take twice the bytes.
constexpr char kNumber = 1;
constexpr char kText = 2;
constexpr char kDigest = 3;
constexpr int kNumberBytes = 5;
constexpr std::uint64_t kMaxNumber = (std::uint64_t{1} << (8 * kNumberBytes)) - 1;

std::optional<std::uint64_t> rs_number(std::string_view id) {
  if (!id.starts_with("rs") || id.size() < 3 || (id[2] == '0' && id.size() > 3))
    return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = id.data() + id.size();
  const auto [stop, error] = std::from_chars(id.data() + 2, end, number);
  if (error != std::errc() || stop != end || number > kMaxNumber) return std::nullopt;
  return number;
}

}  // namespace

std::string id_key(std::string_view id) {
  if (const std::optional<std::uint64_t> number = rs_number(id)) {
    std::string key(1, kNumber);
    for (int byte = kNumberBytes - 1; byte >= 0; --byte)
      key.push_back(static_cast<char>(*number >> (8 * byte) & 0xffU));
    return key;
  }
  if (id.size() < index::kMaxKeyBytes) return std::string(1, kText).append(id);
  const Sha256Digest digest = sha256(as_bytes(id));
  return std::string(1, kDigest).append(as_text(digest));
}

std::vector<std::string_view> split_ids(std::string_view column) {
  std::vector<std::string_view> ids;
  while (true) {
    const std::size_t end = column.find(';');
    const std::string_view id = column.substr(0, end);
    if (!id.empty() && id != "." && std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
    if (end == std::string_view::npos) return ids;
    column.remove_prefix(end + 1);
  }
}

}  // namespace cnf::vcfs3
