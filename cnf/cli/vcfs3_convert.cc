// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cnf/cli/queries.h"
#include "cnf/cli/session.h"
#include "cnf/cli/vcfs3.h"
#include "cnf/cli/vcfs3_conversion.h"
#include "cnf/cli/verb.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/convert.h"
#include "cnf/formats/vcfs3/dataset_source.h"
#include "cnf/formats/vcfs3/source.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Reads VCF, VCF.gz (BGZF or gzip) or BCF, told apart by content, from a path, a URI or
"-" (standard input), and writes a dataset. cnf vcfs3 export gives the text back
byte for byte, odd lines included. A dataset as IN is written anew, with another
grid or effort.

Nothing is visible before all is written: an interrupted run leaves what was there.

Examples:
  cnf vcfs3 convert cohort.vcf.gz s3://bucket/cohort.vcfs3
  bcftools merge -l files.txt | cnf vcfs3 convert - cohort.vcfs3
  cnf vcfs3 convert --sample-table panel.tsv --profile archive cohort.bcf cohort.vcfs3)";

struct ConvertArgs {
  std::string input;
  std::shared_ptr<Vcfs3Conversion> conversion = std::make_shared<Vcfs3Conversion>();
};

std::uint64_t input_size(const std::string& input, Session& session) {
  if (input == "-") return 0;
  const storage::Location location = session.locate(input);
  const auto info = location.key.empty()
                        ? std::nullopt
                        : location.storage->try_stat(location.key, session.context());
  return info ? info->size : 0;
}

bool is_dataset(const std::string& input, Session& session) {
  if (input == "-" || input_size(input, session) > 0) return false;
  return session.open(input)->exists(metadata::kManifestKey, session.context());
}

int convert(const ConvertArgs& args, Session& session) {
  if (is_dataset(args.input, session)) {
    const vcfs3::Dataset dataset = open_vcfs3(session, args.input);
    return run_conversion(
        *args.conversion, args.input, dataset.metadata().storage.total_size,
        [&] { return open_dataset_source(dataset, executor_options(session), session.context()); },
        session);
  }
  return run_conversion(
      *args.conversion, args.input, input_size(args.input, session),
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
  verb.argument("URI", args->conversion->target, "Where the dataset goes");
  add_conversion_options(verb, args->conversion);
  verb.option("--sample-table", "FILE", args->conversion->options.sample_table,
              "Attributes of samples: TSV with a header line, or PED");
  verb.run([args](Session& session) { return convert(*args, session); });
}

}  // namespace cnf::cli
