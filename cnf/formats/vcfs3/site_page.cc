// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/site_page.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/alleles.h"
#include "cnf/formats/vcfs3/columns.h"
#include "cnf/formats/vcfs3/id_column.h"
#include "cnf/formats/vcfs3/info_column.h"
#include "cnf/formats/vcfs3/integer_column.h"
#include "cnf/formats/vcfs3/layout.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/site_page_internal.h"
#include "cnf/formats/vcfs3/token_column.h"
#include "cnf/formats/vcfs3/variant.h"

namespace cnf::vcfs3 {
namespace {

/// A value that is made when it is first asked for.
template <typename T>
class Lazy {
 public:
  template <typename Make>
  T& get(const Make& make) {
    if (!value_) value_.emplace(make());
    return *value_;
  }

 private:
  std::optional<T> value_;
};

}  // namespace

struct SitePage::Impl {
  Impl(ByteSpan core_bytes, ByteSpan info_bytes, std::size_t records, std::string subject)
      : core(core_bytes, subject), info_section(info_bytes), count(records) {
    if (count > kPageRecords || core.size() != kCoreColumns) {
      throw Error(Errc::corrupt_data, "read site page", subject, "it has no page's columns");
    }
    ColumnReader page = column(CoreColumn::page);
    flags = page.head.get<std::uint8_t>();
    if ((flags & ~unsigned{kKnownFlags}) != 0) page.head.fail("unknown flags");
    if (page.head.get_varint() != count) page.head.fail("a page has another number of records");
    raw_lines = decode_exceptions(page, count);
    raw.assign(count, 0);
    for (const std::int64_t index : raw_lines.indices) raw[static_cast<std::size_t>(index)] = 1;
    for (std::size_t i = 0; i < count; ++i) {
      places.push_back(raw[i] != 0 ? i - typed.size() : typed.size());
      if (raw[i] == 0) typed.push_back(i);
    }
  }

  ColumnReader column(CoreColumn which) { return core.column(static_cast<std::size_t>(which)); }

  Tokens& tokens(Lazy<Tokens>& lazy, CoreColumn which) {
    return lazy.get([&] {
      ColumnReader reader = column(which);
      return decode_tokens(reader, typed.size());
    });
  }

  std::vector<std::int64_t>& positions() {
    return lazy_positions.get([&] {
      ColumnReader reader = column(CoreColumn::positions);
      std::vector<std::int64_t> result = decode_integers(reader, count);
      for (const std::int64_t position : result) {
        if (position < -1 || position > kMaxPosition) reader.head.fail("no such position");
      }
      return result;
    });
  }

  Alleles& alleles() {
    return lazy_alleles.get([&] {
      ColumnReader reader = column(CoreColumn::alleles);
      return decode_alleles(reader, typed.size());
    });
  }

  std::vector<std::int64_t>& ends() {
    return lazy_ends.get([&] {
      ColumnReader reader = column(CoreColumn::ends);
      const auto kind = reader.head.get<std::uint8_t>();
      if (kind > static_cast<std::uint8_t>(EndKind::neighbour)) reader.head.fail("unknown ends");
      std::vector<std::int64_t> result = decode_integers(reader, count);
      const std::vector<std::int64_t>& starts = positions();
      const std::vector<std::string_view>& refs = alleles().refs;
      for (std::size_t i = 0; i < count; ++i) {
        std::uint64_t from = 0;
        if (kind == static_cast<std::uint8_t>(EndKind::neighbour) && i + 1 < count) {
          from = static_cast<std::uint64_t>(starts[i + 1]);
        } else {
          const std::size_t length = raw[i] != 0 ? 0 : refs[places[i]].size();
          from = static_cast<std::uint64_t>(starts[i]) + length;
        }
        result[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(result[i]) + from);
        if (result[i] < starts[i]) reader.head.fail("a record ends before it begins");
      }
      return result;
    });
  }

  /// Values of the records that are no raw ones.
  std::vector<std::int64_t> of_typed(const std::vector<std::int64_t>& values) const {
    std::vector<std::int64_t> result;
    result.reserve(typed.size());
    for (const std::size_t record : typed) result.push_back(values[record]);
    return result;
  }

  Tokens& ids() {
    return lazy_ids.get([&] {
      const std::vector<std::int64_t> starts = of_typed(positions());
      ColumnReader reader = column(CoreColumn::ids);
      return decode_ids(reader, {starts, alleles().refs, alleles().alts});
    });
  }

  std::string_view info(std::size_t place) {
    if ((flags & kHasInfo) == 0) return ".";
    if (info_section.empty()) {
      throw Error(Errc::internal, "read site page", core.subject(), "INFO was not fetched");
    }
    if (!info_decoder) {
      for (const std::string_view alt : alleles().alts)
        alt_counts.push_back(alternate_alleles(alt));
      typed_ends = of_typed(ends());
      info_columns = std::make_unique<Section>(info_section, core.subject());
      info_decoder = std::make_unique<InfoDecoder>(
          *info_columns, typed.size(), InfoSources{.alts = alt_counts, .ends = typed_ends});
    }
    return info_decoder->info(place);
  }

  Section core;
  ByteSpan info_section;
  std::size_t count;
  std::uint8_t flags = 0;
  Exceptions raw_lines;
  std::vector<std::uint8_t> raw;
  std::vector<std::size_t> places;  // of a record among the typed or among the raw ones
  std::vector<std::size_t> typed;   // records that are no raw ones
  Lazy<std::vector<std::int64_t>> lazy_positions, lazy_ends;
  Lazy<std::vector<std::uint8_t>> lazy_has_genotypes;
  Lazy<Alleles> lazy_alleles;
  Lazy<Tokens> lazy_ids, qual, filter, format, residuals;
  std::vector<std::int64_t> alt_counts, typed_ends;
  std::unique_ptr<Section> info_columns;
  std::unique_ptr<InfoDecoder> info_decoder;
};

SitePage::SitePage(ByteSpan core, ByteSpan info, std::size_t records, std::string subject)
    : impl_(std::make_unique<Impl>(core, info, records, std::move(subject))) {}
SitePage::~SitePage() = default;
SitePage::SitePage(SitePage&&) noexcept = default;
SitePage& SitePage::operator=(SitePage&&) noexcept = default;

std::size_t SitePage::records() const noexcept { return impl_->count; }
std::span<const std::int64_t> SitePage::positions() { return impl_->positions(); }
std::span<const std::int64_t> SitePage::ends() { return impl_->ends(); }
std::span<const std::uint8_t> SitePage::raw() { return impl_->raw; }

std::span<const std::uint8_t> SitePage::has_genotypes() {
  return impl_->lazy_has_genotypes.get([&] {
    const Tokens& formats = impl_->tokens(impl_->format, CoreColumn::format);
    std::vector<std::uint8_t> result(impl_->count);
    for (std::size_t i = 0; i < impl_->typed.size(); ++i) {
      const bool has = Site{.format = formats.texts[i]}.has_genotypes();
      result[impl_->typed[i]] = has ? 1 : 0;
    }
    return result;
  });
}

Site SitePage::site(std::size_t record, const Needs& needs) {
  Impl& page = *impl_;
  Site site;
  site.pos = page.positions()[record];
  const std::size_t place = page.places[record];
  if (page.raw[record] != 0) {
    site.is_raw = true;
    site.raw = page.raw_lines.tokens.texts[place];
    return site;
  }
  if (needs.alleles) {
    site.ref = page.alleles().refs[place];
    site.alt = page.alleles().alts[place];
  }
  if (needs.id) site.id = page.ids().texts[place];
  if (needs.qual) site.qual = page.tokens(page.qual, CoreColumn::qual).texts[place];
  if (needs.filter) site.filter = page.tokens(page.filter, CoreColumn::filter).texts[place];
  if (needs.info) site.info = page.info(place);
  if (needs.genotypes || needs.format) {
    site.format = page.tokens(page.format, CoreColumn::format).texts[place];
  }
  return site;
}

std::string_view SitePage::residual(std::size_t record) {
  Impl& page = *impl_;
  const Tokens& texts = page.residuals.get([&] {
    ColumnReader reader = page.column(CoreColumn::residuals);
    return decode_tokens(reader, page.count);
  });
  return texts.texts[record];
}

}  // namespace cnf::vcfs3
