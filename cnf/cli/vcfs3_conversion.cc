// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/vcfs3_conversion.h"

#include <cstdint>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/cli/conversions.h"
#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/verb.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"
#include "cnf/formats/vcfs3/convert.h"

namespace cnf::cli {
namespace {

vcfs3::ConvertOptions options_of(const Vcfs3Conversion& args, const Session& session) {
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

int tell(const vcfs3::ConvertReport& report, const Vcfs3Conversion& args, Session& session) {
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

void add_conversion_options(Verb& verb, const std::shared_ptr<Vcfs3Conversion>& conversion) {
  verb.choice("--profile", conversion->profile, {"fast", "normal", "archive"},
              "How hard to compress (default: normal)");
  verb.option(
      "--chunk-span", "BP",
      [conversion](const std::string& text) {
        conversion->options.chunk_span = parse_base_pairs("--chunk-span", text);
      },
      "End bins at multiples of so many base pairs: 1M (default: by records)");
  verb.option(
      "--chunk-samples", "N",
      [conversion](const std::string& text) {
        conversion->options.chunk_samples =
            static_cast<std::uint64_t>(parse_integer("--chunk-samples", text, 1));
      },
      "Samples of a tile (default: about a hundredth of all, 16 to 1000;\n"
      "at least 100 where FORMAT has GT alone)");
  verb.option(
      "--sharding-bits", "N",
      [conversion](const std::string& text) {
        conversion->options.sharding_bits =
            static_cast<int>(parse_integer("--sharding-bits", text, 4));
      },
      "Spread chunks over 2^N prefixes, 4 to 8 (default: not)");
}

int run_conversion(const Vcfs3Conversion& conversion, const std::string& what, std::uint64_t bytes,
                   const ConversionWork& work, Session& session) {
  if (session.options().explain) {
    return explain_conversion(
        fmt::format("convert {} ({} bytes) to {}", what, bytes, conversion.target), what,
        conversion.target, bytes, session);
  }
  vcfs3::ConvertOptions options = options_of(conversion, session);
  const auto progress = session.progress(bytes);
  options.progress = progress.get();
  return tell(work(session.open(conversion.target), options), conversion, session);
}

int run_conversion(const Vcfs3Conversion& conversion, const std::string& what, std::uint64_t bytes,
                   const vcfs3::OpenSource& open, Session& session) {
  const ConversionWork work = [&](const auto& target, const vcfs3::ConvertOptions& options) {
    return vcfs3::convert(open, target, options, session.context());
  };
  return run_conversion(conversion, what, bytes, work, session);
}

}  // namespace cnf::cli
