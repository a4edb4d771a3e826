// SPDX-License-Identifier: Apache-2.0
// Filter expressions and format strings. The first byte says which; the first line is the text, the
// second one a record.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/harness.h"

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/expression.h"
#include "cnf/formats/vcfs3/format_string.h"
#include "cnf/formats/vcfs3/test_variants_internal.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/formats/vcfs3/zones.h"

namespace {

namespace vcfs3 = cnf::vcfs3;
using cnf::Errc;
using cnf::fuzz::require;

constexpr std::string_view kRecord =
    "c\t9\ti\tA\tC,AT\t5\tq10\tDP=1;AC=1,.;AF=.5;DB;GENE=a,.;CSQ=x\tGT:DP:AD:GQ:FT:ST\t"
    "0/1:1:1,2:.:a:b,c\t./.\t1|2|0:.:3";

/// Columns of a record; too few make none.
std::string_view record_of(std::string_view line) {
  std::size_t tabs = 0;
  for (const char c : line) tabs += c == '\t' ? 1 : 0;
  return tabs == 11 && line.substr(line.find('\t')).starts_with("\t9\t") ? line : kRecord;
}

void check_expression(std::string_view text, const vcfs3::Variant& variant) {
  const vcfs3::Header header = vcfs3::testing::small_header();
  vcfs3::Expression::Scratch scratch;
  using Logic = vcfs3::Expression::Logic;
  const auto include = vcfs3::Expression::parse(text, header, Logic::include);
  const auto exclude = vcfs3::Expression::parse(text, header, Logic::exclude);
  const bool holds = include.matches(variant, scratch);
  require(exclude.matches(variant, scratch) != holds, "included and excluded at once");
  require(include.matches(variant, scratch) == holds, "a second look says something else");
  const auto answer = include.answer(variant, scratch, true);
  require(answer.passes == holds, "a record passes for view and not for query");
  require(answer.samples.empty() || answer.samples.size() == 3, "not all samples are told");
  require(include.count_samples(variant, scratch) <= 3, "more samples than there are");
  const std::vector<std::string> keys = {"DP", "AC", "AF", "MQ"};
  const auto zones = vcfs3::zones_of({&variant.site, 1}, keys);
  require(!holds || include.may_match(zones, keys), "the record's own zones rule it out");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = cnf::as_text(cnf::fuzz::bytes_of(data, size));
  if (input.empty()) return 0;
  const bool is_format = input[0] == 'f';
  input.remove_prefix(1);
  const std::string_view text = input.substr(0, input.find('\n'));
  // A list of IDs is a file of the user's: none is opened on an input's word.
  if (text.find('@') != std::string_view::npos) return 0;
  const std::string_view line = input.substr(std::min(input.size(), text.size() + 1));
  const vcfs3::testing::LineVariant record(record_of(line.substr(0, line.find('\n'))));
  cnf::fuzz::returns({Errc::invalid_argument, Errc::unsupported}, [&] {
    if (!is_format) return check_expression(text, record.variant());
    const vcfs3::Header header = vcfs3::testing::small_header();
    const auto format = vcfs3::FormatString::parse(text, header);
    cnf::Buffer out;
    format.append(record.variant(), header.samples, {}, out);
    require(format.header_line(header.samples).size() < (text.size() + 9) * 64,
            "a header line that is far too long");
  });
  return 0;
}
