// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/columns.h"
#include "cnf/formats/vcfs3/contexts.h"
#include "cnf/formats/vcfs3/decimal.h"
#include "cnf/formats/vcfs3/info_column.h"
#include "cnf/formats/vcfs3/info_column_internal.h"
#include "cnf/formats/vcfs3/quotients.h"
#include "cnf/formats/vcfs3/token_column.h"
#include "cnf/formats/vcfs3/token_column_internal.h"

namespace cnf::vcfs3 {
namespace {

// The section's first columns; those of keys follow.
constexpr std::size_t kLayouts = 0;
constexpr std::size_t kNames = 1;
constexpr std::size_t kFirstKey = 2;

constexpr std::size_t kBlock = std::size_t{64} << 10;

/// A piece of a layout: text, and then the next value of a key.
struct Piece {
  std::string_view text;
  std::size_t key;
};
struct Layout {
  std::vector<Piece> pieces;
  std::string_view rest;  // behind the last piece
};

struct Key {
  std::vector<std::uint32_t> records;  // of each value; ascending
  std::size_t next = 0;                // the value that was asked for last, plus one
  std::optional<Tokens> values;

  /// Finds the first value of a record.
  void seek(std::uint32_t record) {
    if (next < records.size() && records[next] == record &&
        (next == 0 || records[next - 1] < record)) {
      return;
    }
    next = static_cast<std::size_t>(std::ranges::lower_bound(records, record) - records.begin());
  }
};

}  // namespace

struct InfoDecoder::Impl {
  Impl(Section& info_section, std::size_t count, const InfoSources& info_sources)
      : section(info_section), sources(info_sources), rendered(count) {
    ColumnReader names = section.column(kNames);
    const std::uint64_t number = names.head.get_varint();
    if (number != section.size() - kFirstKey) names.head.fail("keys and columns do not agree");
    key_names = decode_tokens(names, number);
    keys.resize(number);
    for (std::size_t i = 0; i < number; ++i) numbers.emplace(key_names.texts[i], i);
    ColumnReader reader = section.column(kLayouts);
    layout_texts = decode_tokens(reader, count);
    read_layouts(reader.head);
  }

  void read_layouts(const ByteReader& head) {
    std::unordered_map<std::string_view, std::size_t> known;
    std::size_t values = 0;
    for (std::size_t record = 0; record < layout_texts.texts.size(); ++record) {
      const std::string_view text = layout_texts.texts[record];
      const auto [place, is_new] = known.try_emplace(text, layouts.size());
      if (is_new) layouts.push_back(parse(text, values, head));
      const Layout& layout = layouts[place->second];
      values += layout.pieces.size();
      if (values > kMaxInfoValues) head.fail("more values than a page has");
      layout_of.push_back(place->second);
      for (const Piece& piece : layout.pieces) {
        keys[piece.key].records.push_back(static_cast<std::uint32_t>(record));
      }
    }
  }

  [[nodiscard]] Layout parse(std::string_view text, std::size_t values,
                             const ByteReader& head) const {
    Layout layout{.pieces = {}, .rest = text};
    for_each_entry(text, [&](const InfoEntry& entry) {
      if (!entry.has_value || !entry.value.empty()) return;
      const auto key = numbers.find(entry.key);
      if (key == numbers.end()) return;
      const auto size =
          static_cast<std::size_t>(entry.text.data() + entry.text.size() - layout.rest.data());
      layout.pieces.push_back({layout.rest.substr(0, size), key->second});
      layout.rest.remove_prefix(size);
      if (values + layout.pieces.size() > kMaxInfoValues) head.fail("more values than a page has");
    });
    return layout;
  }

  const std::vector<std::string_view>& values_of(std::size_t number) {
    Key& key = keys[number];
    if (!key.values) key.values = decode_values(number);
    return key.values->texts;
  }

  Tokens decode_values(std::size_t number) {
    ColumnReader in = section.column(kFirstKey + number);
    const std::vector<std::uint32_t>& records = keys[number].records;
    const auto kind = in.head.get<std::uint8_t>();
    switch (static_cast<ValueKind>(kind)) {
      case ValueKind::tokens: {
        std::vector<std::int64_t> alts;
        alts.reserve(records.size());
        for (const std::uint32_t record : records) alts.push_back(sources.alts[record]);
        const std::uint64_t peer = in.head.get_varint();
        std::vector<std::uint8_t> contexts;
        if (peer > 0) contexts = contexts_at(records, peer - 1, number, in.head);
        return decode_tokens(in, records.size(), {alts, contexts});
      }
      case ValueKind::same: {
        const std::vector<std::string_view> peers = beside(number, in.head);
        Exceptions exceptions = decode_exceptions(in, records.size());
        Tokens tokens{.texts = peers, .owned = std::move(exceptions.tokens.owned)};
        for (std::size_t i = 0; i < exceptions.indices.size(); ++i) {
          tokens.texts[static_cast<std::size_t>(exceptions.indices[i])] =
              exceptions.tokens.texts[i];
        }
        return tokens;
      }
      case ValueKind::quotients:
        return decode_quotients(in, number);
      case ValueKind::ends:
        return decode_guesses(in, records.size(), [&](std::size_t i, TextBuilder& out) {
          out.put(std::to_string(sources.ends[records[i]]));
        });
    }
    in.head.fail("unknown kind of values");
  }

  /// What the values of key `other` say of these records, in which key `number` has values.
  std::vector<std::uint8_t> contexts_at(std::span<const std::uint32_t> records, std::size_t other,
                                        std::size_t number, const ByteReader& head) {
    if (other >= number) head.fail("a key follows from a later one");
    const std::vector<std::uint8_t> of_values = contexts_of(values_of(other));
    const std::vector<std::uint32_t>& places = keys[other].records;
    std::vector<std::uint8_t> contexts;
    contexts.reserve(records.size());
    auto at = places.begin();
    for (const std::uint32_t record : records) {
      while (at != places.end() && *at < record) ++at;
      const bool is_there = at != places.end() && *at == record;
      contexts.push_back(is_there ? of_values[static_cast<std::size_t>(at - places.begin())] : 0);
    }
    return contexts;
  }

  Tokens decode_quotients(ColumnReader& in, std::size_t number) {
    const std::vector<std::string_view> counts = beside(number, in.head);
    const std::vector<std::string_view> totals = beside(number, in.head);
    const auto kind = in.head.get<std::uint8_t>();
    const auto precision = in.head.get<std::uint8_t>();
    if (kind > static_cast<std::uint8_t>(QuotientStyle::Kind::scientific) ||
        precision > kMaxQuotientPrecision) {
      in.head.fail("unknown kind of quotient");
    }
    const QuotientStyle style{static_cast<QuotientStyle::Kind>(kind), precision};
    return decode_guesses(in, counts.size(), [&](std::size_t i, TextBuilder& out) {
      static_cast<void>(put_quotients(counts[i], totals[i], style, out));
    });
  }

  template <typename Guess>
  static Tokens decode_guesses(ColumnReader& in, std::size_t count, const Guess& guess) {
    const Exceptions exceptions = decode_exceptions(in, count);
    TextBuilder text(count);
    std::size_t exception = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (exception < exceptions.indices.size() &&
          static_cast<std::size_t>(exceptions.indices[exception]) == i) {
        text.put(exceptions.tokens.texts[exception++]);
      } else {
        guess(i, text);
      }
      text.end_token();
      if (text.size() > kMaxColumnText) in.head.fail("a column is too long");
    }
    return std::move(text).take();
  }

  /// The values of the key that `head` names next, at the records of key `number`.
  std::vector<std::string_view> beside(std::size_t number, ByteReader& head) {
    const std::uint64_t other = head.get_varint();
    if (other >= number) head.fail("a key follows from a later one");
    const std::vector<std::string_view>& values = values_of(other);
    const std::vector<std::uint32_t>& places = keys[other].records;
    std::vector<std::string_view> texts;
    texts.reserve(keys[number].records.size());
    auto at = places.begin();
    for (const std::uint32_t record : keys[number].records) {
      while (at != places.end() && *at < record) ++at;
      if (at == places.end() || *at != record) head.fail("a record lacks a key that it needs");
      texts.push_back(values[static_cast<std::size_t>(at - places.begin())]);
    }
    return texts;
  }

  std::string_view render(std::size_t record) {
    const Layout& layout = layouts[layout_of[record]];
    if (layout.pieces.empty()) return layout.rest;
    parts.clear();
    std::size_t size = layout.rest.size();
    for (const Piece& piece : layout.pieces)
      keys[piece.key].seek(static_cast<std::uint32_t>(record));
    for (const Piece& piece : layout.pieces) {
      const std::vector<std::string_view>& values = values_of(piece.key);
      parts.push_back(values[keys[piece.key].next++]);
      size += piece.text.size() + parts.back().size();
    }
    char* const start = room(size);
    char* to = start;
    const auto put = [&to](std::string_view text) {
      if (!text.empty()) std::memcpy(to, text.data(), text.size());
      to += text.size();
    };
    for (std::size_t i = 0; i < parts.size(); ++i) {
      put(layout.pieces[i].text);
      put(parts[i]);
    }
    put(layout.rest);
    return {start, size};
  }

  char* room(std::size_t size) {
    if (size > text_left) {
      throw Error(Errc::corrupt_data, "decode INFO", section.subject(),
                  "its text is longer than a page's can be");
    }
    text_left -= size;
    if (blocks.empty() || blocks.back().size() - block_used < size) {
      blocks.emplace_back(std::max(size, kBlock));
      block_used = 0;
    }
    char* const start = reinterpret_cast<char*>(blocks.back().data()) + block_used;
    block_used += size;
    return start;
  }

  Section& section;
  InfoSources sources;
  Tokens key_names;
  std::vector<Key> keys;
  std::unordered_map<std::string_view, std::size_t> numbers;
  Tokens layout_texts;
  std::vector<Layout> layouts;
  std::vector<std::size_t> layout_of;
  std::vector<std::optional<std::string_view>> rendered;
  std::vector<std::string_view> parts;
  std::vector<Buffer> blocks;
  std::size_t block_used = 0;
  std::size_t text_left = kMaxInfoText;
};

InfoDecoder::InfoDecoder(Section& section, std::size_t records, const InfoSources& sources)
    : impl_(std::make_unique<Impl>(section, records, sources)) {}
InfoDecoder::~InfoDecoder() = default;

std::string_view InfoDecoder::info(std::size_t record) {
  std::optional<std::string_view>& text = impl_->rendered[record];
  if (!text) text = impl_->render(record);
  return *text;
}

}  // namespace cnf::vcfs3
