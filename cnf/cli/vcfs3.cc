// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/vcfs3.h"

#include <string>

#include "cnf/cli/verb.h"
#include "cnf/cli/verbs.h"
#include "cnf/formats/vcfs3/dataset.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(A VCFS3 dataset holds a VCF or BCF file of any number of samples exactly, cut by
position and sample: one sample, one region or one ID costs the bytes it needs.

Examples:
  cnf vcfs3 convert cohort.vcf.gz s3://bucket/cohort.vcfs3
  cnf vcfs3 view -s NA12878 -r chr17:43044295-43125483 s3://bucket/cohort.vcfs3
  cnf vcfs3 carriers --id rs80357906 s3://bucket/cohort.vcfs3
  cnf vcfs3 export cohort.vcfs3 cohort.vcf.gz)";

}  // namespace

vcfs3::Dataset open_vcfs3(Session& session, const std::string& uri) {
  return vcfs3::Dataset::open(session.open(uri), session.context());
}

void add_vcfs3(Verb& root) {
  Verb group = root.add_group("vcfs3", "Genomic variants: convert, view, count, export", kDetails);
  add_vcfs3_convert(group);
  add_vcfs3_view(group);
  add_vcfs3_query(group);
  add_vcfs3_carriers(group);
  add_vcfs3_samples(group);
  add_vcfs3_stats(group);
  add_vcfs3_export(group);
  add_vcfs3_add(group);
  add_vcfs3_merge(group);
}

}  // namespace cnf::cli
