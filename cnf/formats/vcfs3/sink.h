// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/query/table.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/bcf_header.h"
#include "cnf/formats/vcfs3/variant.h"

namespace cnf::vcfs3 {

/// What an answer is written as.
enum class FileFormat : std::uint8_t {
  vcf,
  vcf_gz,   ///< BGZF
  bcf,      ///< BGZF
  bcf_raw,  ///< Not compressed and without blocks, as bcftools -O u writes it.
  text,     ///< Lines of any other kind: JSON, a query's format string.
  arrow,    ///< An Arrow IPC stream.
};

/// Reads "v", "z", "u", "b". Throws Error invalid_argument.
[[nodiscard]] FileFormat parse_output_type(std::string_view letter);
/// By a path's extension: .vcf, .vcf.gz, .vcf.bgz, .bcf. Throws Error invalid_argument.
[[nodiscard]] FileFormat file_format_of(std::string_view path);

/// Takes the bytes of a file as they are made, in order. May throw.
using ByteSink = std::function<void(ByteSpan)>;

/// Takes the tables of an answer, in order, and makes a file of them. Threads: one at a time.
class VariantSink {
 public:
  virtual ~VariantSink() = default;
  virtual void write(const query::Table& table) = 0;
  /// Writes what the format ends with. Without it the file is not whole.
  virtual void finish() = 0;
};

struct SinkOptions {
  std::string header = {};  ///< Text before the records; of BCF its header (always needed).
  /// BCF: keys that the header lacks and records have; they are defined as strings.
  std::vector<std::pair<Definition, std::string>> undefined = {};
  int level = 6;            ///< Of BGZF.
  std::size_t threads = 0;  ///< For compression; 0: the machine's cores.
};

/// Takes tables with a column "text" (for Arrow: any columns), for BCF perhaps with "residual".
/// Throws Error corrupt_data if a BCF file can have no such header.
[[nodiscard]] std::unique_ptr<VariantSink> make_sink(FileFormat format, ByteSink out,
                                                     const SinkOptions& options,
                                                     const Context& context);

/// Appends the keys of a record that a BCF header lacks, one a line: its place in Definition as a
/// digit, then the key. Looks at FILTER, INFO and FORMAT.
void append_undefined(const BcfHeader& header, const Variant& variant, Buffer& out);

}  // namespace cnf::vcfs3
