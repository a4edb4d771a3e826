// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/line_edits.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <htslib/kstring.h>
#include <htslib/vcf.h>
#include <htslib/vcfutils.h>

#include "cnf/core/query/table.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/bcf_header.h"
#include "cnf/formats/vcfs3/decoded_bin.h"
#include "cnf/formats/vcfs3/line.h"
#include "cnf/formats/vcfs3/render.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/formats/vcfs3/variant_text_internal.h"

namespace cnf::vcfs3 {
namespace {

void append(Buffer& out, std::string_view text) { out.append(as_bytes(text)); }

/// The new value of a key; empty if it is to be removed, which is AC's value without an ALT.
std::string value_of(std::string_view key, std::span<const std::int64_t> counts) {
  const std::int64_t all = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  if (key == "AN") return std::to_string(all);
  std::string list;
  for (const std::int64_t count : counts.subspan(1)) {
    if (!list.empty()) list += ',';
    if (key == "AC") {
      list += std::to_string(count);
    } else {
      list += all == 0
                  ? "."
                  : fmt::format("{:.6g}", static_cast<double>(count) / static_cast<double>(all));
    }
  }
  return list;
}

std::string updated_info(std::string_view info, const std::vector<std::string>& keys,
                         std::span<const std::int64_t> counts) {
  std::string result;
  std::vector<std::uint8_t> seen(keys.size());
  const auto add = [&](std::string_view item) {
    if (!result.empty()) result += ';';
    result += item;
  };
  const auto set = [&](std::size_t key) {
    seen[key] = 1;
    const std::string value = value_of(keys[key], counts);
    if (!value.empty()) add(keys[key] + "=" + value);
  };
  ListReader items(info, ';');
  for (std::string_view item; info != "." && items.next(item);) {
    const auto key = std::ranges::find(keys, item.substr(0, item.find('=')));
    if (key == keys.end()) {
      add(item);
    } else if (const auto at = static_cast<std::size_t>(key - keys.begin()); seen[at] == 0) {
      set(at);
    }
  }
  for (std::size_t key = 0; key < keys.size(); ++key) {
    if (seen[key] == 0) set(key);
  }
  return result.empty() ? "." : result;
}

/// Takes alleles away that no genotype has, by htslib: it knows what hangs on them. Threads: one.
class Trimmer {
 public:
  explicit Trimmer(const std::string& header) : header_(header), record_(bcf_init()) {
    if (record_ == nullptr) throw std::bad_alloc();
  }
  ~Trimmer() {
    bcf_destroy(record_);
    ks_free(&line_);
  }
  Trimmer(const Trimmer&) = delete;
  Trimmer& operator=(const Trimmer&) = delete;

  /// The line without its unused alleles, valid until the next call.
  std::string_view trim(std::string_view line) {
    line_.l = 0;
    if (kputsn(line.data(), line.size(), &line_) < 0) throw std::bad_alloc();
    bcf_clear(record_);
    const std::string place(line.substr(0, line.find('\t', line.find('\t') + 1)));
    if (vcf_parse(&line_, header_.get(), record_) != 0 ||
        bcf_trim_alleles(header_.get(), record_) < 0) {
      throw Error(Errc::unsupported, "trim alleles", fmt::format("record at {}", place),
                  "htslib does not take it", "leave --trim-alts out");
    }
    line_.l = 0;
    if (vcf_format(header_.get(), record_, &line_) != 0) throw std::bad_alloc();
    while (line_.l > 0 && line_.s[line_.l - 1] == '\n') --line_.l;
    return {line_.s, line_.l};
  }

 private:
  BcfHeader header_;
  bcf1_t* record_;
  kstring_t line_ = KS_INITIALIZE;
};

std::vector<std::string> padded_cells(const Variant& variant) {
  const auto fields = std::ranges::count(variant.site.format, ':');
  std::vector<std::string> cells(variant.cells.begin(), variant.cells.end());
  for (std::string& cell : cells) {
    for (auto missing = fields - std::ranges::count(cell, ':'); missing > 0; --missing) {
      cell += ":.";
    }
  }
  return cells;
}

/// The first eight columns of a line.
std::string_view without_samples(std::string_view line) {
  std::size_t end = 0;
  for (int column = 0; column < 8; ++column) {
    const std::size_t tab = line.find('\t', end);
    if (tab == std::string_view::npos) return line;
    end = tab + 1;
  }
  return line.substr(0, end - 1);
}

class EditedLines final : public Renderer {
 public:
  explicit EditedLines(LineEdits edits) : edits_(std::move(edits)) {
    for (const std::string& key : edits_.update_info) {
      if (key == "AC" || key == "AN" || key == "AF") continue;
      throw Error(Errc::invalid_argument, "update INFO", key, "it is not one of AC, AN, AF");
    }
  }
  [[nodiscard]] Needs needs() const override { return Needs::all(); }
  [[nodiscard]] bool splits_records() const override { return true; }
  [[nodiscard]] query::Table render(DecodedBin& bin,
                                    std::span<const std::uint32_t> records) const override {
    query::Column column("text", query::Type::utf8);
    std::optional<Trimmer> trimmer;
    for (const std::uint32_t record : records) {
      append_edited(bin.variant(record, Needs::all()), trimmer, column.values());
      column.offsets().push_back(static_cast<std::int64_t>(column.values().size()));
    }
    query::Table table(records.size());
    table.add(std::move(column));
    return table;
  }

 private:
  void append_edited(Variant variant, std::optional<Trimmer>& trimmer, Buffer& out) const;

  LineEdits edits_;
};

void EditedLines::append_edited(Variant variant, std::optional<Trimmer>& trimmer,
                                Buffer& out) const {
  std::vector<std::int64_t> counts;
  const bool counted = count_genotype_alleles(variant, counts);
  std::string info;
  if (counted && !edits_.update_info.empty()) {
    info = updated_info(variant.site.info, edits_.update_info, counts);
    variant.site.info = info;
  }
  std::vector<std::string> padded;
  std::vector<std::string_view> cells;
  if (edits_.trailing == LineEdits::Trailing::padded) {
    padded = padded_cells(variant);
    cells.assign(padded.begin(), padded.end());
    variant.cells = cells;
  }
  Buffer line;
  if (counted && edits_.unused == LineEdits::Unused::trimmed &&
      std::find(counts.begin() + 1, counts.end(), 0) != counts.end()) {
    if (!trimmer) trimmer.emplace(edits_.header);
    append_line(variant, {}, line);
    const std::string_view trimmed = trimmer->trim(as_text(line.span()));
    const bool with_samples = edits_.samples != LineOptions::Samples::none;
    append(out, with_samples ? trimmed : without_samples(trimmed));
    append(out, edits_.line_end);
    return;
  }
  if (edits_.samples == LineOptions::Samples::none) {
    variant.site.format = {};
    variant.cells = {};
  }
  append_line(variant, edits_.line_end, out);
}

}  // namespace

std::shared_ptr<const Renderer> render_edited_lines(const LineEdits& edits) {
  return std::make_shared<EditedLines>(edits);
}

}  // namespace cnf::vcfs3
