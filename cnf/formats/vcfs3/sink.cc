// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/sink.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/query/arrow_stream.h"
#include "cnf/core/query/table.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/bcf_header.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/hts/bgzf_writer.h"

namespace cnf::vcfs3 {
namespace {

/// VCF and other lines as they are.
class TextSink final : public VariantSink {
 public:
  TextSink(ByteSink out, std::string_view header) : out_(std::move(out)) {
    if (!header.empty()) out_(as_bytes(header));
  }
  void write(const query::Table& table) override { out_(table.column("text").values()); }
  void finish() override {}

 private:
  ByteSink out_;
};

class BgzfSink final : public VariantSink {
 public:
  BgzfSink(ByteSink out, const SinkOptions& options, const Context& context)
      : bgzf_(std::move(out), options.level, options.threads, context) {
    bgzf_.write(as_bytes(options.header));
    bgzf_.end_block();
  }
  void write(const query::Table& table) override { bgzf_.write(table.column("text").values()); }
  void finish() override { bgzf_.finish(); }

 private:
  hts::BgzfWriter bgzf_;
};

class BcfSink final : public VariantSink {
 public:
  BcfSink(ByteSink out, const SinkOptions& options, bool compressed, const Context& context)
      : out_(std::move(out)), header_(options.header) {
    for (const auto& [what, key] : options.undefined) {
      if (!header_.defines(what, key)) header_.define(what, key);
    }
    encoder_.emplace(header_);
    if (compressed) bgzf_.emplace(out_, options.level, options.threads, context);
    write_header();
  }

  void write(const query::Table& table) override {
    const query::Column& lines = table.column("text");
    const query::Column* const residuals = table.find("residual");
    for (std::size_t row = 0; row < lines.rows(); ++row) {
      std::string_view line = lines.text(row);
      while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
      encoder_->append(line, residuals == nullptr ? std::string_view() : residuals->text(row),
                       encoded_);
      if (encoded_.size() >= kGather) flush();
    }
    flush();
  }
  void finish() override {
    if (bgzf_) bgzf_->finish();
  }

 private:
  static constexpr std::size_t kGather = std::size_t{4} << 20;

  // BCF2, section 6.2: magic, l_text, the text with its final NUL.
  void write_header() {
    const std::string text = header_.text();
    encoded_.append(as_bytes(std::string_view("BCF\2\2", 5)));
    const auto length = static_cast<std::uint32_t>(text.size() + 1);
    for (unsigned i = 0; i < 4; ++i) {
      encoded_.extend(1)[0] = static_cast<std::byte>(length >> (8 * i));
    }
    encoded_.append(as_bytes(std::string_view(text.c_str(), text.size() + 1)));
    flush();
    if (bgzf_) bgzf_->end_block();
  }
  void flush() {
    if (bgzf_) {
      bgzf_->write(encoded_);
    } else {
      out_(encoded_);
    }
    encoded_.clear();
  }

  ByteSink out_;
  BcfHeader header_;
  std::optional<BcfEncoder> encoder_;
  std::optional<hts::BgzfWriter> bgzf_;
  Buffer encoded_;
};

class ArrowSink final : public VariantSink {
 public:
  explicit ArrowSink(ByteSink out) : writer_(std::move(out)) {}
  void write(const query::Table& table) override { writer_.write(table); }
  void finish() override { writer_.finish(); }

 private:
  query::ArrowStreamWriter writer_;
};

/// Calls `visit` with the items of a list.
template <typename Visit>
void for_each_item(std::string_view list, char separator, Visit visit) {
  while (!list.empty()) {
    const std::size_t end = list.find(separator);
    if (end != 0) visit(list.substr(0, end));
    list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
  }
}

}  // namespace

FileFormat parse_output_type(std::string_view letter) {
  if (letter == "v") return FileFormat::vcf;
  if (letter == "z") return FileFormat::vcf_gz;
  if (letter == "u") return FileFormat::bcf_raw;
  if (letter == "b") return FileFormat::bcf;
  throw Error(Errc::invalid_argument, "choose output type", letter, "it is not one of v, z, u, b");
}

FileFormat file_format_of(std::string_view path) {
  if (path.ends_with(".vcf")) return FileFormat::vcf;
  if (path.ends_with(".vcf.gz") || path.ends_with(".vcf.bgz")) return FileFormat::vcf_gz;
  if (path.ends_with(".bcf")) return FileFormat::bcf;
  throw Error(Errc::invalid_argument, "choose format", path,
              "the name does not end in .vcf, .vcf.gz or .bcf", "rename it, or give -O v|z|u|b");
}

std::unique_ptr<VariantSink> make_sink(FileFormat format, ByteSink out, const SinkOptions& options,
                                       const Context& context) {
  switch (format) {
    case FileFormat::vcf:
    case FileFormat::text:
      return std::make_unique<TextSink>(std::move(out), options.header);
    case FileFormat::vcf_gz:
      return std::make_unique<BgzfSink>(std::move(out), options, context);
    case FileFormat::bcf:
    case FileFormat::bcf_raw:
      return std::make_unique<BcfSink>(std::move(out), options, format == FileFormat::bcf, context);
    case FileFormat::arrow:
      return std::make_unique<ArrowSink>(std::move(out));
  }
  throw Error(Errc::internal, "choose format", "sink", "there is no such format");
}

void append_undefined(const BcfHeader& header, const Variant& variant, Buffer& out) {
  const auto check = [&](Definition what, std::string_view key) {
    if (header.defines(what, key)) return;
    const char digit = static_cast<char>('0' + static_cast<int>(what));
    out.append(as_bytes(std::string_view(&digit, 1)));
    out.append(as_bytes(key));
    out.append(as_bytes(std::string_view("\n", 1)));
  };
  check(Definition::contig, variant.contig);
  for_each_item(variant.site.filter, ';', [&](std::string_view key) {
    if (key != ".") check(Definition::filter, key);
  });
  for_each_item(variant.site.info, ';', [&](std::string_view item) {
    if (item != ".") check(Definition::info, item.substr(0, item.find('=')));
  });
  for_each_item(variant.site.format, ':', [&](std::string_view key) {
    if (key != ".") check(Definition::format, key);
  });
}

}  // namespace cnf::vcfs3
