// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/record_filter.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <htslib/kstring.h>
#include <htslib/sam.h>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/hts_record.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/hts/messages.h"
// htslib 1.16 forgot to say that this header is C.
extern "C" {
#include <htslib/hts_expr.h>
}

#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/tags.h"

namespace cnf::bams3 {
namespace {

std::optional<Tag> find_tag(ByteSpan tags, std::string_view name) {
  while (!tags.empty()) {
    const Tag tag = take_tag(tags);
    if (tag.is(name)) return tag;
  }
  return std::nullopt;
}

// The value as text, for types that -d can name.
std::optional<std::string> value_text(const Tag& tag) {
  if (const auto integer = tag.integer()) return std::to_string(*integer);
  if (tag.type == 'A') return std::string(1, static_cast<char>(tag.value[0]));
  if (tag.type == 'Z' || tag.type == 'H') return std::string(tag.text());
  return std::nullopt;
}

template <typename Range>
bool contains(const Range& range, std::string_view value) {
  return std::ranges::find(range, value) != range.end();
}

}  // namespace

struct RecordFilter::Expression {
  explicit Expression(const std::string& text) : filter(hts_filter_init(text.c_str())) {}
  ~Expression() { hts_filter_free(filter); }
  Expression(Expression&&) = delete;
  hts_filter_t* filter;
};

std::uint16_t parse_flags(const std::string& text) {
  const int flags = bam_str2flag(text.c_str());
  if (flags < 0 || flags > std::numeric_limits<std::uint16_t>::max()) {
    throw Error(Errc::invalid_argument, "read flags", text,
                "they are neither a number nor names of flags", "write 3, 0x10 or PAIRED,READ1");
  }
  return static_cast<std::uint16_t>(flags);
}

void RecordConditions::check() const {
  if (!tag.empty() && tag.size() != 2) {
    throw Error(Errc::invalid_argument, "filter", tag, "a tag has two letters");
  }
  if (expression.empty()) return;
  hts::silence_htslib();
  // The parser answers only when it evaluates: try it on an empty record.
  const HtsHeader header = to_hts(Header{});
  const HtsRecord record = make_hts_record();
  const RecordFilter::Expression parsed(expression);
  if (parsed.filter == nullptr ||
      sam_passes_filter(header.get(), record.get(), parsed.filter) < 0) {
    throw Error(Errc::invalid_argument, "filter", expression, "it is not a filter expression",
                "see FILTER EXPRESSIONS in the samtools manual");
  }
}

RecordFilter::RecordFilter(const RecordConditions& conditions, const sam_hdr_t& header)
    : conditions_(conditions), header_(header) {
  if (!conditions.expression.empty())
    expression_ = std::make_unique<Expression>(conditions.expression);
}
RecordFilter::~RecordFilter() = default;

bool RecordFilter::matches(RecordView view, const bam1_t& record) {
  if (!conditions_.read_groups.empty()) {
    const auto group = find_tag(view.tags(), "RG");
    if (group && group->type == 'Z' && !contains(conditions_.read_groups, group->text()))
      return false;
  }
  if (!conditions_.tag.empty()) {
    const auto tag = find_tag(view.tags(), conditions_.tag);
    if (!tag) return false;
    if (!conditions_.tag_values.empty()) {
      const auto text = value_text(*tag);
      if (!text || !contains(conditions_.tag_values, *text)) return false;
    }
  }
  if (!conditions_.names.empty() && !conditions_.names.contains(std::string(view.name())))
    return false;
  if (!expression_) return true;
  const int result = sam_passes_filter(&header_, &record, expression_->filter);
  if (result < 0)
    throw Error(Errc::invalid_argument, "filter", conditions_.expression, "it cannot be evaluated");
  return result > 0;
}

}  // namespace cnf::bams3
