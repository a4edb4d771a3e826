// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/header.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/header_lines_internal.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kFileFormat = "##fileformat=VCF";
constexpr std::string_view kColumns = "#CHROM";
constexpr std::size_t kInfoColumns = Header::kFixedColumns - 1;
constexpr std::ptrdiff_t kRecordTabs = kInfoColumns - 1;  // a line with as many looks like a record
constexpr std::uint64_t kAlwaysAllowed = std::uint64_t{16} << 20;
constexpr int kLevel = 9;

[[noreturn]] void fail(std::string_view subject, std::string_view why) {
  throw Error(Errc::corrupt_data, "read", std::string(subject) + ", header", why,
              "give a VCF file with its header");
}

bool begins_as(std::string_view text, std::string_view start, bool at_end) {
  return text.starts_with(start) || (!at_end && start.starts_with(text));
}

void check_start(std::string_view text, bool at_end, std::string_view subject) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (begins_as(text, kFileFormat, at_end) || begins_as(text, kColumns, at_end)) return;
  fail(subject, "it begins neither with ##fileformat=VCF nor with #CHROM");
}

// Where the #CHROM line stands in a whole header: its begin, and its end without the line's end.
struct ColumnsLine {
  std::size_t begin = 0;
  std::size_t end = 0;
};
ColumnsLine columns_line(std::string_view text) {
  ColumnsLine line{.begin = 0, .end = text.size()};
  if (text.ends_with('\n')) --line.end;
  const std::size_t before =
      line.end == 0 ? std::string_view::npos : text.rfind('\n', line.end - 1);
  line.begin = before == std::string_view::npos ? 0 : before + 1;
  if (line.begin == 0 && text.starts_with(kByteOrderMark)) line.begin = kByteOrderMark.size();
  if (text.ends_with("\r\n")) --line.end;
  return line;
}

bool expands_too_much(std::uint64_t raw, std::uint64_t compressed) {
  return raw > kAlwaysAllowed && (raw - kAlwaysAllowed) / Header::kMaxExpansion > compressed;
}

}  // namespace

std::optional<std::size_t> Header::find_end(std::string_view text, bool at_end,
                                            std::string_view subject) {
  check_start(text, at_end, subject);
  std::size_t at = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  while (at < text.size()) {
    const std::size_t newline = text.find('\n', at);
    const bool whole = newline != std::string_view::npos;
    const std::string_view line = text.substr(at, whole ? newline - at : newline);
    if (line.starts_with(kColumns)) {
      if (whole) return newline + 1;
      if (at_end) return text.size();
      return std::nullopt;
    }
    if (!line.starts_with('#') && std::ranges::count(line, '\t') >= kRecordTabs) {
      fail(subject, "a record comes before the #CHROM line");
    }
    if (!whole) break;
    at = newline + 1;
  }
  if (at_end) fail(subject, "there is no #CHROM line");
  return std::nullopt;
}

Header Header::parse(std::string text, std::string_view subject) {
  if (find_end(text, true, subject) != text.size()) fail(subject, "it goes on after #CHROM");
  Header header;
  header.text = std::move(text);
  header.crlf = header.text.ends_with("\r\n");
  read_meta_lines(header);
  const ColumnsLine line = columns_line(header.text);
  for (std::size_t at = line.begin; at <= line.end; ++header.columns) {
    const std::size_t tab = std::min(header.text.find('\t', at), line.end);
    if (header.columns >= kFixedColumns) header.samples.push_back(header.text.substr(at, tab - at));
    at = tab + 1;
  }
  return header;
}

std::string Header::text_with_samples(const std::vector<std::string>& names) const {
  const ColumnsLine line = columns_line(text);
  const std::size_t kept = names.empty() ? kInfoColumns : kFixedColumns;
  std::size_t at = line.begin;
  for (std::size_t column = 0; column < kept && at <= line.end; ++column) {
    at = std::min(text.find('\t', at), line.end) + 1;
  }
  std::string result = text.substr(0, at - 1);
  for (const std::string& name : names) result.append("\t").append(name);
  return result.append(text, line.end);
}

Buffer Header::encode() const {
  Buffer compressed;
  compress::make_codec({.algorithm = "zstd", .level = kLevel})
      ->compress(as_bytes(text), compressed);
  const bool worth_it =
      compressed.size() < text.size() && !expands_too_much(text.size(), compressed.size());
  Buffer object;
  ByteWriter out(object);
  out.put(static_cast<std::uint8_t>(worth_it ? compress::CodecId::zstd : compress::CodecId::none));
  out.put_varint(text.size());
  out.put_bytes(worth_it ? compressed.span() : as_bytes(text));
  return object;
}

Header Header::decode(ByteSpan object, std::string_view subject) {
  ByteReader in(object, subject);
  const compress::CodecId codec = compress::codec_id(in.get<std::uint8_t>(), subject);
  const std::uint64_t size = in.get_varint();
  if (expands_too_much(size, in.remaining())) in.fail("the header claims an impossible size");
  std::string text(size, '\0');
  compress::decompress(codec, in.get_bytes(in.remaining()),
                       std::as_writable_bytes(std::span(text.data(), text.size())), subject);
  return parse(std::move(text), subject);
}

SampleNames::SampleNames(const std::vector<std::string>& names) {
  ordinals_.reserve(names.size());
  for (std::size_t ordinal = 0; ordinal < names.size(); ++ordinal) {
    if (!ordinals_.try_emplace(names[ordinal], ordinal).second) repeated_.insert(names[ordinal]);
  }
}

std::optional<std::size_t> SampleNames::find(std::string_view name) const {
  const auto found = ordinals_.find(std::string(name));
  if (found == ordinals_.end()) return std::nullopt;
  if (repeated_.contains(found->first)) {
    throw Error(Errc::invalid_argument, "find", "sample " + found->first,
                "several samples of the header have this name",
                "leave it out, or give the samples names of their own and convert again");
  }
  return found->second;
}

}  // namespace cnf::vcfs3
