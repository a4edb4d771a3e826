// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cnf/core/query/table.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/view.h"

namespace cnf::bams3 {

enum class FileFormat : std::uint8_t { sam, bam, cram, json };

/// Reads "sam", "bam", "cram", "json". Throws Error invalid_argument.
[[nodiscard]] FileFormat parse_file_format(std::string_view name);
/// By a path's extension: .sam, .bam, .cram, .json. Throws Error invalid_argument on any other.
[[nodiscard]] FileFormat file_format_of(std::string_view path);

/// The form of the tables that a sink of this format takes.
[[nodiscard]] Form form_for(FileFormat format) noexcept;

/// Takes the bytes of a file as they are made, in order. May throw.
using ByteSink = std::function<void(ByteSpan)>;

struct SinkOptions {
  enum class HeaderText : std::uint8_t { include, omit };
  HeaderText header = HeaderText::include;  ///< SAM only: BAM and CRAM always have one.
  int level = 6;                            ///< BAM: of BGZF, 0 to 9; CRAM: htslib's own.
  std::string reference = {};  ///< CRAM: FASTA; without one sequences are stored whole.
  std::size_t threads = 0;     ///< For compression; 0: the machine's cores.
};

/// Writes tables of records as a file. Threads: one at a time.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  virtual void write(const query::Table& table) = 0;
  /// Writes what the format ends with. Without it the file is not whole.
  virtual void finish() = 0;
};

[[nodiscard]] std::unique_ptr<RecordSink> make_sink(FileFormat format, const Header& header,
                                                    ByteSink out, const SinkOptions& options,
                                                    const Context& context);

}  // namespace cnf::bams3
