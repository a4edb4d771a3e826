// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cnf/cli/queries.h"
#include "cnf/cli/session.h"
#include "cnf/cli/vcfs3.h"
#include "cnf/cli/vcfs3_conversion.h"
#include "cnf/cli/verb.h"
#include "cnf/core/storage/local.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/convert.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/merge.h"

namespace cnf::cli {
namespace {

constexpr const char* kMergeDetails =
    R"(Cohorts of different samples stand side by side: records with the same CHROM, POS,
REF and ALT become one, with ID, QUAL, FILTER and INFO of the first that has it; a
cohort that lacks the record has ./. there. Nothing is normalised: other alleles are
other records (bcftools norm -m does that before). Datasets of the same samples
follow one another by position.

Examples:
  cnf vcfs3 merge cases.vcfs3 controls.vcfs3 all.vcfs3
  cnf vcfs3 merge chr1.vcfs3 chr2.vcfs3 chr3.vcfs3 genome.vcfs3)";

constexpr const char* kAddDetails =
    R"(Adds the samples of a file, at the same or at other sites, or more regions of the
same samples; the rules are those of cnf vcfs3 merge. The dataset is written anew
beside itself and replaced in one step: queries see the old one or the new one, and
if somebody else changes it meanwhile, add fails and nothing is lost. cnf gc takes
away what was replaced.

Examples:
  cnf vcfs3 add s3://bucket/cohort.vcfs3 batch7.vcf.gz
  cnf vcfs3 add chromosomes.vcfs3 chr4.bcf)";

struct MergeArgs {
  std::vector<std::string> places;  // the last is the target
  std::shared_ptr<Vcfs3Conversion> conversion = std::make_shared<Vcfs3Conversion>();
};

int merge(const MergeArgs& args, Session& session) {
  std::vector<vcfs3::Dataset> datasets;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i + 1 < args.places.size(); ++i) {
    datasets.push_back(open_vcfs3(session, args.places[i]));
    bytes += datasets.back().metadata().storage.total_size;
  }
  args.conversion->target = args.places.back();
  return run_conversion(
      *args.conversion, args.places.front(), bytes,
      [&] {
        return vcfs3::open_merged(std::move(datasets), executor_options(session),
                                  session.context());
      },
      session);
}

/// A folder for a dataset that is needed for a while; gone with this.
class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_(std::filesystem::temp_directory_path() / ("cnf-add-" + random_id(16))) {}
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

struct AddArgs {
  std::string uri;
  std::string input;
};

vcfs3::Profile profile_of(const vcfs3::Dataset& dataset) {
  const int level = dataset.metadata().compression.level;
  if (level < 9) return vcfs3::Profile::fast;
  return level < 19 ? vcfs3::Profile::normal : vcfs3::Profile::archive;
}

int add(const AddArgs& args, Session& session) {
  const vcfs3::Dataset dataset = open_vcfs3(session, args.uri);
  Vcfs3Conversion conversion;
  conversion.target = args.uri;
  conversion.options.sharding_bits = dataset.metadata().storage.sharding_bits;
  conversion.options.chunk_samples = dataset.group_samples();
  conversion.options.existing = vcfs3::ConvertOptions::Existing::replace;
  static constexpr const char* kProfiles[] = {"fast", "normal", "archive"};
  conversion.profile = kProfiles[static_cast<std::size_t>(profile_of(dataset))];
  const TemporaryFolder folder;
  return run_conversion(
      conversion, args.input, dataset.metadata().storage.total_size,
      [&] {
        const auto beside = storage::open_local(folder.path(), session.options().storage);
        (void)vcfs3::convert(args.input, beside,
                             {.profile = vcfs3::Profile::fast,
                              .threads = session.threads(),
                              .memory = session.options().memory,
                              .storage = session.options().storage},
                             session.context());
        std::vector<vcfs3::Dataset> both;
        // Opened anew: convert() knows by now which version it will replace, and it is not older.
        both.push_back(open_vcfs3(session, args.uri));
        both.push_back(vcfs3::Dataset::open(beside, session.context()));
        return vcfs3::open_merged(std::move(both), executor_options(session), session.context());
      },
      session);
}

}  // namespace

void add_vcfs3_merge(Verb& vcfs3) {
  auto args = std::make_shared<MergeArgs>();
  Verb verb = vcfs3.add("merge", "Make one dataset of several", kMergeDetails);
  verb.arguments("URI", args->places, "Two datasets and more, then where the new one goes", 3);
  add_conversion_options(verb, args->conversion);
  verb.run([args](Session& session) { return merge(*args, session); });
}

void add_vcfs3_add(Verb& vcfs3) {
  auto args = std::make_shared<AddArgs>();
  Verb verb = vcfs3.add("add", "Add samples or regions to a dataset", kAddDetails);
  verb.argument("URI", args->uri, "The dataset");
  verb.argument("IN", args->input, "A VCF or BCF file, or - for standard input");
  verb.run([args](Session& session) { return add(*args, session); });
}

}  // namespace cnf::cli
