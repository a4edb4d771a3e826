// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cnf/core/query/table.h"
#include "cnf/core/util/buffer.h"

namespace cnf::query {

/// Writes tables as an Arrow IPC stream, which pyarrow, polars, DuckDB and R's arrow read:
/// https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
///
/// Every table becomes a record batch; all must have the columns of the first. Bodies are not
/// compressed. Threads: one at a time.
class ArrowStreamWriter {
 public:
  /// Takes the stream's bytes as they are made, in order. May throw.
  using Sink = std::function<void(ByteSpan)>;
  struct Field {
    std::string name;
    Type type{};
    bool operator==(const Field&) const = default;
  };

  explicit ArrowStreamWriter(Sink sink) : sink_(std::move(sink)) {}

  /// Says which columns there are, for an answer that may have no table at all. Optional, first.
  void begin(std::vector<Field> fields);
  /// Throws Error invalid_argument if the table's columns are not those of the stream.
  void write(const Table& table);
  /// Writes the mark of the end. Without it the stream is not whole.
  void finish();

 private:
  Sink sink_;
  std::optional<std::vector<Field>> fields_;
};

}  // namespace cnf::query
