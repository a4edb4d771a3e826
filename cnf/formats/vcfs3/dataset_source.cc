// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/dataset_source.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/query/executor.h"
#include "cnf/core/query/table.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/decoded_bin.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/render.h"
#include "cnf/formats/vcfs3/source.h"
#include "cnf/formats/vcfs3/view.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::size_t kSlabBytes = std::size_t{4} << 20;

/// Columns "text", a line with its end, and "residual".
class LinesAndResiduals final : public Renderer {
 public:
  explicit LinesAndResiduals(std::string_view line_end) : line_end_(line_end) {}
  [[nodiscard]] Needs needs() const override { return Needs::all(); }
  [[nodiscard]] bool splits_records() const override { return false; }
  [[nodiscard]] query::Table render(DecodedBin& bin,
                                    std::span<const std::uint32_t> records) const override {
    query::Column lines("text", query::Type::utf8);
    query::Column residuals("residual", query::Type::binary);
    for (const std::uint32_t record : records) {
      bin.append_line(record, true, line_end_, lines.values());
      lines.offsets().push_back(static_cast<std::int64_t>(lines.values().size()));
      residuals.append(bin.residual(record));
    }
    query::Table table(records.size());
    table.add(std::move(lines));
    table.add(std::move(residuals));
    return table;
  }

 private:
  std::string_view line_end_;  // a literal
};

class DatasetSource final : public Source {
 public:
  DatasetSource(Dataset dataset, const query::ExecutorOptions& options, const Context& context)
      : dataset_(std::move(dataset)),
        header_(&dataset_.header(context)),
        line_end_(dataset_.crlf() ? "\r\n" : "\n"),
        plan_(plan_view(dataset_, {}, std::make_shared<LinesAndResiduals>(line_end_), context)),
        results_(run_view(dataset_, plan_, options, context)),
        table_(results_.next()) {}

  [[nodiscard]] const Header& header() const noexcept override { return *header_; }
  [[nodiscard]] std::uint64_t consumed() const noexcept override { return consumed_; }
  [[nodiscard]] std::string kind() const override {
    return dataset_.metadata().custom.at("source").get<std::string>();
  }
  [[nodiscard]] std::optional<Slab> next() override;

 private:
  void append_rows(Slab& slab, bool& has_residuals);

  Dataset dataset_;
  const Header* header_;
  std::string_view line_end_;
  ViewPlan plan_;
  query::Results results_;
  std::optional<query::Table> table_;
  std::size_t row_ = 0;
  std::uint64_t consumed_ = 0;
};

void DatasetSource::append_rows(Slab& slab, bool& has_residuals) {
  const query::Column& lines = table_->column("text");
  const query::Column& residuals = table_->column("residual");
  for (; row_ < table_->rows() && slab.text.size() < kSlabBytes; ++row_) {
    slab.text.append(lines.bytes(row_));
    slab.residuals.emplace_back(residuals.text(row_));
    has_residuals = has_residuals || !slab.residuals.back().empty();
  }
}

std::optional<Slab> DatasetSource::next() {
  Slab slab;
  bool has_residuals = false;
  while (table_ && slab.text.size() < kSlabBytes) {
    append_rows(slab, has_residuals);
    if (row_ < table_->rows()) break;
    table_ = results_.next();
    row_ = 0;
  }
  if (slab.residuals.empty()) return std::nullopt;
  if (!has_residuals) slab.residuals.clear();
  if (!table_ && !dataset_.final_newline()) slab.text.resize(slab.text.size() - line_end_.size());
  consumed_ += slab.text.size();
  return slab;
}

}  // namespace

std::unique_ptr<Source> open_dataset_source(Dataset dataset, const query::ExecutorOptions& options,
                                            const Context& context) {
  return std::make_unique<DatasetSource>(std::move(dataset), options, context);
}

}  // namespace cnf::vcfs3
