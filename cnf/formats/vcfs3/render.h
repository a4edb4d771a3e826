// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/query/table.h"
#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/decoded_bin.h"
#include "cnf/formats/vcfs3/variant.h"

namespace cnf::vcfs3 {

/// Makes rows of an answer of the wanted records of a bin. Immutable; called concurrently, each
/// time with another bin.
class Renderer {
 public:
  virtual ~Renderer() = default;
  /// What it looks at; what filters look at comes on top.
  [[nodiscard]] virtual Needs needs() const = 0;
  /// True if it must have every record as columns: a raw one is then an Error unsupported.
  [[nodiscard]] virtual bool splits_records() const = 0;
  /// \param records  of the bin, ascending. One row each, for a limit to count.
  [[nodiscard]] virtual query::Table render(DecodedBin& bin,
                                            std::span<const std::uint32_t> records) const = 0;
};

/// Rows only: a count.
[[nodiscard]] std::shared_ptr<const Renderer> count_records();

/// Column "text": VCF lines as they came, with all samples, those asked for, or no sample columns.
struct LineOptions {
  enum class Samples : std::uint8_t {
    all,   ///< Every sample in its order: lines as they came.
    some,  ///< Not all, or in another order.
    none,  ///< -G: eight columns.
  };
  Samples samples = Samples::all;
  /// What BCF input had in its floats that text does not tell.
  enum class Floats : std::uint8_t {
    as_text,
    exact,  ///< A column "residual" beside "text" (float_residuals.h). Needs Samples::all.
  };
  Floats floats = Floats::as_text;
  std::string_view line_end = "\n";  ///< A literal.
};
[[nodiscard]] std::shared_ptr<const Renderer> render_lines(const LineOptions& options);

/// Column "text": whatever `append` appends for each record. `append` may be called concurrently.
[[nodiscard]] std::shared_ptr<const Renderer> render_each(
    const Needs& needs, std::function<void(const Variant& variant, Buffer& out)> append);

/// Columns contig, pos (int64, 1-based), id, ref, alt, qual, filter, info as VCF spells them, and a
/// column "NAME.GT" for each of `samples`; or pos alone.
struct ColumnOptions {
  std::vector<std::string> samples = {};  ///< Names of the answer's samples, in its order.
  bool positions_only = false;            ///< pos alone, from the page's position stream.
};
[[nodiscard]] std::shared_ptr<const Renderer> render_columns(const ColumnOptions& options);

}  // namespace cnf::vcfs3
