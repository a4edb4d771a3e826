// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/record_join.h"

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
#include <vector>

#include <fmt/format.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/site.h"

namespace cnf::vcfs3 {
namespace {

void append_text(std::string_view text, Buffer& out) { out.append(as_bytes(text)); }

/// The text up to the next `separator`, which is taken off `rest` as well.
std::string_view take(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view text = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t at = 0;
  while (true) {
    const std::size_t end = text.find(separator, at);
    parts.push_back(text.substr(at, end - at));
    if (end == std::string_view::npos) return parts;
    at = end + 1;
  }
}

/// Keys of a joined FORMAT, and where each stands in the FORMAT of one cohort.
class JoinedFormat {
 public:
  explicit JoinedFormat(std::span<const CohortRecord* const> records) {
    for (const CohortRecord* record : records) {
      if (record == nullptr || record->site.format == ".") continue;
      for (const std::string_view key : split(record->site.format, ':')) {
        if (std::ranges::find(keys_, key) == keys_.end()) keys_.push_back(key);
      }
    }
    text_ = keys_.empty() ? "." : fmt::format("{}", fmt::join(keys_, ":"));
  }

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] std::string_view missing() const noexcept {
    return !keys_.empty() && keys_.front() == "GT" ? "./." : ".";
  }
  /// For each key, its place among `format`'s; nullopt where it is not there.
  [[nodiscard]] std::vector<std::optional<std::size_t>> places_in(std::string_view format) const {
    const std::vector<std::string_view> own = split(format, ':');
    std::vector<std::optional<std::size_t>> places;
    for (const std::string_view key : keys_) {
      const auto found = std::ranges::find(own, key);
      places.push_back(found == own.end()
                           ? std::nullopt
                           : std::optional(static_cast<std::size_t>(found - own.begin())));
    }
    return places;
  }

 private:
  std::vector<std::string_view> keys_;
  std::string text_;
};

/// A cell of another FORMAT, written for the joined one.
void append_reordered(std::string_view cell, std::span<const std::optional<std::size_t>> places,
                      Buffer& out) {
  const std::vector<std::string_view> values = split(cell, ':');
  const auto value_at = [&](std::size_t key) {
    const std::optional<std::size_t> place = places[key];
    return place && *place < values.size() ? values[*place] : std::string_view(".");
  };
  std::size_t count = places.size();
  while (count > 1 && value_at(count - 1) == ".") --count;
  for (std::size_t key = 0; key < count; ++key) {
    if (key > 0) append_text(":", out);
    append_text(value_at(key), out);
  }
}

void append_cells(const CohortRecord& record, const JoinedFormat& format, std::size_t samples,
                  Buffer& out) {
  if (record.site.format == format.text()) {
    append_text(record.cells, out);
    return;
  }
  const std::vector<std::optional<std::size_t>> places = format.places_in(record.site.format);
  std::string_view rest = record.cells;
  for (std::size_t sample = 0; sample < samples; ++sample) {
    if (sample > 0) append_text("\t", out);
    append_reordered(take(rest, '\t'), places, out);
  }
}

void append_missing(std::string_view missing, std::size_t samples, Buffer& out) {
  for (std::size_t sample = 0; sample < samples; ++sample) {
    if (sample > 0) append_text("\t", out);
    append_text(missing, out);
  }
}

std::string_view joined_id(std::span<const CohortRecord* const> records) {
  for (const CohortRecord* record : records) {
    if (record != nullptr && record->site.id != ".") return record->site.id;
  }
  return ".";
}

}  // namespace

CohortRecord split_record(std::string_view line, std::size_t samples, std::string_view subject) {
  CohortRecord record;
  Site& site = record.site;
  std::string_view rest = line;
  (void)take(rest, '\t');
  const std::string_view pos = take(rest, '\t');
  const auto [end, error] = std::from_chars(pos.data(), pos.data() + pos.size(), site.pos);
  const auto tabs = static_cast<std::size_t>(std::ranges::count(line, '\t'));
  const std::size_t wanted = samples > 0 ? 8 + samples : 7;
  if (error != std::errc() || end != pos.data() + pos.size() || tabs < wanted ||
      (samples > 0 && tabs != wanted)) {
    throw Error(Errc::unsupported, "merge", subject,
                fmt::format("the record '{}…' is kept as a line, for it is not well-formed",
                            line.substr(0, 40)),
                "mend it in the file it came from");
  }
  --site.pos;
  site.id = take(rest, '\t');
  site.ref = take(rest, '\t');
  site.alt = take(rest, '\t');
  site.qual = take(rest, '\t');
  site.filter = take(rest, '\t');
  site.info = take(rest, '\t');
  if (samples > 0) site.format = take(rest, '\t');
  if (samples > 0) record.cells = rest;
  return record;
}

void RecordJoiner::append(std::string_view contig, std::span<const CohortRecord* const> records,
                          Buffer& out) const {
  const auto first =
      std::ranges::find_if(records, [](const CohortRecord* record) { return record != nullptr; });
  const Site& site = (*first)->site;
  append_text(contig, out);
  const std::string pos = fmt::format("\t{}\t", site.pos + 1);
  append_text(pos, out);
  const std::array<std::string_view, 6> columns = {joined_id(records), site.ref,    site.alt,
                                                   site.qual,          site.filter, site.info};
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) append_text("\t", out);
    append_text(columns[i], out);
  }
  if (std::ranges::all_of(samples_, [](std::size_t count) { return count == 0; })) return;
  const JoinedFormat format(records);
  append_text("\t", out);
  append_text(format.text(), out);
  for (std::size_t cohort = 0; cohort < records.size(); ++cohort) {
    if (samples_[cohort] == 0) continue;
    append_text("\t", out);
    if (records[cohort] != nullptr) {
      append_cells(*records[cohort], format, samples_[cohort], out);
    } else {
      append_missing(format.missing(), samples_[cohort], out);
    }
  }
}

}  // namespace cnf::vcfs3
