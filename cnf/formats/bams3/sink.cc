// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/sink.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "cnf/core/query/table.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/cram_sink_internal.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/view.h"
#include "cnf/hts/bgzf_writer.h"

namespace cnf::bams3 {
namespace {

/// SAM and JSON: the lines are made where the records are decoded.
class TextSink final : public RecordSink {
 public:
  TextSink(ByteSink out, std::string_view header) : out_(std::move(out)) {
    if (!header.empty()) out_(as_bytes(header));
  }
  void write(const query::Table& table) override { out_(table.column("text").values()); }
  void finish() override {}

 private:
  ByteSink out_;
};

class BamSink final : public RecordSink {
 public:
  BamSink(const Header& header, ByteSink out, const SinkOptions& options, const Context& context)
      : bgzf_(std::move(out), options.level, options.threads, context) {
    bgzf_.write(header.to_bam());
    bgzf_.end_block();
  }
  void write(const query::Table& table) override { bgzf_.write(table.column("record").values()); }
  void finish() override { bgzf_.finish(); }

 private:
  hts::BgzfWriter bgzf_;
};

// SAM text ends each header line; a text that lacks the last newline gets it, as samtools does.
std::string sam_header(const Header& header) {
  std::string text = header.text.substr(0, header.text.find('\0'));
  if (text.find("@SQ\t") == std::string::npos) {
    std::string lines;
    for (const Reference& reference : header.references) {
      lines += fmt::format("@SQ\tSN:{}\tLN:{}\n", reference.name, reference.length);
    }
    text += lines;
  }
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text;
}

}  // namespace

FileFormat parse_file_format(std::string_view name) {
  if (name == "sam") return FileFormat::sam;
  if (name == "bam") return FileFormat::bam;
  if (name == "cram") return FileFormat::cram;
  if (name == "json") return FileFormat::json;
  throw Error(Errc::invalid_argument, "choose format", name,
              "it is not one of sam, bam, cram, json");
}

FileFormat file_format_of(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) {
    throw Error(Errc::invalid_argument, "choose format", path, "the name has no extension",
                "end it in .bam, .sam or .cram, or give --format");
  }
  return parse_file_format(path.substr(dot + 1));
}

Form form_for(FileFormat format) noexcept {
  switch (format) {
    case FileFormat::sam:
      return Form::sam;
    case FileFormat::json:
      return Form::json;
    default:
      return Form::bam;
  }
}

std::unique_ptr<RecordSink> make_sink(FileFormat format, const Header& header, ByteSink out,
                                      const SinkOptions& options, const Context& context) {
  switch (format) {
    case FileFormat::sam: {
      const bool with_header = options.header == SinkOptions::HeaderText::include;
      return std::make_unique<TextSink>(std::move(out),
                                        with_header ? sam_header(header) : std::string());
    }
    case FileFormat::json:
      return std::make_unique<TextSink>(std::move(out), std::string_view());
    case FileFormat::bam:
      return std::make_unique<BamSink>(header, std::move(out), options, context);
    case FileFormat::cram:
      return make_cram_sink(header, std::move(out), options);
  }
  throw Error(Errc::internal, "choose format", "sink", "there is no such format");
}

}  // namespace cnf::bams3
