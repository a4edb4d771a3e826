// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/render.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/query/table.h"
#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/decoded_bin.h"
#include "cnf/formats/vcfs3/variant.h"

namespace cnf::vcfs3 {
namespace {

query::Table one_column(query::Column column) {
  query::Table table(column.rows());
  table.add(std::move(column));
  return table;
}

void end_row(query::Column& column) {
  column.offsets().push_back(static_cast<std::int64_t>(column.values().size()));
}

class Count final : public Renderer {
 public:
  [[nodiscard]] Needs needs() const override { return {}; }
  [[nodiscard]] bool splits_records() const override { return false; }
  [[nodiscard]] query::Table render(DecodedBin& /*bin*/,
                                    std::span<const std::uint32_t> records) const override {
    return query::Table(records.size());
  }
};

class Lines final : public Renderer {
 public:
  explicit Lines(const LineOptions& options) : options_(options) {}
  [[nodiscard]] Needs needs() const override {
    Needs needs = Needs::all();
    needs.genotypes = needs.format = with_samples();
    return needs;
  }
  [[nodiscard]] bool splits_records() const override {
    return options_.samples != LineOptions::Samples::all;
  }
  [[nodiscard]] query::Table render(DecodedBin& bin,
                                    std::span<const std::uint32_t> records) const override {
    query::Column column("text", query::Type::utf8);
    column.reserve(records.size(), 0);
    query::Column residuals("residual", query::Type::binary);
    const bool exact = options_.floats == LineOptions::Floats::exact;
    for (const std::uint32_t record : records) {
      if (exact) residuals.append(bin.residual(record));
      bin.append_line(record, with_samples(), options_.line_end, column.values());
      end_row(column);
    }
    query::Table table = one_column(std::move(column));
    if (exact) table.add(std::move(residuals));
    return table;
  }

 private:
  [[nodiscard]] bool with_samples() const { return options_.samples != LineOptions::Samples::none; }
  LineOptions options_;
};

class Each final : public Renderer {
 public:
  Each(const Needs& needs, std::function<void(const Variant&, Buffer&)> append)
      : needs_(needs), append_(std::move(append)) {}
  [[nodiscard]] Needs needs() const override { return needs_; }
  [[nodiscard]] bool splits_records() const override { return true; }
  [[nodiscard]] query::Table render(DecodedBin& bin,
                                    std::span<const std::uint32_t> records) const override {
    query::Column column("text", query::Type::utf8);
    for (const std::uint32_t record : records) {
      append_(bin.variant(record, needs_), column.values());
      end_row(column);
    }
    return one_column(std::move(column));
  }

 private:
  Needs needs_;
  std::function<void(const Variant&, Buffer&)> append_;
};

/// The pages' own stream of positions, without a look at records.
class Positions final : public Renderer {
 public:
  [[nodiscard]] Needs needs() const override { return {}; }
  [[nodiscard]] bool splits_records() const override { return true; }
  [[nodiscard]] query::Table render(DecodedBin& bin,
                                    std::span<const std::uint32_t> records) const override {
    query::Column column("pos", query::Type::int64);
    const std::span<std::int64_t> out = column.fill<std::int64_t>(records.size());
    for (std::size_t i = 0; i < records.size(); ++i) out[i] = bin.position(records[i]) + 1;
    return one_column(std::move(column));
  }
};

class Columns final : public Renderer {
 public:
  explicit Columns(std::vector<std::string> samples) : samples_(std::move(samples)) {}
  [[nodiscard]] Needs needs() const override {
    Needs needs = Needs::all();
    needs.format = false;
    needs.genotypes = !samples_.empty();
    return needs;
  }
  [[nodiscard]] bool splits_records() const override { return true; }
  [[nodiscard]] query::Table render(DecodedBin& bin,
                                    std::span<const std::uint32_t> records) const override;

 private:
  std::vector<std::string> samples_;
};

query::Table Columns::render(DecodedBin& bin, std::span<const std::uint32_t> records) const {
  std::vector<query::Column> texts;
  for (const char* name : {"contig", "id", "ref", "alt", "qual", "filter", "info"}) {
    texts.emplace_back(name, query::Type::utf8);
  }
  query::Column positions("pos", query::Type::int64);
  std::vector<query::Column> genotypes;
  genotypes.reserve(samples_.size());
  for (const std::string& sample : samples_)
    genotypes.emplace_back(sample + ".GT", query::Type::utf8);
  const std::span<std::int64_t> out = positions.fill<std::int64_t>(records.size());
  const Needs wanted = needs();
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Variant& variant = bin.variant(records[i], wanted);
    const Site& site = variant.site;
    out[i] = site.pos + 1;
    const std::string_view fields[] = {variant.contig, site.id,     site.ref, site.alt,
                                       site.qual,      site.filter, site.info};
    for (std::size_t f = 0; f < texts.size(); ++f) texts[f].append(fields[f]);
    for (std::size_t s = 0; s < genotypes.size(); ++s) {
      genotypes[s].append(s < variant.cells.size() && site.has_genotypes() ? variant.cells[s]
                                                                           : std::string_view());
    }
  }
  query::Table table(records.size());
  table.add(std::move(texts[0]));
  table.add(std::move(positions));
  for (std::size_t f = 1; f < texts.size(); ++f) table.add(std::move(texts[f]));
  for (query::Column& column : genotypes) table.add(std::move(column));
  return table;
}

}  // namespace

std::shared_ptr<const Renderer> count_records() { return std::make_shared<Count>(); }

std::shared_ptr<const Renderer> render_lines(const LineOptions& options) {
  return std::make_shared<Lines>(options);
}

std::shared_ptr<const Renderer> render_each(
    const Needs& needs, std::function<void(const Variant& variant, Buffer& out)> append) {
  return std::make_shared<Each>(needs, std::move(append));
}

std::shared_ptr<const Renderer> render_columns(const ColumnOptions& options) {
  if (options.positions_only) return std::make_shared<Positions>();
  return std::make_shared<Columns>(options.samples);
}

}  // namespace cnf::vcfs3
