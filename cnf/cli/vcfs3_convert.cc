// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "cnf/cli/conversions.h"
#include "cnf/cli/queries.h"
#include "cnf/cli/session.h"
#include "cnf/cli/vcfs3.h"
#include "cnf/cli/vcfs3_conversion.h"
#include "cnf/cli/verb.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/commit_parts.h"
#include "cnf/formats/vcfs3/convert.h"
#include "cnf/formats/vcfs3/dataset_source.h"
#include "cnf/formats/vcfs3/source.h"
#include "cnf/formats/vcfs3/source_part.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Reads VCF, VCF.gz (BGZF or gzip) or BCF, told apart by content, from a path, a URI or
"-" (standard input), and writes a dataset. cnf vcfs3 export gives the text back
byte for byte, odd lines included. A dataset as IN is written anew, with another
grid or effort.

Nothing is visible before all is written: an interrupted run leaves what was there.

Several machines can share the work: each converts parts of one BGZF or plain VCF
file, cut by bytes (no index is needed), and one commit makes all of it a dataset.
A part that died is run again. Run no gc there until the commit is done.

Examples:
  cnf vcfs3 convert cohort.vcf.gz s3://bucket/cohort.vcfs3
  for i in 1 2 3; do ssh node$i cnf vcfs3 convert --part $i/3 \
    s3://bucket/cohort.vcf.gz s3://bucket/cohort.vcfs3 & done; wait
  cnf vcfs3 convert --commit s3://bucket/cohort.vcfs3
  bcftools merge -l files.txt | cnf vcfs3 convert - cohort.vcfs3
  cnf vcfs3 convert --sample-table panel.tsv --profile archive cohort.bcf cohort.vcfs3)";

struct ConvertArgs {
  std::string input;
  bool commit = false;
  std::shared_ptr<Vcfs3Conversion> conversion = std::make_shared<Vcfs3Conversion>();
};

// "2/7"
vcfs3::PartNumber parse_part(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) throw UsageError("--part: which of how many? (2/7)");
  const vcfs3::PartNumber part{
      .number = static_cast<std::uint64_t>(parse_integer("--part", text.substr(0, slash), 1)),
      .of = static_cast<std::uint64_t>(parse_integer("--part", text.substr(slash + 1), 1))};
  if (part.number > part.of || part.of > vcfs3::kMaxParts) {
    throw UsageError(fmt::format("--part: there is no part {} (1/N to N/N, N at most {})", text,
                                 vcfs3::kMaxParts));
  }
  return part;
}

/// \param bytes  input_size(): an object of some size is none.
bool is_dataset(const std::string& input, std::uint64_t bytes, Session& session) {
  if (input == "-" || bytes > 0) return false;
  return session.open(input)->exists(metadata::kManifestKey, session.context());
}

// With --commit the one argument is the dataset.
int commit(const ConvertArgs& args, Session& session) {
  if (!args.conversion->target.empty() || args.conversion->options.part)
    throw UsageError("--commit takes the dataset alone: cnf vcfs3 convert --commit URI");
  args.conversion->target = args.input;
  const ConversionWork work = [&](const auto& target, const vcfs3::ConvertOptions& options) {
    return vcfs3::commit_parts(target, options, session.context());
  };
  return run_conversion(*args.conversion, "the parts", 0, work, session);
}

int convert_part(const ConvertArgs& args, Session& session) {
  const vcfs3::PartNumber part = *args.conversion->options.part;
  const ConversionWork work = [&](const auto& target, const vcfs3::ConvertOptions& options) {
    return vcfs3::convert(args.input, target, options, session.context());
  };
  const int status = run_conversion(*args.conversion, args.input,
                                    input_size(args.input, session) / part.of, work, session);
  if (!session.options().explain && !session.options().json) {
    session.note(fmt::format("part {} of {}: not visible before cnf vcfs3 convert --commit",
                             part.number, part.of));
  }
  return status;
}

int convert(const ConvertArgs& args, Session& session) {
  if (args.commit) return commit(args, session);
  if (args.conversion->target.empty())
    throw UsageError("URI is required: where does the dataset go?");
  if (args.conversion->options.part) return convert_part(args, session);
  const std::uint64_t bytes = input_size(args.input, session);
  if (is_dataset(args.input, bytes, session)) {
    const vcfs3::Dataset dataset = open_vcfs3(session, args.input);
    return run_conversion(
        *args.conversion, args.input, dataset.metadata().storage.total_size,
        [&] { return open_dataset_source(dataset, executor_options(session), session.context()); },
        session);
  }
  return run_conversion(
      *args.conversion, args.input, bytes,
      [&] {
        return vcfs3::open_source(
            args.input, {.storage = session.options().storage, .threads = session.threads()},
            session.context());
      },
      session);
}

}  // namespace

void add_vcfs3_convert(Verb& vcfs3) {
  auto args = std::make_shared<ConvertArgs>();
  Verb verb = vcfs3.add("convert", "Make a dataset from a VCF or BCF file", kDetails);
  verb.argument("IN", args->input, "A path, a URI, - for standard input, or a dataset");
  verb.optional_argument("URI", args->conversion->target,
                         "Where the dataset goes; not with --commit, whose IN is the dataset");
  add_conversion_options(verb, args->conversion);
  verb.option("--sample-table", "FILE", args->conversion->options.sample_table,
              "Attributes of samples: TSV with a header line, or PED");
  verb.option(
      "--part", "I/N",
      [args](const std::string& text) { args->conversion->options.part = parse_part(text); },
      "Convert the I-th of N parts of the input only; --commit joins them");
  verb.flag("--commit", args->commit, "Make a dataset of the N parts that lie at URI");
  verb.run([args](Session& session) { return convert(*args, session); });
}

}  // namespace cnf::cli
