// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/export.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/query/executor.h"
#include "cnf/core/query/table.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"
#include "cnf/formats/vcfs3/answer.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/render.h"
#include "cnf/formats/vcfs3/sink.h"
#include "cnf/formats/vcfs3/text_digest.h"
#include "cnf/formats/vcfs3/view.h"

namespace cnf::vcfs3 {
namespace {

/// The text of the tables, without the line end behind the last line where the source had none.
class WholeText {
 public:
  WholeText(const Dataset& dataset, std::string_view header, VariantSink& sink)
      : dataset_(dataset), sink_(sink), digest_(dataset.metadata().custom.at("text")) {
    digest_.update(as_bytes(header));
  }
  void write(query::Table table) {
    rows_ += table.rows();
    if (rows_ == dataset_.records() && !dataset_.final_newline()) {
      const std::size_t line_end = dataset_.crlf() ? 2 : 1;
      query::Column text = std::move(std::move(table).release().front());
      text.values().resize(text.values().size() - line_end);
      text.offsets().back() -= static_cast<std::int64_t>(line_end);
      table = query::Table(text.rows());
      table.add(std::move(text));
    }
    digest_.update(table.column("text").values());
    sink_.write(table);
  }
  [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }
  void check() {
    if (rows_ == dataset_.records() && digest_.finish()) return;
    throw Error(Errc::corrupt_data, "export", dataset_.root()->uri(),
                fmt::format("the text of the {} records decoded is not the text of the {} that "
                            "were converted",
                            rows_, dataset_.records()),
                "run cnf validate --deep");
  }

 private:
  const Dataset& dataset_;
  VariantSink& sink_;
  TextDigest digest_;
  std::uint64_t rows_ = 0;
};

}  // namespace

std::uint64_t export_dataset(const Dataset& dataset, FileFormat format, ByteSink out,
                             const ExportOptions& options, const Context& context) {
  SinkOptions sink_options{.header = dataset.header(context).text,
                           .level = options.level,
                           .threads = options.executor.threads};
  LineOptions lines{.line_end = line_end(dataset)};
  if (format == FileFormat::bcf || format == FileFormat::bcf_raw) {
    lines.floats = LineOptions::Floats::exact;
    sink_options.undefined =
        undefined_keys(dataset, {}, sink_options.header, options.executor, context);
  }
  const std::unique_ptr<VariantSink> sink =
      make_sink(format, std::move(out), sink_options, context);
  const auto renderer = render_lines(lines);
  query::Results results =
      run_view(dataset, plan_view(dataset, {}, renderer, context), options.executor, context);
  WholeText text(dataset, dataset.header(context).text, *sink);
  while (std::optional<query::Table> table = results.next()) {
    const std::uint64_t rows = table->rows();
    text.write(std::move(*table));
    if (options.progress != nullptr) options.progress->add(0, rows);
  }
  text.check();
  sink->finish();
  return text.rows();
}

}  // namespace cnf::vcfs3
