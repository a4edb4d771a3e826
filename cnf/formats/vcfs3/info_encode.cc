// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/formats/vcfs3/columns.h"
#include "cnf/formats/vcfs3/contexts.h"
#include "cnf/formats/vcfs3/info_column.h"
#include "cnf/formats/vcfs3/info_column_internal.h"
#include "cnf/formats/vcfs3/quotients.h"
#include "cnf/formats/vcfs3/token_column.h"
#include "cnf/formats/vcfs3/token_column_internal.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::size_t kSample = 32;    // values that are looked at to see if keys agree
constexpr std::size_t kMaxPeers = 64;  // keys that a key is compared with
constexpr double kWorthwhile = 0.97;   // of the bits without a peer, at most
// In pages with fewer records columns may cost more than they save.
constexpr std::size_t kFewRecords = 256;

struct Values {
  std::string_view key = {};
  std::vector<std::string_view> texts = {};
  std::vector<std::uint32_t> records = {};  // of each text; ascending
};

struct ParsedInfo {
  std::vector<Values> keys;
  std::vector<std::string> layouts;
  std::size_t values = 0;
};

ParsedInfo parse(std::span<const std::string_view> infos) {
  ParsedInfo parsed;
  std::unordered_map<std::string_view, std::size_t> known;
  for (std::size_t record = 0; record < infos.size(); ++record) {
    std::string& layout = parsed.layouts.emplace_back();
    bool is_first = true;
    for_each_entry(infos[record], [&](const InfoEntry& entry) {
      if (!std::exchange(is_first, false)) layout += ';';
      layout += entry.key;
      if (!entry.has_value) return;
      layout += '=';
      const auto place = known.try_emplace(entry.key, parsed.keys.size()).first;
      if (place->second == parsed.keys.size()) parsed.keys.push_back({.key = entry.key});
      Values& values = parsed.keys[place->second];
      const auto number = static_cast<std::uint32_t>(record);
      if (!values.records.empty() && values.records.back() == number && !entry.value.empty()) {
        layout += entry.value;  // a key's second value is part of the layout
        return;
      }
      values.texts.push_back(entry.value);
      values.records.push_back(number);
      ++parsed.values;
    });
  }
  return parsed;
}

/// The values of another key at the records of `values`; nullopt if it lacks any of them.
std::optional<std::vector<std::string_view>> beside(const Values& values, const Values& other) {
  std::vector<std::string_view> texts;
  texts.reserve(values.texts.size());
  auto at = other.records.begin();
  for (const std::uint32_t record : values.records) {
    while (at != other.records.end() && *at < record) ++at;
    if (at == other.records.end() || *at != record) return std::nullopt;
    texts.push_back(other.texts[static_cast<std::size_t>(at - other.records.begin())]);
  }
  return texts;
}

EncodedColumn start(ValueKind kind) {
  EncodedColumn column;
  column.writer().put(static_cast<std::uint8_t>(kind));
  return column;
}

/// Encodes keys one after the other; values may follow from those of keys before.
class KeyEncoder {
 public:
  KeyEncoder(std::span<const Values> keys, const InfoSources& sources, const Sizer& sizer)
      : keys_(keys), sources_(sources), sizer_(sizer) {
    for (std::size_t i = 0; i < keys.size(); ++i) numbers_.emplace(keys[i].key, i);
  }

  /// To be called for key after key.
  [[nodiscard]] EncodedColumn encode(std::size_t number) {
    const Values& values = keys_[number];
    contexts_.push_back(spread(values, contexts_of(values.texts)));
    Smallest smallest(sizer_);
    smallest.offer(as_tokens(number));
    constexpr std::size_t kSmallEnough = 16;  // nothing to be won
    if (smallest.size() <= kSmallEnough) return std::move(smallest).take();
    if (values.key == "END") smallest.offer(as_ends(values));
    if (auto column = as_quotients(number)) smallest.offer(std::move(*column));
    if (auto column = as_same(number)) smallest.offer(std::move(*column));
    return std::move(smallest).take();
  }

 private:
  /// Contexts of a key by record; of its first value, if there are several.
  [[nodiscard]] std::vector<std::uint8_t> spread(const Values& values,
                                                 std::span<const std::uint8_t> contexts) const {
    std::vector<std::uint8_t> result(sources_.alts.size());
    for (std::size_t i = values.records.size(); i-- > 0;) result[values.records[i]] = contexts[i];
    return result;
  }

  [[nodiscard]] std::vector<std::uint8_t> contexts_at(const Values& values,
                                                      std::size_t other) const {
    std::vector<std::uint8_t> result;
    result.reserve(values.records.size());
    for (const std::uint32_t record : values.records) result.push_back(contexts_[other][record]);
    return result;
  }

  /// The key before that foretells this one best; nullopt if none does well.
  [[nodiscard]] std::optional<std::size_t> find_peer(std::size_t number) const {
    const Values& values = keys_[number];
    const std::vector<std::uint8_t> own = contexts_at(values, number);
    double least = kWorthwhile * bits_given(own, std::vector<std::uint8_t>(own.size()));
    std::optional<std::size_t> best;
    for (std::size_t other = number - std::min(number, kMaxPeers); other < number; ++other) {
      const double bits = bits_given(own, contexts_at(values, other));
      if (bits >= least) continue;
      least = bits;
      best = other;
    }
    return best;
  }

  [[nodiscard]] EncodedColumn as_tokens(std::size_t number) const {
    const Values& values = keys_[number];
    std::vector<std::int64_t> alts;
    alts.reserve(values.records.size());
    for (const std::uint32_t record : values.records) alts.push_back(sources_.alts[record]);
    std::vector<std::uint8_t> contexts;
    const std::optional<std::size_t> peer = find_peer(number);
    if (peer) contexts = contexts_at(values, *peer);
    EncodedColumn tokens = encode_tokens(values.texts, sizer_, {alts, contexts});
    EncodedColumn column = start(ValueKind::tokens);
    column.writer().put_varint(tokens.uses_contexts ? *peer + 1 : 0);
    column.append(std::move(tokens));
    return column;
  }

  void append_exceptions(const Values& values, std::span<const std::string_view> guesses,
                         EncodedColumn& column) const {
    std::vector<std::int64_t> indices;
    std::vector<std::string_view> texts;
    for (std::size_t i = 0; i < guesses.size(); ++i) {
      if (values.texts[i] == guesses[i]) continue;
      indices.push_back(static_cast<std::int64_t>(i));
      texts.push_back(values.texts[i]);
    }
    column.append(encode_exceptions(indices, texts, sizer_));
  }

  [[nodiscard]] EncodedColumn as_ends(const Values& values) const {
    TextBuilder text(values.texts.size());
    for (const std::uint32_t record : values.records) {
      text.put(std::to_string(sources_.ends[record]));
      text.end_token();
    }
    EncodedColumn column = start(ValueKind::ends);
    append_exceptions(values, std::move(text).take().texts, column);
    return column;
  }

  /// The number of the key that is called as `key`, but with `name` instead of its "AF".
  [[nodiscard]] std::optional<std::size_t> relative(std::size_t number,
                                                    std::string_view name) const {
    std::string key(keys_[number].key);
    const std::size_t at = key.find("AF");
    if (at == std::string::npos) return std::nullopt;
    key.replace(at, 2, name);
    const auto found = numbers_.find(key);
    if (found == numbers_.end() || found->second >= number) return std::nullopt;
    return found->second;
  }

  [[nodiscard]] std::optional<EncodedColumn> as_quotients(std::size_t number) const {
    const Values& values = keys_[number];
    const auto count_key = relative(number, "AC");
    auto total_key = relative(number, "AN");
    if (!total_key) {  // MLEAF is MLEAC / AN
      const auto found = numbers_.find("AN");
      if (found != numbers_.end() && found->second < number) total_key = found->second;
    }
    if (!count_key || !total_key) return std::nullopt;
    const auto counts = beside(values, keys_[*count_key]);
    const auto totals = beside(values, keys_[*total_key]);
    if (!counts || !totals) return std::nullopt;
    const auto style = find_quotient_style(values.texts, *counts, *totals);
    if (!style) return std::nullopt;
    TextBuilder text(values.texts.size());
    for (std::size_t i = 0; i < values.texts.size(); ++i) {
      static_cast<void>(put_quotients((*counts)[i], (*totals)[i], *style, text));
      text.end_token();
    }
    EncodedColumn column = start(ValueKind::quotients);
    column.writer().put_varint(*count_key);
    column.writer().put_varint(*total_key);
    column.writer().put(static_cast<std::uint8_t>(style->kind));
    column.writer().put(style->precision);
    append_exceptions(values, std::move(text).take().texts, column);
    return column;
  }

  [[nodiscard]] std::optional<EncodedColumn> as_same(std::size_t number) const {
    const Values& values = keys_[number];
    const std::size_t step = values.texts.size() / kSample + 1;
    std::size_t most = values.texts.size() / step / 2;
    std::optional<std::size_t> best;
    for (std::size_t other = number - std::min(number, kMaxPeers); other < number; ++other) {
      if (keys_[other].texts.size() < values.texts.size()) continue;
      const auto peers = beside(values, keys_[other]);
      if (!peers) continue;
      std::size_t equal = 0;
      for (std::size_t i = 0; i < values.texts.size(); i += step) {
        if (values.texts[i] == (*peers)[i]) ++equal;
      }
      if (equal <= most) continue;
      most = equal;
      best = other;
    }
    if (!best) return std::nullopt;
    EncodedColumn column = start(ValueKind::same);
    column.writer().put_varint(*best);
    append_exceptions(values, *beside(values, keys_[*best]), column);
    return column;
  }

  std::span<const Values> keys_;
  const InfoSources& sources_;
  const Sizer& sizer_;
  std::unordered_map<std::string_view, std::size_t> numbers_;
  std::vector<std::vector<std::uint8_t>> contexts_;  // by key and record
};

Buffer encode_with(std::span<const std::string_view> layouts, std::span<const Values> keys,
                   const InfoSources& sources, const Sizer& sizer, int level) {
  std::vector<std::string_view> names;
  for (const Values& values : keys) names.push_back(values.key);
  std::vector<EncodedColumn> columns;
  columns.push_back(encode_tokens(layouts, sizer));
  columns.emplace_back();
  columns.back().writer().put_varint(names.size());
  columns.back().append(encode_tokens(names, sizer));
  KeyEncoder encoder(keys, sources, sizer);
  for (std::size_t i = 0; i < keys.size(); ++i) columns.push_back(encoder.encode(i));
  return encode_section(columns, level);
}

}  // namespace

Buffer encode_info(std::span<const std::string_view> infos, const InfoSources& sources,
                   const Sizer& sizer, int level) {
  std::size_t text = 0;
  for (const std::string_view info : infos) text += info.size();
  ParsedInfo parsed = parse(infos);
  const bool fits =
      parsed.keys.size() <= kMaxInfoKeys && parsed.values <= kMaxInfoValues && text <= kMaxInfoText;
  if (!fits) return encode_with(infos, {}, sources, sizer, level);
  // Frequencies behind the counts that they follow from.
  std::stable_partition(parsed.keys.begin(), parsed.keys.end(), [](const Values& values) {
    return values.key.find("AF") == std::string_view::npos;
  });
  const std::vector<std::string_view> layouts(parsed.layouts.begin(), parsed.layouts.end());
  Buffer section = encode_with(layouts, parsed.keys, sources, sizer, level);
  if (infos.size() >= kFewRecords) return section;
  Buffer as_text = encode_with(infos, {}, sources, sizer, level);
  return as_text.size() < section.size() ? std::move(as_text) : std::move(section);
}

}  // namespace cnf::vcfs3
