// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/id_column.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/util/bytes.h"
#include "cnf/formats/vcfs3/columns.h"
#include "cnf/formats/vcfs3/token_column.h"
#include "cnf/formats/vcfs3/token_column_internal.h"

namespace cnf::vcfs3 {
namespace {

enum class IdKind : std::uint8_t { tokens = 0, pattern = 1 };

// In a pattern these bytes stand for a column; the others for themselves.
constexpr char kPos = 1;
constexpr char kRef = 2;
constexpr char kAlt = 3;
constexpr std::size_t kMaxPattern = 255;

std::string pos_text(std::int64_t position) {
  return std::to_string(static_cast<std::uint64_t>(position) + 1);
}

void render(std::string_view pattern, const IdSources& sources, std::size_t record,
            TextBuilder& out) {
  for (const char c : pattern) {
    switch (c) {
      case kPos:
        out.put(pos_text(sources.positions[record]));
        break;
      case kRef:
        out.put(sources.refs[record]);
        break;
      case kAlt:
        out.put(sources.alts[record]);
        break;
      default:
        out.put(c);
    }
  }
}

/// The pattern that one ID has: text, POS, and then maybe a byte and REF, and a byte and ALT.
std::optional<std::string> pattern_of(std::string_view id, const IdSources& sources,
                                      std::size_t record) {
  const std::string pos = pos_text(sources.positions[record]);
  const std::size_t at = id.rfind(pos);
  if (at == std::string_view::npos || id.size() > kMaxPattern) return std::nullopt;
  std::string pattern(id.substr(0, at));
  pattern += kPos;
  std::string_view rest = id.substr(at + pos.size());
  for (const auto& [code, text] :
       {std::pair(kRef, sources.refs[record]), std::pair(kAlt, sources.alts[record])}) {
    if (rest.size() <= 1 || !rest.substr(1).starts_with(text)) continue;
    pattern += rest[0];
    pattern += code;
    rest.remove_prefix(1 + text.size());
  }
  if (!rest.empty()) return std::nullopt;
  return pattern;
}

std::optional<EncodedColumn> as_pattern(std::span<const std::string_view> ids,
                                        const IdSources& sources, std::string_view pattern,
                                        const Sizer& sizer) {
  TextBuilder text(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    render(pattern, sources, i, text);
    text.end_token();
    if (text.size() > kMaxColumnText) return std::nullopt;
  }
  const Tokens rendered = std::move(text).take();
  std::vector<std::int64_t> indices;
  std::vector<std::string_view> texts;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] == rendered.texts[i]) continue;
    indices.push_back(static_cast<std::int64_t>(i));
    texts.push_back(ids[i]);
  }
  EncodedColumn column;
  column.writer().put(static_cast<std::uint8_t>(IdKind::pattern));
  column.writer().put_string(pattern);
  column.append(encode_exceptions(indices, texts, sizer));
  return column;
}

}  // namespace

EncodedColumn encode_ids(std::span<const std::string_view> ids, const IdSources& sources,
                         const Sizer& sizer) {
  Smallest smallest(sizer);
  EncodedColumn tokens;
  tokens.writer().put(static_cast<std::uint8_t>(IdKind::tokens));
  tokens.append(encode_tokens(ids, sizer));
  smallest.offer(std::move(tokens));
  for (const std::size_t record : {ids.size() / 2, ids.size() / 4, ids.size() / 8}) {
    if (record >= ids.size()) break;
    const std::optional<std::string> pattern = pattern_of(ids[record], sources, record);
    if (!pattern) continue;
    if (auto column = as_pattern(ids, sources, *pattern, sizer)) smallest.offer(std::move(*column));
    break;
  }
  return std::move(smallest).take();
}

Tokens decode_ids(ColumnReader& in, const IdSources& sources) {
  const std::size_t count = sources.positions.size();
  const auto kind = in.head.get<std::uint8_t>();
  if (kind == static_cast<std::uint8_t>(IdKind::tokens)) return decode_tokens(in, count);
  if (kind != static_cast<std::uint8_t>(IdKind::pattern)) in.head.fail("unknown kind of IDs");
  const std::string_view pattern = in.head.get_string();
  if (pattern.size() > kMaxPattern) in.head.fail("a pattern is too long");
  const Exceptions exceptions = decode_exceptions(in, count);
  TextBuilder text(count);
  std::size_t exception = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (exception < exceptions.indices.size() &&
        static_cast<std::size_t>(exceptions.indices[exception]) == i) {
      text.put(exceptions.tokens.texts[exception++]);
    } else {
      render(pattern, sources, i, text);
    }
    text.end_token();
    if (text.size() > kMaxColumnText) in.head.fail("a column is too long");
  }
  return std::move(text).take();
}

}  // namespace cnf::vcfs3
