// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/transfer.h"
#include "cnf/cli/vcfs3.h"
#include "cnf/cli/verb.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"
#include "cnf/formats/vcfs3/convert.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Reads VCF, VCF.gz (BGZF or gzip) or BCF, told apart by content, from a path, a URI or
"-" (standard input), and writes a dataset. cnf vcfs3 export gives the text back
byte for byte, odd lines included.

Nothing is visible before all is written: an interrupted run leaves what was there.

Examples:
  cnf vcfs3 convert cohort.vcf.gz s3://bucket/cohort.vcfs3
  bcftools merge -l files.txt | cnf vcfs3 convert - cohort.vcfs3
  cnf vcfs3 convert --sample-table panel.tsv --profile archive cohort.bcf cohort.vcfs3)";

struct ConvertArgs {
  std::string input;
  std::string target;
  std::string profile = "normal";
  vcfs3::ConvertOptions options;
};

// "1M" of base pairs is a million, not 2^20.
std::uint64_t parse_span(const std::string& text) {
  std::string digits = text;
  std::uint64_t unit = 1;
  if (!digits.empty() && (digits.back() == 'M' || digits.back() == 'k' || digits.back() == 'K')) {
    unit = digits.back() == 'M' ? 1'000'000 : 1'000;
    digits.pop_back();
  }
  return static_cast<std::uint64_t>(parse_integer("--chunk-span", digits, 1)) * unit;
}

vcfs3::ConvertOptions options_of(const ConvertArgs& args, const Session& session) {
  vcfs3::ConvertOptions options = args.options;
  const Globals& globals = session.options();
  options.profile = vcfs3::Profile::normal;
  if (args.profile == "fast") options.profile = vcfs3::Profile::fast;
  if (args.profile == "archive") options.profile = vcfs3::Profile::archive;
  if (globals.overwrite) options.existing = vcfs3::ConvertOptions::Existing::replace;
  options.threads = session.threads();
  options.memory = globals.memory;
  options.storage = globals.storage;
  return options;
}

std::uint64_t input_size(const std::string& input, Session& session) {
  if (input == "-") return 0;
  const storage::Location location = session.locate(input);
  const auto info = location.key.empty()
                        ? std::nullopt
                        : location.storage->try_stat(location.key, session.context());
  return info ? info->size : 0;
}

int explain(const ConvertArgs& args, std::uint64_t bytes, Session& session) {
  Estimate estimate{
      .what = fmt::format("convert {} ({} bytes) to {}; about as many bytes are written at most",
                          args.input, bytes, args.target),
      .billed = is_remote(args.target)};
  estimate.usage.requests[static_cast<std::size_t>(RequestKind::put)] =
      requests_to_write(bytes, session) + 4;
  estimate.usage.requests[static_cast<std::size_t>(RequestKind::get)] =
      1 + (is_remote(args.input) ? requests_to_read(bytes) : 0);
  estimate.usage.bytes_sent = bytes;
  return print_estimate(session, estimate);
}

int convert(const ConvertArgs& args, Session& session) {
  vcfs3::ConvertOptions options = options_of(args, session);
  const std::uint64_t bytes = input_size(args.input, session);
  if (session.options().explain) return explain(args, bytes, session);
  const auto progress = session.progress(bytes);
  options.progress = progress.get();
  const vcfs3::ConvertReport report =
      vcfs3::convert(args.input, session.open(args.target), options, session.context());
  if (session.options().json) {
    Output out(session);
    out.line(dump_line({{"records", report.records},
                        {"raw_records", report.raw_records},
                        {"samples", report.samples},
                        {"bins", report.bins},
                        {"chunks", report.chunks},
                        {"text_bytes", report.text_bytes},
                        {"stored_bytes", report.stored_bytes}}));
    out.commit();
  } else {
    session.note(fmt::format("{}: {} of {} in {}, {}", args.target,
                             count_of(report.records, "record"), count_of(report.samples, "sample"),
                             count_of(report.chunks, "chunk"), format_size(report.stored_bytes)));
    if (report.raw_records != 0) {
      session.note(fmt::format("{} kept as whole lines: their columns break the rules of VCF",
                               count_of(report.raw_records, "record")));
    }
  }
  return kDone;
}

}  // namespace

void add_vcfs3_convert(Verb& vcfs3) {
  auto args = std::make_shared<ConvertArgs>();
  Verb verb = vcfs3.add("convert", "Make a dataset from a VCF or BCF file", kDetails);
  verb.argument("IN", args->input, "A path, a URI, or - for standard input");
  verb.argument("URI", args->target, "Where the dataset goes");
  verb.choice("--profile", args->profile, {"fast", "normal", "archive"},
              "How hard to compress (default: normal)");
  verb.option(
      "--chunk-span", "BP",
      [args](const std::string& text) { args->options.chunk_span = parse_span(text); },
      "End bins at multiples of so many base pairs: 1M (default: by records)");
  verb.option(
      "--chunk-samples", "N",
      [args](const std::string& text) {
        args->options.chunk_samples =
            static_cast<std::uint64_t>(parse_integer("--chunk-samples", text, 1));
      },
      "Samples of a tile (default: about a hundredth of all, 16 to 1000)");
  verb.option("--sample-table", "FILE", args->options.sample_table,
              "Attributes of samples: TSV with a header line, or PED");
  verb.option(
      "--sharding-bits", "N",
      [args](const std::string& text) {
        args->options.sharding_bits = static_cast<int>(parse_integer("--sharding-bits", text, 4));
      },
      "Spread chunks over 2^N prefixes, 4 to 8 (default: not)");
  verb.run([args](Session& session) { return convert(*args, session); });
}

}  // namespace cnf::cli
