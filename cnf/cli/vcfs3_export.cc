// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/queries.h"
#include "cnf/cli/session.h"
#include "cnf/cli/vcfs3.h"
#include "cnf/cli/verb.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/progress.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/export.h"
#include "cnf/formats/vcfs3/render.h"
#include "cnf/formats/vcfs3/sink.h"
#include "cnf/formats/vcfs3/view.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Writes all records with the header's own bytes; the format follows from the name
(.vcf, .vcf.gz, .bcf) or -O. As VCF the text that was converted comes back byte for
byte: it is held against the SHA-256 that was taken at conversion, and nothing is
left of a file that would differ.

Examples:
  cnf vcfs3 export s3://bucket/cohort.vcfs3 cohort.vcf.gz
  cnf vcfs3 export cohort.vcfs3 - -O v | bcftools stats -)";

struct ExportArgs {
  std::string uri;
  std::string target;
  std::string output_type;
};

int export_file(const ExportArgs& args, Session& session) {
  const vcfs3::FileFormat format = args.output_type.empty()
                                       ? vcfs3::file_format_of(args.target)
                                       : vcfs3::parse_output_type(args.output_type);
  const vcfs3::Dataset dataset = open_vcfs3(session, args.uri);
  if (session.options().explain) {
    const vcfs3::ViewPlan plan =
        vcfs3::plan_view(dataset, {}, vcfs3::render_lines({}), session.context());
    return explain_plan(plan.plan, *dataset.chunk_storage(), "bins", session);
  }
  const auto progress = session.progress();
  Output out(session, args.target);
  vcfs3::export_dataset(
      dataset, format, [&out](ByteSpan bytes) { out.write(bytes); },
      {.executor = executor_options(session), .progress = progress.get()}, session.context());
  out.commit();
  return kDone;
}

}  // namespace

void add_vcfs3_export(Verb& vcfs3) {
  auto args = std::make_shared<ExportArgs>();
  Verb verb = vcfs3.add("export", "Write all of it as VCF, VCF.gz or BCF", kDetails);
  verb.argument("URI", args->uri, "The dataset");
  verb.argument("OUT", args->target, "The file: a path, a URI, or - for standard output");
  verb.option("-O,--output-type", "v|z|u|b", args->output_type,
              "VCF, VCF.gz, BCF not compressed, BCF (default: by the name)");
  verb.run([args](Session& session) {
    if (args->target == "-" && args->output_type.empty()) {
      throw UsageError("which format? (-O v|z|u|b)");
    }
    return export_file(*args, session);
  });
}

}  // namespace cnf::cli
