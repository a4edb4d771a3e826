// SPDX-License-Identifier: Apache-2.0
#pragma once

// The STAR format as far as RELION and its kin use it (S. Hall, J Chem Inf Comput Sci 31 (1991)
// 326): data blocks of items and loops, one row a line. No text fields over several lines.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cnf::em {

struct StarRow {
  std::string_view text;   ///< Without the line's end.
  std::size_t number = 0;  ///< Of the line in the file, from 1.
};

struct StarLoop {
  std::string_view block;            ///< Behind "data_"; may be empty.
  std::vector<std::string> columns;  ///< Without the underscore.
  std::size_t begin = 0;             ///< Where its "loop_" stands in the text.
  std::size_t rows_begin = 0;        ///< Where its first row stands, or would.
  std::size_t rows_end = 0;          ///< Behind its last row's line end.
  std::vector<StarRow> rows;
};

/// All loops of a file, rows not looked into. Blank lines and comments between rows are left out.
[[nodiscard]] std::vector<StarLoop> parse_star_loops(std::string_view text);

/// The values of a row, quotes taken off, up to a comment.
[[nodiscard]] std::vector<std::string_view> star_values(std::string_view row);

/// The place of a column; columns.size() where there is none.
[[nodiscard]] std::size_t column_of(const StarLoop& loop, std::string_view name);

/// The value as it stands in a row: quoted where it needs that.
[[nodiscard]] std::string star_quoted(std::string_view value);

}  // namespace cnf::em
