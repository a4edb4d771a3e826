// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/source_readers_internal.h"

// htslib tells why it refuses a line only in its log, which must stay silent. So the line is looked
// at again, after the fact: what is found here never decides whether it is refused.

namespace cnf::bams3 {
namespace {

constexpr std::size_t kMandatory = 11;
constexpr std::size_t kMaxShown = 40;  // of a field that is quoted
enum Column : std::size_t { qname, flag, rname, pos, mapq, cigar, rnext, pnext, tlen, seq, qual };

using Why = std::optional<std::string>;

std::string quoted(std::string_view text) {
  const bool cut = text.size() > kMaxShown;
  return "\"" + std::string(text.substr(0, kMaxShown)) + (cut ? "…\"" : "\"");
}

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  for (std::size_t tab = line.find('\t'); tab != std::string_view::npos; tab = line.find('\t')) {
    fields.push_back(line.substr(0, tab));
    line.remove_prefix(tab + 1);
  }
  fields.push_back(line);
  return fields;
}

struct Number {
  Column column;
  const char* name;
  std::int64_t min, max;
};
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr Number kNumbers[] = {{pos, "POS", 0, kMax},
                               {mapq, "MAPQ", 0, 255},
                               {pnext, "PNEXT", 0, kMax},
                               {tlen, "TLEN", -kMax, kMax},
                               {flag, "FLAG", 0, 65535}};

Why explain_numbers(const std::vector<std::string_view>& fields) {
  for (const Number& number : kNumbers) {
    const std::string_view text = fields[number.column];
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
      return std::string(number.name) + " is no number: " + quoted(text);
    }
    if (value < number.min || value > number.max) {
      return std::string(number.name) + " is out of range: " + quoted(text);
    }
  }
  return std::nullopt;
}

// Bases of SEQ that a CIGAR stands for; nullopt if it is none.
std::optional<std::int64_t> query_length(std::string_view text) {
  std::int64_t total = 0;
  while (!text.empty()) {
    std::uint32_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (error != std::errc() || length >= (1U << 28U) || end == text.data() + text.size()) {
      return std::nullopt;
    }
    if (std::string_view("MIDNSHP=XB").find(*end) == std::string_view::npos) return std::nullopt;
    if (std::string_view("MIS=X").find(*end) != std::string_view::npos) total += length;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  }
  return total;
}

Why explain_bases(const std::vector<std::string_view>& fields) {
  const std::size_t bases = fields[seq] == "*" ? 0 : fields[seq].size();
  if (fields[cigar] != "*") {
    const auto length = query_length(fields[cigar]);
    if (!length) return "CIGAR is malformed: " + quoted(fields[cigar]);
    if (fields[seq] != "*" && *length != static_cast<std::int64_t>(bases)) {
      return "CIGAR covers " + std::to_string(*length) + " bases of the read, SEQ has " +
             std::to_string(bases);
    }
  }
  if (fields[qual] == "*") return std::nullopt;
  if (fields[qual].size() != bases) {
    return "QUAL has " + std::to_string(fields[qual].size()) + " characters, SEQ " +
           std::to_string(bases) + " bases";
  }
  const auto bad = [](char c) { return c < '!' || c > '~'; };
  if (std::any_of(fields[qual].begin(), fields[qual].end(), bad)) {
    return "QUAL has a character outside '!' to '~'";
  }
  return std::nullopt;
}

Why explain_tag(std::string_view tag) {
  if (tag.size() < 5 || tag[2] != ':' || tag[4] != ':') {
    return "tag " + quoted(tag) + " is not of the form XX:T:value";
  }
  const char type = tag[3];
  const std::string_view value = tag.substr(5);
  if (std::string_view("AaCcIifdZHB").find(type) == std::string_view::npos) {
    return "tag " + quoted(tag) + " has an unknown type";
  }
  if (value.empty() && type != 'Z' && type != 'H') return "tag " + quoted(tag) + " has no value";
  if (type == 'H' && value.size() % 2 != 0) {
    return "tag " + quoted(tag) + " has an odd number of hexadecimal digits";
  }
  if (type == 'B' && (std::string_view("cCsSiIf").find(value[0]) == std::string_view::npos ||
                      (value.size() > 1 && value[1] != ','))) {
    return "tag " + quoted(tag) + " is no array of c, C, s, S, i, I or f";
  }
  return std::nullopt;
}

}  // namespace

std::string explain_sam_line(std::string_view line, const Header& header) {
  const std::vector<std::string_view> fields = split(line);
  if (fields.size() < kMandatory) {
    return "the line has " + std::to_string(fields.size()) +
           " fields where SAM has at least 11, with tabs between";
  }
  constexpr std::size_t kMaxName = 254;
  if (fields[qname].size() > kMaxName) return "QNAME is longer than 254 characters";
  if (fields[rname] != "*" && header.references.empty()) {
    return "RNAME is " + quoted(fields[rname]) + ", but the header lists no reference (@SQ)";
  }
  if (const Why why = explain_numbers(fields)) return *why;
  if (const Why why = explain_bases(fields)) return *why;
  for (std::size_t i = kMandatory; i < fields.size(); ++i) {
    if (const Why why = explain_tag(fields[i])) return *why;
  }
  return "a number is out of range or a field is malformed";
}

}  // namespace cnf::bams3
