// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/cli/bams3.h"
#include "cnf/cli/conversions.h"
#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/verb.h"
#include "cnf/core/chunk/chunk.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"
#include "cnf/formats/bams3/convert.h"
#include "cnf/formats/bams3/source.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Reads SAM, BAM or CRAM, told apart by content, from a path, a URI or "-" (standard
input), and writes a dataset. Records come back exactly with cnf bams3 export.

Input that is not in coordinate order is sorted as samtools sort does, on disk
where --memory is not enough. --order keep leaves it as it is (regions cannot be
looked up then), --order name sorts as samtools sort -n.

Nothing is visible before all is written: an interrupted run leaves what was there.

Examples:
  cnf bams3 convert sample.bam s3://bucket/sample.bams3
  bwa mem ref.fa r1.fq r2.fq | cnf bams3 convert - sample.bams3
  cnf bams3 convert --reference ref.fa sample.cram sample.bams3)";

struct ConvertArgs {
  std::string input;
  std::string target;
  std::string order = "coordinate";
  std::string reference;
  std::string temporary;
  std::uint64_t chunk_bytes = 0;
  std::uint64_t chunk_span = 0;
  bams3::ConvertOptions options;
};

bams3::Order parse_order(const std::string& order) {
  if (order == "keep") return bams3::Order::keep;
  return order == "name" ? bams3::Order::name : bams3::Order::coordinate;
}

bams3::ConvertOptions options_of(const ConvertArgs& args, const Session& session) {
  if (args.chunk_bytes > 0 && args.chunk_span > 0) {
    throw UsageError("--chunk-bytes and --chunk-span exclude each other");
  }
  bams3::ConvertOptions options = args.options;
  const Globals& globals = session.options();
  options.order = parse_order(args.order);
  options.reference = args.reference;
  options.temporary = args.temporary;
  options.threads = session.threads();
  options.memory = globals.memory;
  options.storage = globals.storage;
  if (globals.overwrite) options.existing = bams3::ConvertOptions::Existing::replace;
  if (args.chunk_bytes > 0)
    options.strategy = std::make_shared<chunk::FixedStrategy>(args.chunk_bytes);
  if (args.chunk_span > 0)
    options.strategy = std::make_shared<chunk::CoordinateStrategy>(args.chunk_span);
  return options;
}

int convert(const ConvertArgs& args, Session& session) {
  bams3::ConvertOptions options = options_of(args, session);
  const std::uint64_t bytes = input_size(args.input, session);
  if (session.options().explain) {
    return explain_conversion(fmt::format("convert {} ({} bytes) to {}, order {}", args.input,
                                          bytes, args.target, args.order),
                              args.input, args.target, bytes, session);
  }
  const auto progress = session.progress(bytes);
  options.progress = progress.get();
  const bams3::ConvertReport report =
      bams3::convert(args.input, session.open(args.target), options, session.context());
  if (session.options().json) {
    Output out(session);
    out.line(dump_line({{"records", report.records},
                        {"row_groups", report.groups},
                        {"chunks", report.chunks},
                        {"raw_bytes", report.raw_bytes},
                        {"stored_bytes", report.stored_bytes},
                        {"sorted", report.sorted}}));
    out.commit();
  } else {
    session.note(fmt::format("{}: {} in {}, {}{}", args.target, count_of(report.records, "record"),
                             count_of(report.chunks, "chunk"), format_size(report.stored_bytes),
                             report.sorted ? ", sorted" : ""));
  }
  return kDone;
}

}  // namespace

void add_bams3_convert(Verb& bams3) {
  auto args = std::make_shared<ConvertArgs>();
  Verb verb = bams3.add("convert", "Make a dataset from a BAM, SAM or CRAM file", kDetails);
  verb.argument("IN", args->input, "A path, a URI, or - for standard input");
  verb.argument("URI", args->target, "Where the dataset goes");
  verb.option("--reference", "FASTA", args->reference, "For CRAM input that needs one");
  verb.choice("--order", args->order, {"coordinate", "keep", "name"},
              "Order of the records (default: coordinate)");
  verb.option(
      "--chunk-bytes", "SIZE",
      [args](const std::string& text) { args->chunk_bytes = parse_size(text); },
      "End a chunk after so many bytes (default: 64M)");
  verb.option(
      "--chunk-span", "BP",
      [args](const std::string& text) {
        args->chunk_span = parse_base_pairs("--chunk-span", text);
      },
      "End chunks at multiples of so many base pairs: 1M");
  verb.option(
      "--codec", "NAME[:LEVEL]",
      [args](const std::string& text) {
        args->options.codec = compress::CodecOptions::parse(text);
      },
      "zstd:1 to zstd:22, lz4, none (default: zstd:6)");
  verb.option(
      "--sharding-bits", "N",
      [args](const std::string& text) {
        args->options.sharding_bits = static_cast<int>(parse_integer("--sharding-bits", text, 4));
      },
      "Spread chunks over 2^N prefixes, 4 to 8 (default: not)");
  verb.option("--tmp", "DIR", args->temporary, "For sorting (default: the system's)");
  verb.run([args](Session& session) { return convert(*args, session); });
}

}  // namespace cnf::cli
